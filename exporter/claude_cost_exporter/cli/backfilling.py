"""Writing the ledger's past, with a progress bar where a person looks on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import typer
from rich.console import Console
from rich.progress import Progress

from claude_cost_exporter.backfill.past import Configured, Past
from claude_cost_exporter.backfill.spool import Spool
from claude_cost_exporter.cli.wiring import ledger_settings, ledger_url
from claude_cost_exporter.ledger.reader import LedgerReader

if TYPE_CHECKING:
    from pathlib import Path

    from claude_cost_exporter.backfill.blocks import Blocks
    from claude_cost_exporter.backfill.spool import Target
    from claude_cost_exporter.config.load import Loaded

DAY_SECONDS = 86_400


class Wanted(NamedTuple):
    """How the past shall be written."""

    target: Target
    step: int
    """Seconds between samples."""
    partial: bool
    """Also while history is being loaded."""
    days: int | None
    """How much of it before the day of the first poll; None for all."""


def write_text(loaded: Loaded, wanted: Wanted, output: Path, blocks: Blocks | None) -> None:
    """Write OpenMetrics text, and add it to a data folder where there is one."""
    accounts = frozenset(block.account for block in loaded.sources)
    configured = Configured(accounts, ledger_settings(loaded.config), loaded.config.plans())
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        with (
            LedgerReader(ledger_url(loaded)) as ledger,
            ledger.counter_history(configured.settings.series_cap) as counters,
        ):
            past = Past(ledger, counters, configured, partial=wanted.partial, days=wanted.days)
            if blocks is not None:
                blocks.refuse(wanted.target, past.first_live, past.end + 1)
            begun = time.monotonic()
            with Spool(output, wanted.target) as spool:
                past.write(
                    spool,
                    wanted.step,
                    lambda items, count, what: progress.track(items, count, description=what),
                )
            _say(spool.samples, past, time.monotonic() - begun)
        if blocks is not None:
            progress.add_task("promtool", total=None)
            typer.echo(f"{blocks.add(output)} blocks were added")


def write_blocks(loaded: Loaded, wanted: Wanted, blocks: Blocks) -> None:
    """Add the past to a data folder, and keep no text."""
    with blocks.workshop() as folder:
        write_text(loaded, wanted, folder / "history.om", blocks)


def _say(samples: int, past: Past, seconds: float) -> None:
    days = (past.end - past.start) / DAY_SECONDS
    rate = samples / max(seconds, 1e-9)
    typer.echo(f"{samples:,} samples of {days:.1f} days were written, {rate:,.0f} a second")
