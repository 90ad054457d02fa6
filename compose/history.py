"""Give a Prometheus that has not started yet the past that the exporter's ledger knows.

docker-compose.yml runs it once, when the exporter is healthy and before Prometheus starts. It
waits for the exporter to load its history, but not for ever, and unless it is stopped it ends with
0: without a past Prometheus begins with today.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

CONFIGURATIONS = Path("/etc/claude-cost-exporter")
LEDGERS = Path("/var/lib/claude-cost-exporter")
DATA = Path("/prometheus")
LOADING = "is being loaded"
"""What `backfill` says while there will be more."""
LOADING_SECONDS = 900.0
GRACE_SECONDS = 30.0
"""How long to try again whatever else it says: the exporter has only just begun."""
PAUSE_SECONDS = 3.0
STOPPED = 128 + signal.SIGTERM
"""The exit code of what was told to stop. A container's first process has to see to it itself."""


def main() -> int:
    """Write the past once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configurations", type=Path, default=CONFIGURATIONS)
    parser.add_argument("--ledgers", type=Path, default=LEDGERS)
    parser.add_argument("--data-dir", type=Path, default=DATA)
    parser.add_argument("--patience", type=float, default=LOADING_SECONDS)
    parser.add_argument("--grace", type=float, default=GRACE_SECONDS)
    given, labels = parser.parse_known_args()
    if has_begun(given.data_dir):
        say("Prometheus has data already: no history is added")
        return 0
    configuration = "demo.yml" if (given.ledgers / "demo.db").exists() else "live.yml"
    command = [
        *("claude-cost-exporter", "backfill", f"--data-dir={given.data_dir}"),
        *(f"--config.file={given.configurations / configuration}", *labels),
    ]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(STOPPED))
    say("writing the history for Prometheus; 90 days may take some minutes")
    remove_unfinished(given.data_dir)
    try:
        if not written(command, given.patience, given.grace):
            say("Prometheus begins without a history")
    finally:
        remove_unfinished(given.data_dir)
    return 0


def has_begun(data: Path) -> bool:
    """Tell whether Prometheus has run, or was given blocks before."""
    return (data / "wal").exists() or any(data.glob("*/meta.json"))


def remove_unfinished(data: Path) -> None:
    """Remove what a `backfill` that was stopped left behind; it may be gigabytes."""
    for left in data.glob("backfill-*.tmp"):
        shutil.rmtree(left, ignore_errors=True)


def written(command: list[str], patience: float, grace: float) -> bool:
    """Try until it is written; at the end take what there is."""
    begun = time.monotonic()
    while (said := attempt(command)) is not None:
        waited = time.monotonic() - begun
        if waited > (patience if LOADING in said else grace):
            say(said)
            return LOADING in said and attempt([*command, "--partial"]) is None
        time.sleep(PAUSE_SECONDS)
    return True


def attempt(command: list[str]) -> str | None:
    """Run it; return what it says when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        return done.stderr.strip()
    say(done.stdout.strip())
    return None


def say(what: str) -> None:
    """Tell the log."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
