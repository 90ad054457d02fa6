"""Writing the ledger's past, with a progress bar where a person looks on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from claude_cost_exporter.assemble import as_configured
from claude_cost_exporter.backfill.counters import CounterLines
from claude_cost_exporter.backfill.gauges import GaugeLines, replayed
from claude_cost_exporter.backfill.replay import Replay
from claude_cost_exporter.backfill.spool import Spool
from claude_cost_exporter.cli.wiring import ledger_settings, ledger_url
from claude_cost_exporter.clock import HOUR, floor_hour
from claude_cost_exporter.errors import BackfillError
from claude_cost_exporter.ledger.reader import LedgerReader

if TYPE_CHECKING:
    from pathlib import Path

    from claude_cost_exporter.backfill.spool import Target
    from claude_cost_exporter.config.load import Loaded
    from claude_cost_exporter.ledger.history import CountedAccount, CounterHistory

HOUR_SECONDS = 3600


def write_history(loaded: Loaded, output: Path, target: Target, step: int) -> None:
    """Write counters and gauges of the time before the live ones began."""
    settings = ledger_settings(loaded.config)
    console = Console(stderr=True)
    with (
        LedgerReader(ledger_url(loaded)) as ledger,
        Spool(output, target) as spool,
        Progress(console=console, disable=not console.is_terminal, transient=True) as progress,
    ):
        with ledger.counter_history(settings.series_cap) as history:
            accounts = list(history.accounts())
            if not accounts:
                raise BackfillError("the ledger has no usage from before its counters began")
            _write_counters(history, accounts, spool, step, progress)
        start, end = (
            datetime.fromtimestamp(epoch, UTC)
            for epoch in (min(one.start for one in accounts), min(one.end for one in accounts))
        )
        configured = {block.account for block in loaded.sources}
        base = as_configured(ledger.snapshot(settings, end), configured, loaded.config.plans())
        replay = Replay(base, end, settings.budgeted)
        hours = replayed(replay, ledger.hourly_sums(end), start, end)
        lines = GaugeLines(spool, step, int(end.timestamp()))
        total = (end - floor_hour(start)) // HOUR
        for hour, samples in progress.track(hours, total, description="gauges"):
            lines.write(int(hour.timestamp()), samples)


def _write_counters(
    history: CounterHistory,
    accounts: list[CountedAccount],
    spool: Spool,
    step: int,
    progress: Progress,
) -> None:
    for account in accounts:
        hours = -(-(account.end - account.start) // HOUR_SECONDS)
        lines = CounterLines(spool, step)
        for hour in progress.track(history.hours(account), hours, description="counters"):
            lines.write(hour)
