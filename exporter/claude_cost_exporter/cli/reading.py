"""The ledger of a configuration, opened for commands that only read it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.console import Console

from claude_cost_exporter.assemble import Fits, as_configured
from claude_cost_exporter.calendars import midnight, next_month
from claude_cost_exporter.cli.logs import configure
from claude_cost_exporter.cli.wiring import ledger_settings, ledger_url, load_config
from claude_cost_exporter.clock import SystemClock
from claude_cost_exporter.ledger.reader import LedgerReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime
    from pathlib import Path

    from claude_cost_exporter.snapshot import Snapshot


def console() -> Console:
    """Return where people read; a letter that cannot be written there ends nothing."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return Console()


@contextmanager
def opened_ledger(
    config_file: Path | None, month: date | None = None
) -> Iterator[tuple[LedgerReader, Snapshot, datetime]]:
    """Lend the ledger, what it holds, and the time it is.

    With a month that is over it is what the ledger holds of its end.
    """
    configure("warn", "logfmt")
    loaded, now = load_config(config_file, keys=False), SystemClock().now()
    accounts = {block.account for block in loaded.sources}
    with LedgerReader(ledger_url(loaded)) as ledger:
        zone = ZoneInfo(loaded.config.time_zone)
        at = min(now, midnight(next_month(month), zone)) if month else now
        taken = ledger.snapshot(ledger_settings(loaded.config), at)
        taken = as_configured(taken, accounts, loaded.config.plans())
        yield ledger, Fits().fill(taken), now
