"""Take docs/images/status.png: the status page of the demo, through a Chromium from PATH.

usage: python -m scripts.screenshot
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PICTURE = Path(__file__).parent.parent / "docs" / "images" / "status.png"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SIZE = "1000,1100"
LOADING = ("history is loading", "loading back to", "waiting for")
"""The page says one of these until it has everything to show."""
PATIENCE_SECONDS = 120
MOST_BYTES = 200_000


def main() -> int:
    """Start the demo, wait until its history is loaded, and take the picture."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.stderr.write(f"error: no browser on PATH; one of {', '.join(BROWSERS)} is needed\n")
        return 1
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    with demo() as url:
        if not loaded(url):
            sys.stderr.write(f"error: {url} has not loaded its history in {PATIENCE_SECONDS} s\n")
            return 1
        photograph(browser, url)
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


def photograph(browser: str, url: str) -> None:
    """Let the browser draw the page into the picture."""
    with tempfile.TemporaryDirectory() as profile:
        options = [
            "--headless",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={profile}",
            f"--window-size={SIZE}",
            f"--screenshot={PICTURE}",
        ]
        if os.geteuid() == 0:
            options.append("--no-sandbox")  # Chromium refuses to have one as root
        subprocess.run([browser, *options, url], check=True, capture_output=True)


if __name__ == "__main__":
    sys.exit(main())
