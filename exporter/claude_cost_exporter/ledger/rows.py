"""Replacing the rows of a window: what was there, what is there now, the difference (floor 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from claude_cost_exporter.ledger import tables
from claude_cost_exporter.ledger.counting import RowChange
from claude_cost_exporter.ledger.registry import SeriesKey
from claude_cost_exporter.ledger.upsert import upsert
from claude_cost_exporter.pricing.rates import Cost
from claude_cost_exporter.records import Tokens

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from claude_cost_exporter.ledger.base import Batch
    from claude_cost_exporter.ledger.registry import Account, Registry

HOUR_SECONDS = 3600
NOTHING = Tokens()

Key = tuple[int, int]
"""Bucket start in epoch seconds, series id."""


class Row(NamedTuple):
    """The changing part of a stored row."""

    tokens: Tokens
    web_searches: int
    rate_id: int


def stored_rows(connection: Connection, account: Account, batch: Batch) -> dict[Key, Row]:
    """Return what the ledger holds by the hour in the batch's window."""
    table = tables.usage
    names = ("bucket_start", "series_id", *Tokens._fields, "web_searches", "rate_id")
    query = (
        select(*(table.c[name] for name in names))
        .where(table.c.series_id.in_(tables.series_of([account.id])))
        .where(table.c.bucket_seconds == HOUR_SECONDS)
        .where(table.c.bucket_start >= int(batch.window.start.timestamp()))
        .where(table.c.bucket_start < int(batch.window.end.timestamp()))
    )
    return {
        (start, series_id): Row(Tokens(*counts), web_searches, rate_id)
        for start, series_id, *counts, web_searches, rate_id in connection.execute(query).all()
    }


def incoming_rows(
    connection: Connection, registry: Registry, account: Account, batch: Batch
) -> dict[Key, Row]:
    """Return what the batch says was used; rows that collide are added up, never overwritten."""
    rows: dict[Key, Row] = {}
    for record, rates in batch.rows:
        if not any(record.tokens) and not record.web_searches:
            continue  # as if it were not there: it makes no series, and none younger
        dimensions = record.dimensions
        workspace = account.workspace(dimensions.workspace_id)
        if workspace != dimensions.workspace_id:
            dimensions = dimensions._replace(workspace_id=workspace)
        hour = int(record.hour.timestamp())
        series_key = SeriesKey(account.id, record.role, record.query_set, dimensions)
        key = (hour, registry.series_id(connection, series_key, hour))
        tokens, searches = record.tokens, record.web_searches
        if (twin := rows.get(key)) is not None:
            tokens = Tokens(*map(sum, zip(tokens, twin.tokens, strict=True)))
            searches += twin.web_searches
        rows[key] = Row(tokens, searches, registry.rate_id(connection, rates))
    return rows


def owned_by_others(
    registry: Registry, before: dict[Key, Row], after: dict[Key, Row], read_at: datetime
) -> set[Key]:
    """Return what stays as it is: settled hours that another query set has read completely.

    Another query set cuts usage in another way. Were it to replace such an hour, counters would
    count it again under other labels, and rows would lose the rates they were born with.
    """
    settled = int(read_at.timestamp()) - 2 * HOUR_SECONDS
    owners: dict[tuple[int, str], str] = {}
    for (hour, series_id), row in before.items():
        if hour <= settled and (any(row.tokens) or row.web_searches):
            series = registry.series_by_id[series_id]
            owners[hour, series.role] = series.query_set
    foreign = set()
    for hour, series_id in after:
        series = registry.series_by_id[series_id]
        if owners.get((hour, series.role), series.query_set) != series.query_set:
            foreign.add((hour, series.role))
    return {
        (hour, series_id)
        for hour, series_id in {**before, **after}
        if (hour, registry.series_by_id[series_id].role) in foreign
    }


def replace_rows(
    connection: Connection, registry: Registry, account: Account, batch: Batch
) -> list[RowChange]:
    """Write what differs and return the differences. A row keeps the rates it was born with."""
    before = stored_rows(connection, account, batch)
    after = incoming_rows(connection, registry, account, batch)
    kept = owned_by_others(registry, before, after, batch.read_at)
    changes: list[RowChange] = []
    writes: list[dict[str, object]] = []
    for key in {**before, **after}:
        old, new = before.get(key), after.get(key, Row(NOTHING, 0, 0))
        if key in kept:
            continue
        if old is not None:
            new = new._replace(rate_id=old.rate_id)
        if new == old:
            continue
        change = _change(registry, key, new)
        writes.append(_write(key, new, change.cost.total))
        changes.append(_beyond(old, change) if old else change)
    upsert(connection, tables.usage, writes)
    return changes


def _write(key: Key, row: Row, cost: int) -> dict[str, object]:
    return row.tokens._asdict() | {
        "bucket_start": key[0],
        "series_id": key[1],
        "bucket_seconds": HOUR_SECONDS,
        "web_searches": row.web_searches,
        "rate_id": row.rate_id,
        "cost": cost,
    }


def _change(registry: Registry, key: Key, row: Row) -> RowChange:
    """Return what a row changes where there was nothing."""
    series, rates = registry.series_by_id[key[1]], registry.rates_by_id[row.rate_id]
    cost = rates.cost(row.tokens, row.web_searches)
    return RowChange(
        series.role, series.dimensions, key[0], rates, row.tokens, row.web_searches, cost
    )


def _beyond(old: Row, change: RowChange) -> RowChange:
    """Return what is left of a change where a row of the same rates was before."""
    return change._replace(
        tokens=Tokens(*_minus(change.tokens, old.tokens)),
        web_searches=change.web_searches - old.web_searches,
        cost=subtract(change.cost, change.rates.cost(old.tokens, old.web_searches)),
    )


def subtract(after: Cost, before: Cost) -> Cost:
    """Return the difference of two costs at the same rates."""
    if after.by_type is None or before.by_type is None:
        by_type = None
    else:
        a, b, c, d, e = _minus(after.by_type, before.by_type)
        by_type = (a, b, c, d, e)
    return Cost(by_type, *_minus(after[1:], before[1:]))


def _minus(left: Iterable[int], right: Iterable[int]) -> list[int]:
    return [a - b for a, b in zip(left, right, strict=True)]
