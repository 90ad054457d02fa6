"""`reconcile`: the bill beside the estimate, day by day, with the reason of every difference."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from claude_cost_exporter.cli.options import ConfigFileOption, Exit, first_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from claude_cost_exporter.config.load import Loaded
    from claude_cost_exporter.ledger.reader import LedgerReader
    from claude_cost_exporter.pricing.learn import Disagreement
    from claude_cost_exporter.views.reconciliation import Reconciliation

NANO = 1_000_000_000
COLUMNS = (
    "account", "day", "model", "cost_type", "token_type", "tokens", "estimated_usd", "billed_usd",
    "difference_usd", "reason",
)  # fmt: skip


def command(
    month: Annotated[
        str | None,
        typer.Option("--month", metavar="YYYY-MM", help="UTC month; without it, yesterday's."),
    ] = None,
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this account of the ledger.")
    ] = None,
    config_file: ConfigFileOption = None,
    *,
    csv: Annotated[bool, typer.Option("--csv", help="Every line, for a spreadsheet.")] = False,
) -> None:
    """Print what was billed and what was estimated, day by day and model by model.

    Both are of closed UTC days. Where they differ it says why: a discount,
    requests that were refused and not billed, tokens without a price, cost
    that no usage report has, a part of the bill that is late. Below the
    table stand the list prices that the bill contradicts. It reads the
    ledger only, and works while the exporter runs.

    The bill of a day is in force when the day ended 12 hours ago and two
    reads that are 6 hours apart agree. Until then it may still change.

    Exit codes: 0 printed, 1 no such ledger or account, 2 wrong command line or configuration.
    """
    from datetime import UTC

    from claude_cost_exporter.cli.logs import configure
    from claude_cost_exporter.cli.reconcile_report import report
    from claude_cost_exporter.cli.wiring import ledger_url, load_config
    from claude_cost_exporter.clock import DAY, SystemClock
    from claude_cost_exporter.ledger.reader import LedgerReader
    from claude_cost_exporter.report.cells import write_csv
    from claude_cost_exporter.views.reconciliation import reconcile

    configure("warn", "logfmt")
    now = SystemClock().now().astimezone(UTC)
    first, last = _days(month, now.date() - DAY)
    loaded = load_config(config_file, keys=False)
    with LedgerReader(ledger_url(loaded)) as ledger:
        found = [
            reconcile(one)
            for one in ledger.comparisons(first, last)
            if account in (None, one.account)
        ]
        wrong_prices = [] if csv else list(_wrong_prices(ledger, found, loaded, now))
    if not found:
        typer.echo(f"error: the ledger has no account {account or ''}".rstrip(), err=True)
        raise typer.Exit(Exit.FAILED)
    if csv:
        write_csv(sys.stdout, COLUMNS, _csv_rows(found))
    for one, wrong in zip(found, wrong_prices, strict=False):
        typer.echo("\n".join(report(one, wrong)))


def _wrong_prices(
    ledger: LedgerReader, found: Iterable[Reconciliation], loaded: Loaded, now: datetime
) -> Iterator[tuple[Disagreement, ...]]:
    """Yield for each account the list prices that its bill contradicts."""
    from claude_cost_exporter.cli.wiring import current_book
    from claude_cost_exporter.pricing.learn import learn

    book = current_book(ledger.books(), loaded.overrides, now)
    for one in found:
        account, first = one.comparison.account, one.comparison.first
        yield learn(ledger.evidence(account, first), book, account, now).disagreements


def _days(month: str | None, yesterday: date) -> tuple[date, date]:
    """Return the first and the last closed day of a month."""
    from calendar import monthrange

    if month is None:
        return yesterday.replace(day=1), yesterday
    first = first_of(month)
    if first > yesterday:
        raise typer.BadParameter(f"no day of {month} has ended yet", param_hint="--month")
    return first, min(first.replace(day=monthrange(first.year, first.month)[1]), yesterday)


def _csv_rows(found: Iterable[Reconciliation]) -> Iterator[tuple[object, ...]]:
    from claude_cost_exporter.report.cells import exact_usd

    for one in found:
        for line in one.lines:
            row = line.row
            difference = None if row.billed is None else row.billed - row.estimated
            amounts = map(exact_usd, (row.estimated, row.billed, difference))
            where = (one.comparison.account, row.day, *row.line)
            yield (*where, row.tokens, *amounts, one.why(line))
        for day, model, cause, tokens in one.comparison.unpriced:
            place = (one.comparison.account, day, model, "tokens", "")
            yield (*place, tokens, None, None, None, f"no price: {cause}")
