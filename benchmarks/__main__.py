"""Run every benchmark; exit 1 when an enforced target is missed."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from importlib import import_module

MODULES = ("exposition", "process", "ledger", "coding", "views", "backfill")


def main() -> int:
    """Print one JSON line a figure."""
    failed = False
    for name in MODULES:
        for figure in import_module(f"benchmarks.{name}").figures():
            row = asdict(figure) | {"value": round(figure.value, 4), "ok": figure.ok}
            sys.stdout.write(json.dumps(row) + "\n")
            sys.stdout.flush()
            failed |= figure.enforced and not figure.ok
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
