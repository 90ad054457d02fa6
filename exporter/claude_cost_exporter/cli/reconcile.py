"""`reconcile`: the bill beside the estimate, day by day, with the reason of every difference."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from claude_cost_exporter.cli.options import ConfigFileOption, Exit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from rich.table import Table

    from claude_cost_exporter.config.load import Loaded
    from claude_cost_exporter.ledger.reader import LedgerReader
    from claude_cost_exporter.pricing.learn import Disagreement
    from claude_cost_exporter.views.reconciliation import ModelOfDay, Reconciliation

NANO = 1_000_000_000
COLUMNS = (
    "account", "day", "model", "cost_type", "token_type", "tokens", "estimated_usd", "billed_usd",
    "difference_usd", "reason",
)  # fmt: skip


def command(
    month: Annotated[
        str | None,
        typer.Option("--month", metavar="YYYY-MM", help="UTC month; without it, this month."),
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
    that no usage report has, a bill that has not settled. Below the table
    stand the list prices that the bill contradicts. It reads the ledger
    only, and works while the exporter runs.

    Exit codes: 0 printed, 1 no such ledger or account, 2 wrong command line or configuration.
    """
    from datetime import UTC

    from claude_cost_exporter.cli.logs import configure
    from claude_cost_exporter.cli.wiring import ledger_url, load_config
    from claude_cost_exporter.clock import DAY, SystemClock
    from claude_cost_exporter.ledger.reader import LedgerReader
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
        _write_csv(found)
        return
    for one, wrong in zip(found, wrong_prices, strict=True):
        _print(one, wrong)


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
    from datetime import datetime

    if month is None:
        return yesterday.replace(day=1), yesterday
    try:
        first = datetime.strptime(month, "%Y-%m").date()  # noqa: DTZ007 - a calendar month
    except ValueError:
        raise typer.BadParameter(
            f"{month!r} is not a month; write 2026-11", param_hint="--month"
        ) from None
    return first, min(first.replace(day=monthrange(first.year, first.month)[1]), yesterday)


def _write_csv(found: Iterable[Reconciliation]) -> None:
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in found:
        for row, reason, detail in one.lines:
            difference = None if row.billed is None else row.billed - row.estimated
            why = f"{reason} {detail}".strip() if reason else ""
            writer.writerow([
                one.comparison.account, row.day, *row.line, row.tokens, _usd(row.estimated),
                _usd(row.billed), _usd(difference), why,
            ])  # fmt: skip
        for day, model, cause, tokens in one.comparison.unpriced:
            place = (one.comparison.account, day, model, "tokens", "")
            writer.writerow([*place, tokens, "", "", "", f"no price: {cause}"])


def _usd(nano: int | None) -> str:
    """Return exact USD, as a spreadsheet reads it."""
    if nano is None:
        return ""
    sign = "-" if nano < 0 else ""
    return f"{sign}{abs(nano) // NANO}.{abs(nano) % NANO:09d}"


def _print(found: Reconciliation, wrong: Iterable[Disagreement]) -> None:
    from rich.console import Console

    from claude_cost_exporter.views.reconciliation import by_model

    compared, console = found.comparison, Console()
    console.print(
        f"[bold]{compared.account}[/]: {compared.first} to {compared.last}, UTC days, USD",
        highlight=False,
    )
    rows = list(by_model(found))
    if not rows:
        console.print("no usage and no bill has been read for these days\n")
        return
    console.print(_table(rows, found))
    for sentence in (*_summary(found), *_contradictions(wrong)):
        console.print(sentence, highlight=False)
    console.print()


def _table(rows: Iterable[ModelOfDay], found: Reconciliation) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("day", no_wrap=True)
    table.add_column("model", no_wrap=True)
    for name in ("estimated", "billed", "difference", "ratio"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("why")
    shown = None
    for row in rows:
        day = "" if row.day == shown else str(row.day)
        shown = row.day
        cells = _amounts(row.estimated, row.billed)
        table.add_row(day, row.model, *cells, "; ".join(row.reasons))
    total = _amounts(found.total(billed=False), found.total(billed=True))
    table.add_section()
    table.add_row("total", "", *total, style="bold")
    return table


def _amounts(estimated: int, billed: int | None) -> tuple[str, str, str, str]:
    if billed is None:
        return f"{estimated / NANO:,.2f}", "", "", ""
    ratio = f"{billed / estimated:.4f}" if estimated else ""
    difference = (billed - estimated) / NANO
    return f"{estimated / NANO:,.2f}", f"{billed / NANO:,.2f}", f"{difference:+,.2f}", ratio


def _summary(found: Reconciliation) -> Iterator[str]:
    from collections import Counter

    if found.discount is not None:
        yield f"Most of it is billed at {found.discount:.4f} of the estimate."
    amounts: Counter[str] = Counter()
    for row, reason, _ in found.lines:
        if reason is not None and row.billed is not None:
            amounts[reason] += row.billed - row.estimated
    for cause, nano in sorted(amounts.items(), key=lambda item: -abs(item[1])):
        yield f"{nano / NANO:+14,.2f}  {cause}"
    tokens: Counter[tuple[str, str]] = Counter()
    for one in found.comparison.unpriced:
        tokens[one.model, one.reason] += one.tokens
    for (model, why), count in tokens.items():
        yield f"{count:,} tokens of {model} have no price: {why}"
    if unread := found.comparison.unread:
        yield f"Usage is not read completely of {len(unread)} days, the first is {unread[0]}."


def _contradictions(found: Iterable[Disagreement]) -> Iterator[str]:
    """Yield the list prices that the bill contradicts, whether they could be corrected or not."""
    for one in found:
        yield (
            f"The bill contradicts a list price, {' '.join(filter(None, one.key))}: listed are "
            f"{one.listed_usd_per_million} USD per million tokens, billed "
            f"{one.implied_usd_per_million} before discounts."
        )
