"""Start the exporter: on the real API with a key, on the simulator beside it, or not at all.

docker-compose.yml runs it in place of `claude-cost-exporter serve`. Simulated and real data are
never kept in the same volumes.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import NoReturn

KEY = Path("/run/secrets/anthropic_admin_key")
CONFIGURATIONS = Path("/etc/claude-cost-exporter")
LEDGERS = Path("/var/lib/claude-cost-exporter")
SIMULATOR = 9854
"""A port of the loopback interface."""
SIMULATOR_SECONDS = 20.0

NOTHING = (
    "there is no Admin API key and no simulator: name the key's file in ANTHROPIC_ADMIN_KEY_FILE, "
    "or run `docker compose --profile demo up --force-recreate`, which needs no key"
)
UNREADABLE = (
    "the file of the Admin API key cannot be read by user {user}, as whom the exporter runs: "
    "`chown {user} FILE` and `chmod 400 FILE`"
)
SIMULATED = (
    "these volumes hold simulated data, to which no real data are added: remove them with "
    "`docker compose --profile demo down --volumes` and start again"
)
REAL = (
    "these volumes hold real data, to which no simulated data are added: give the demo volumes of "
    "its own with `docker compose --project-name claude-cost-demo --profile demo up`"
)


def main() -> None:
    """Become the exporter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--key", type=Path, default=KEY)
    parser.add_argument("--configurations", type=Path, default=CONFIGURATIONS)
    parser.add_argument("--ledgers", type=Path, default=LEDGERS)
    parser.add_argument("--simulator", type=int, default=SIMULATOR)
    parser.add_argument("--patience", type=float, default=SIMULATOR_SECONDS)
    given, more = parser.parse_known_args()
    if given.key.exists() and not os.access(given.key, os.R_OK):
        give_up(UNREADABLE.format(user=os.getuid()))
    if given.key.exists() and given.key.read_bytes().strip():
        refuse(given.ledgers / "demo.db", SIMULATED)
        serve(given.configurations / "live.yml", *more)
    if not answers(given.simulator, given.patience):
        give_up(NOTHING)
    refuse(given.ledgers / "ledger.db", REAL)
    os.environ["DEMO_KEY"] = "sk-ant-admin01-demo"
    serve(given.configurations / "demo.yml", "--simulated", *more)


def answers(port: int, patience: float) -> bool:
    """Wait for the service `simulator`, which shares the network of this one."""
    give_up_at = time.monotonic() + patience
    while time.monotonic() < give_up_at:
        with closing(socket.socket()) as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.2)
    return False


def refuse(other: Path, sentence: str) -> None:
    """Give up when there is a ledger of the other kind."""
    if other.exists():
        give_up(sentence)


def serve(configuration: Path, *more: str) -> NoReturn:
    """Become `claude-cost-exporter serve`."""
    command = ("claude-cost-exporter", "serve", f"--config.file={configuration}", *more)
    os.execvp(command[0], command)  # noqa: S606 - our own program


def give_up(sentence: str) -> NoReturn:
    """End with a sentence."""
    sys.exit(f"error: {sentence}")


if __name__ == "__main__":
    main()
