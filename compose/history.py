"""Give Prometheus the past that the exporter's ledger knows.

docker-compose.yml runs it when the exporter is healthy, before Prometheus starts. For the first
start it waits until the exporter has loaded its history, but not for ever, and unless it is stopped
it ends with 0: without a past Prometheus begins with today. A later start tries again, for as long
as nothing was added: whether that is safe, `backfill` itself says.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

CONFIGURATIONS = Path("/etc/claude-cost-exporter")
LEDGERS = Path("/var/lib/claude-cost-exporter")
DATA = Path("/prometheus")
LOADING = "is being loaded"
"""What `backfill` says while there will be more."""
FINAL = ("already has counters", "would be lost", "knows no usage from before")
"""What it says when trying again at once is of no use."""
ADDED = "claude-cost-history-was-added"
"""A file among Prometheus' data, which looks at folders only. Blocks are no sign: after some hours
it has its own, and counters are none: once they are older than it keeps them, they are gone."""
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
    if (given.data_dir / ADDED).exists():
        say("Prometheus was given its history before: nothing is added")
        return 0
    configuration = "demo.yml" if (given.ledgers / "demo.db").exists() else "live.yml"
    command = [
        *("claude-cost-exporter", "backfill", f"--data-dir={given.data_dir}"),
        *(f"--config.file={given.configurations / configuration}", *labels),
    ]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(STOPPED))
    say("writing the history for Prometheus; 90 days may take some minutes")
    remove_unfinished(given.data_dir)
    has_run = (given.data_dir / "wal").exists()
    try:
        added = written(command, given.grace if has_run else given.patience, given.grace)
        if not added and not has_run:
            added = attempt([*command, "--partial"]) is None
    finally:
        remove_unfinished(given.data_dir)
    if added:
        with suppress(OSError):  # then the counters say so, until they are too old
            (given.data_dir / ADDED).touch()
    else:
        say("Prometheus starts without more history; the next `docker compose up` tries again")
    return 0


def remove_unfinished(data: Path) -> None:
    """Remove what a `backfill` that was stopped left behind; it may be gigabytes."""
    for left in data.glob("backfill-*.tmp"):
        shutil.rmtree(left, ignore_errors=True)


def written(command: list[str], patience: float, grace: float) -> bool:
    """Try until it is written, or waiting is in vain; tell why it was not at the first time."""
    begun = time.monotonic()
    told = ""
    while (said := attempt(command)) is not None:
        if not told:
            say(told := said)
        waited = time.monotonic() - begun
        is_final = any(sentence in said for sentence in FINAL)
        if is_final or waited > (patience if LOADING in said else grace):
            if said != told:
                say(said)
            return False
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
