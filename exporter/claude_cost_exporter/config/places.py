"""Where files are unless the configuration says otherwise (floor 1).

It imports next to nothing, because `status` runs every few seconds.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SQLITE = "sqlite"


def default_ledger_url(environment: Mapping[str, str]) -> str:
    """Return where the ledger is kept unless the configuration says otherwise."""
    base = environment.get("XDG_STATE_HOME") or f"{environment.get('HOME', '.')}/.local/state"
    return f"sqlite:///{Path(base) / 'claude-cost-exporter' / 'ledger.db'}"


def status_file(configured: str, ledger_url: str, environment: Mapping[str, str]) -> Path:
    """Return what `status` reads: a file beside the ledger, or where a ledger would be."""
    if configured:
        return Path(configured)
    if not ledger_url.startswith(SQLITE):
        ledger_url = default_ledger_url(environment)
    ledger = Path(ledger_url.partition("?")[0].partition("///")[2])
    return ledger.with_name(f"{ledger.name}.status.json")
