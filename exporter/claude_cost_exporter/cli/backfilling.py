"""Writing the ledger's past, with a progress bar where a person looks on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from claude_cost_exporter.backfill.counters import CounterLines
from claude_cost_exporter.backfill.spool import Spool
from claude_cost_exporter.cli.wiring import ledger_settings, ledger_url
from claude_cost_exporter.errors import BackfillError
from claude_cost_exporter.ledger.reader import LedgerReader

if TYPE_CHECKING:
    from pathlib import Path

    from claude_cost_exporter.backfill.spool import Target
    from claude_cost_exporter.config.load import Loaded
    from claude_cost_exporter.ledger.history import CounterHistory

HOUR_SECONDS = 3600


def write_history(loaded: Loaded, output: Path, target: Target, step: int) -> None:
    """Write what the counters of every account have missed."""
    settings = ledger_settings(loaded.config)
    console = Console(stderr=True)
    with (
        LedgerReader(ledger_url(loaded)) as ledger,
        ledger.counter_history(settings.series_cap) as history,
        Spool(output, target) as spool,
        Progress(console=console, disable=not console.is_terminal, transient=True) as progress,
    ):
        _write_counters(history, spool, step, progress)


def _write_counters(history: CounterHistory, spool: Spool, step: int, progress: Progress) -> None:
    accounts = list(history.accounts())
    if not accounts:
        raise BackfillError("the ledger has no usage from before its counters began")
    for account in accounts:
        hours = -(-(account.end - account.start) // HOUR_SECONDS)
        lines = CounterLines(spool, step)
        for hour in progress.track(history.hours(account), hours, description="counters"):
            lines.write(hour)
