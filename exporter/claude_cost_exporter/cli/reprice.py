"""`reprice`: give past usage the rates of the current price book, on request."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from claude_cost_exporter.cli.options import ConfigFileOption, Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claude_cost_exporter.ledger.reprice import Repricing

NANO = 1_000_000_000

Since = Annotated[
    datetime,
    typer.Option("--since", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="First UTC day."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def command(since: Since, config_file: ConfigFileOption = None, *, yes: Yes = False) -> None:
    """Give usage from a UTC day on the rates that current prices have for its day.

    Current are the list prices of this version, the overrides of the
    configuration, and what was learned from bills. Estimates change, and
    with them the spend of days without a bill. Counters do not move.

    It prints what changes, and asks. Stop the exporter meanwhile.

    Exit codes: 0 done, 1 not done, 2 wrong command line or configuration.
    """
    from claude_cost_exporter.cli.logs import configure
    from claude_cost_exporter.cli.wiring import load_config, open_for_repricing
    from claude_cost_exporter.clock import SystemClock

    configure("warn", "logfmt")
    loaded = load_config(config_file, keys=False)
    with open_for_repricing(loaded, SystemClock()) as (ledger, book):
        done = ledger.reprice(since.date(), book.rates, lambda changes: _agree(changes, yes=yes))
    if not done:
        raise typer.Exit(Exit.FAILED)


def _agree(changes: Repricing, *, yes: bool) -> bool:
    """Print what changes; ask, unless that is not wanted or nothing changes."""
    if not changes.before:
        typer.echo("nothing changes: there is no usage from that day on")
        return True
    if not changes.rows:
        typer.echo("nothing changes: every row has the rates of the current prices")
        return True
    for line in report(changes):
        typer.echo(line)
    return yes or typer.confirm("Change these rows?")


def report(changes: Repricing) -> Iterator[str]:
    """Yield the table of estimates by model, and what happens to days and counters."""
    rows = [
        (f"{name.account} {name.model}", changes.before[name], changes.after[name])
        for name in sorted(changes.before)
        if changes.before[name] != changes.after[name]
    ]
    rows.append(("total", sum(changes.before.values()), sum(changes.after.values())))
    width = max(len(name) for name, _, _ in rows)
    yield f"{'estimated USD':{width}}{'before':>18}{'after':>18}{'difference':>18}"
    for name, before, after in rows:
        amounts = (before, after, after - before)
        yield f"{name:{width}}" + "".join(f"{amount / NANO:18,.4f}" for amount in amounts)
    days, billed = len(changes.days), len(changes.billed)
    yield f"{changes.rows} rows of {days} days; counters do not move."
    if billed:
        yield f"{billed} of these days are billed: their spend stays what the bill says."
