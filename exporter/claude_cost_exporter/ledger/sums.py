"""Sums by hour and scope, and by calendar day and scope, kept beside the rows (floor 2)."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from claude_cost_exporter.ledger import tables
from claude_cost_exporter.ledger.counting import scope_amounts
from claude_cost_exporter.ledger.upsert import upsert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from zoneinfo import ZoneInfo

    from sqlalchemy import Connection, Table

    from claude_cost_exporter.ledger.counting import RowChange
    from claude_cost_exporter.ledger.registry import Account, Registry

Sums = dict[tuple[int, int], list[int]]
"""(scope id, time) -> [nano-USD, tokens]."""


def day_counter(zone: ZoneInfo) -> Callable[[int], int]:
    """Return the function from epoch seconds to the ordinal of the calendar day in `zone`."""

    @lru_cache(maxsize=4096)
    def ordinal(epoch: int) -> int:
        return datetime.fromtimestamp(epoch, UTC).astimezone(zone).toordinal()

    return ordinal


def add_to_sums(
    connection: Connection,
    registry: Registry,
    account: Account,
    changes: Iterable[RowChange],
    day_of: Callable[[int], int],
) -> None:
    """Add row differences to the sums of every scope they belong to."""
    by_hour: Sums = defaultdict(lambda: [0, 0])
    by_day: Sums = defaultdict(lambda: [0, 0])
    for change in changes:
        day = day_of(change.hour)
        for kind, member, cost, tokens in scope_amounts(change):
            scope = registry.scope_id(connection, account.id, kind, member, change.hour)
            for sums, time in ((by_hour, change.hour), (by_day, day)):
                cell = sums[scope, time]
                cell[0] += cost
                cell[1] += tokens
    _add(connection, tables.hours, "hour", by_hour)
    _add(connection, tables.days, "day", by_day)


def _add(
    connection: Connection, table: Table, time: str, sums: Mapping[tuple[int, int], list[int]]
) -> None:
    values = [
        {"scope_id": scope, time: at, "cost": cost, "tokens": tokens}
        for (scope, at), (cost, tokens) in sums.items()
        if cost or tokens
    ]
    upsert(connection, table, values, added=("cost", "tokens"))


def rebuild_days(connection: Connection, day_of: Callable[[int], int]) -> None:
    """Sum the hours into days anew, after the time zone has changed."""
    by_day: Sums = defaultdict(lambda: [0, 0])
    for scope, hour, cost, tokens in connection.execute(select(tables.hours)):
        cell = by_day[scope, day_of(hour)]
        cell[0] += cost
        cell[1] += tokens
    connection.execute(delete(tables.days))
    values = [
        {"scope_id": scope, "day": day, "cost": cost, "tokens": tokens}
        for (scope, day), (cost, tokens) in by_day.items()
    ]
    if values:
        connection.execute(insert(tables.days), values)
