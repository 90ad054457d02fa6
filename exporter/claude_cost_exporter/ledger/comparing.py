"""Reading estimates and bills of the same days for `reconcile` (floor 2)."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from claude_cost_exporter.catalogue import OTHER
from claude_cost_exporter.clock import DAY
from claude_cost_exporter.comparison import BillState, Comparison, Discount, LineOfDay, Unpriced
from claude_cost_exporter.ledger import tables
from claude_cost_exporter.ledger.bill_days import bills_that_count
from claude_cost_exporter.ledger.bills import midnight, stored_bill
from claude_cost_exporter.ledger.reading import progress
from claude_cost_exporter.ledger.spread import billed_scopes
from claude_cost_exporter.pricing.book import PriceBook
from claude_cost_exporter.records import PROBE, USAGE_SOURCE, TokenType, model_label
from claude_cost_exporter.snapshot import LINE, Line, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection

    from claude_cost_exporter.ledger.bill_days import DayBill

DAY_SECONDS = 86_400


def compare(
    connection: Connection, account_id: int, account: str, first: date, last: date
) -> Comparison:
    """Return both truths of the days from `first` to `last`, both included."""
    bills = bills_that_count(connection, account_id, first, last)
    return Comparison(
        account,
        first,
        last,
        tuple(_lines(connection, account_id, first, last, bills)),
        {
            day: BillState(
                one.billed_at is not None, datetime.fromtimestamp(one.unchanged_since, UTC).date()
            )
            for day, one in bills.items()
        },
        tuple(_unpriced(connection, account_id, first, last)),
        tuple(_unread(connection, account_id, first, last)),
        tuple(_discounts(connection, account)),
        _newest_bill(connection, account_id),
    )


def _lines(
    connection: Connection,
    account_id: int,
    first: date,
    last: date,
    bills: Mapping[date, DayBill],
) -> Iterator[LineOfDay]:
    estimated = dict(_estimated(connection, account_id, first, last))
    billed, settled = (
        _billed(connection, account_id, first, last, bills, column)
        for column in ("amount", "settled_amount")
    )
    for place in sorted({*estimated, *billed}):
        day, line = place
        cost, tokens = estimated.get(place, (0, 0))
        charged = billed.get(place, 0) if day in bills else None
        yield LineOfDay(day, line, cost, charged, settled.get(place, 0), tokens)


def _billed(  # noqa: PLR0913, PLR0917 - whose, when, by which API, and which of two amounts
    connection: Connection,
    account_id: int,
    first: date,
    last: date,
    bills: Mapping[date, DayBill],
    column: str,
) -> Mapping[tuple[date, Line], int]:
    sums: dict[tuple[date, Line], int] = defaultdict(int)
    beyond = _beyond_the_cap(connection, account_id)
    stored = stored_bill(connection, account_id, first.toordinal(), last.toordinal(), column)
    for key, day, amount in stored:
        if day not in bills or key.query_set != bills[day].query_set:
            continue
        for kind, member in billed_scopes(key):
            if kind == LINE:
                shown = OTHER if member in beyond else member
                sums[day, Line.of(Scope("", LINE, shown))] += amount.amount
    return sums


def _beyond_the_cap(connection: Connection, account_id: int) -> set[str]:
    """Return the lines whose estimate is kept under `other`, as their bill has to be then."""
    scopes = tables.scopes
    query = select(scopes.c.member).where(
        scopes.c.account_id == account_id,
        scopes.c.kind == LINE,
        scopes.c.redirect_id.is_not(None),
    )
    return set(connection.execute(query).scalars())


def _estimated(
    connection: Connection, account_id: int, first: date, last: date
) -> Iterator[tuple[tuple[date, Line], tuple[int, int]]]:
    days, scopes = tables.days, tables.scopes
    query = (
        select(days.c.day, scopes.c.member, days.c.cost, days.c.tokens)
        .join_from(days, scopes)
        .where(scopes.c.account_id == account_id, scopes.c.kind == LINE)
        .where(days.c.day.between(first.toordinal(), last.toordinal()))
    )
    for ordinal, member, cost, tokens in connection.execute(query):
        if cost or tokens:
            place = (date.fromordinal(ordinal), Line.of(Scope("", LINE, member)))
            yield place, (cost, tokens)


def _unpriced(
    connection: Connection, account_id: int, first: date, last: date
) -> Iterator[Unpriced]:
    table, series, rates = tables.usage, tables.series, tables.rates
    day = table.c.bucket_start - table.c.bucket_start % DAY_SECONDS
    tokens = func.sum(sum((table.c[name] for name in TokenType), start=0))
    without_price = select(rates.c.id).where(rates.c.input.is_(None))
    used = (
        select(day.label("day"), table.c.series_id, table.c.rate_id, tokens.label("tokens"))
        .where(table.c.bucket_start >= int(midnight(first).timestamp()))
        .where(table.c.bucket_start < int((midnight(last) + DAY).timestamp()))
        .where(table.c.series_id.in_(tables.series_of([account_id], PROBE)))
        .where(table.c.rate_id.in_(without_price))
        .group_by(day, table.c.series_id, table.c.rate_id)
        .subquery()
    )
    query = (
        select(used.c.day, series.c.model, rates.c.reason, func.sum(used.c.tokens))
        .join_from(used, series, used.c.series_id == series.c.id)
        .join(rates, used.c.rate_id == rates.c.id)
        .group_by(used.c.day, series.c.model, rates.c.reason)
        .order_by(used.c.day, series.c.model)
    )
    for epoch, model, reason, count in connection.execute(query):
        if count:
            utc_day = datetime.fromtimestamp(epoch, UTC).date()
            yield Unpriced(utc_day, model_label(model), reason, int(count))


def _unread(connection: Connection, account_id: int, first: date, last: date) -> Iterator[date]:
    read = progress(connection, account_id, USAGE_SOURCE)
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(ordinal)
        start, end = midnight(day), midnight(day) + DAY
        if (
            read.history_start is None
            or read.watermark is None
            or start < read.history_start
            or end > read.watermark
        ):
            yield day


def _discounts(connection: Connection, account: str) -> Iterator[Discount]:
    """Yield what the price books tell: each factor on everything, when it is another one."""
    table, before = tables.price_books, Decimal(1)
    for row in connection.execute(select(table).order_by(table.c.id)):
        learned = PriceBook.from_document(row.document).learned
        factors = (
            one.factor
            for one in learned
            if one.account == account and one.model is None and one.to is None
        )
        factor = next(filter(None, factors), Decimal(1))
        if factor != before:
            accepted = datetime.fromtimestamp(row.accepted_at or 0, UTC)
            yield Discount(accepted.date(), float(factor / before))
            before = factor


def _newest_bill(connection: Connection, account_id: int) -> date | None:
    table = tables.bill_days
    query = select(func.max(table.c.day)).where(table.c.account_id == account_id)
    newest = connection.execute(query).scalar()
    return None if newest is None else date.fromordinal(newest)
