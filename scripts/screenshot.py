"""Take docs/images/status.png: the status page of the demo.

usage: python -m scripts.screenshot
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.browser import MissingBrowserError, find

if TYPE_CHECKING:
    from collections.abc import Iterator

PICTURE = Path(__file__).parent.parent / "docs" / "images" / "status.png"
SIZE = (1000, 1330)
LOADING = ("history is loading", "loading back to", "waiting for")
"""The page says one of these until it has everything to show."""
PATIENCE_SECONDS = 120
MOST_BYTES = 200_000


def main() -> int:
    """Start the demo, wait until its history is loaded, and take the picture."""
    try:
        browser = find()
    except MissingBrowserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    with demo() as url:
        if not loaded(url):
            sys.stderr.write(f"error: {url} has not loaded its history in {PATIENCE_SECONDS} s\n")
            return 1
        browser.photograph(url, PICTURE, SIZE)
    size = PICTURE.stat().st_size
    sys.stdout.write(f"{PICTURE.name}: {size:,} bytes\n")
    return int(size > MOST_BYTES)


@contextmanager
def demo() -> Iterator[str]:
    """Run the demo on a free port; yield its URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "claude_cost_exporter", "demo"]
    process = subprocess.Popen(
        [*command, f"--web.listen-address={address}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://{address}/"
    finally:
        process.terminate()
        process.wait()


def loaded(url: str) -> bool:
    """Wait until the page shows everything; False when it never does."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up:
        time.sleep(1)
        try:
            with urllib.request.urlopen(url) as answer:  # noqa: S310 - our own loopback server
                page = answer.read().decode()
        except (urllib.error.URLError, OSError):
            continue
        if not any(words in page for words in LOADING):
            return True
    return False


if __name__ == "__main__":
    sys.exit(main())
