"""What was used in a stretch of time, summed up by UTC day and series (floor 2)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from claude_cost_exporter.ledger import tables
from claude_cost_exporter.records import Dimensions, Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from claude_cost_exporter.ledger.registry import Registry
    from claude_cost_exporter.pricing.rates import Rates

DAY_SECONDS = 86_400


class UsedOfDay(NamedTuple):
    """Tokens and web searches of one UTC day, one combination of dimensions and one price."""

    account: str
    role: str
    day: date
    dimensions: Dimensions
    rates: Rates
    tokens: Tokens
    web_searches: int


def used_between(
    connection: Connection, registry: Registry, start: datetime, end: datetime
) -> Iterator[UsedOfDay]:
    """Yield what was used in the hours that begin from `start` up to, not including, `end`."""
    names = {account.id: account.name for account in registry.accounts.values()}
    table = tables.usage.c
    day = table.bucket_start - table.bucket_start % DAY_SECONDS
    counts = [func.sum(table[name]) for name in (*Tokens._fields, "web_searches")]
    query = (
        select(table.series_id, table.rate_id, day, *counts)
        .where(table.bucket_start >= int(start.timestamp()))
        .where(table.bucket_start < int(end.timestamp()))
        .group_by(table.series_id, table.rate_id, day)
        .order_by(day, table.series_id, table.rate_id)
    )
    for series_id, rate_id, epoch, *amounts in connection.execute(query):
        *tokens, searches = map(int, amounts)
        if any(tokens) or searches:
            series = registry.series_by_id[series_id]
            yield UsedOfDay(
                names[series.account_id],
                series.role,
                datetime.fromtimestamp(epoch, UTC).date(),
                series.dimensions,
                registry.rates_by_id[rate_id],
                Tokens(*tokens),
                searches,
            )
