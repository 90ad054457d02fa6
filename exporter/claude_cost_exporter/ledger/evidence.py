"""Usage beside the bill of the same days, for learning prices (floor 2)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.ledger import tables
from claude_cost_exporter.ledger.bill_days import bills_that_count
from claude_cost_exporter.ledger.bills import midnight, stored_bill
from claude_cost_exporter.ledger.reading import billed_days, progress
from claude_cost_exporter.pricing.evidence import DayUsage, Evidence
from claude_cost_exporter.records import PROBE, USAGE_SOURCE, BillRecord, Tokens, TokenType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from claude_cost_exporter.ledger.registry import Registry

DAY_SECONDS = 86_400


def read(connection: Connection, registry: Registry, account: str, since: date) -> Evidence:
    """Return what is known of billed UTC days, without those whose usage is not read whole."""
    account_id = registry.accounts[account].id
    usage_read = progress(connection, account_id, USAGE_SOURCE)
    first, end = usage_read.history_start, usage_read.watermark
    if first is None or end is None:
        return Evidence()
    billed = billed_days(connection, since)[account_id]
    days = {day for day in billed if first <= midnight(day) and midnight(day) + DAY <= end}
    if not days:
        return Evidence()
    usage = _usage(connection, registry, account_id, days)
    return Evidence(tuple(usage), tuple(_bill(connection, account_id, days)))


def _usage(
    connection: Connection, registry: Registry, account_id: int, days: set[date]
) -> Iterator[DayUsage]:
    table = tables.usage
    day = table.c.bucket_start - table.c.bucket_start % DAY_SECONDS
    query = (
        select(day, table.c.series_id, *(func.sum(table.c[name]) for name in TokenType))
        .where(table.c.series_id.in_(tables.series_of([account_id], PROBE)))
        .where(table.c.bucket_start >= int(midnight(min(days)).timestamp()))
        .where(table.c.bucket_start < int((midnight(max(days)) + DAY).timestamp()))
        .group_by(day, table.c.series_id)
    )
    for epoch, series_id, *counts in connection.execute(query):
        utc_day = datetime.fromtimestamp(epoch, UTC).date()
        if utc_day in days:
            tokens = Tokens(*map(int, counts))
            yield DayUsage(utc_day, registry.series_by_id[series_id].dimensions, tokens)


def _bill(connection: Connection, account_id: int, days: set[date]) -> Iterator[BillRecord]:
    """Yield the lines of the bills in force."""
    first, last = min(days), max(days)
    in_force = bills_that_count(connection, account_id, first, last)
    stored = stored_bill(connection, account_id, first.toordinal(), last.toordinal())
    for key, day, amount in stored:
        if day in days and key.query_set == in_force[day].query_set:
            yield BillRecord(key.query_set, day, key.dimensions, *amount)
