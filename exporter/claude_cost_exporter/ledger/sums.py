"""Sums by hour and scope, and by calendar day and scope, kept beside the rows (floor 2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from claude_cost_exporter.ledger import tables
from claude_cost_exporter.ledger.counting import scope_amounts
from claude_cost_exporter.ledger.upsert import upsert
from claude_cost_exporter.snapshot import LINE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import tzinfo
    from zoneinfo import ZoneInfo

    from sqlalchemy import Connection, Table

    from claude_cost_exporter.ledger.counting import RowChange
    from claude_cost_exporter.ledger.registry import Account, Registry

OF_MONEY = ("model", "token_type", "workspace", "api_key")
"""Kinds of scopes that are shown with what they cost, and with nothing else."""

Sums = dict[tuple[int, int], list[int]]
"""(scope id, time) -> [nano-USD, tokens]."""

DayOf = Callable[[str, int], int]
"""Kind of scope and epoch seconds -> ordinal of the calendar day."""


def day_counter(zone: ZoneInfo) -> DayOf:
    """Return the function that says which calendar day an hour belongs to.

    Days are those of `zone`; lines of the bill have UTC days, because bills have.
    """

    @lru_cache(maxsize=4096)
    def ordinal(epoch: int, where: tzinfo) -> int:
        return datetime.fromtimestamp(epoch, UTC).astimezone(where).toordinal()

    return lambda kind, epoch: ordinal(epoch, UTC if kind == LINE else zone)


def add_to_sums(
    connection: Connection,
    registry: Registry,
    account: Account,
    changes: Iterable[RowChange],
    day_of: DayOf,
) -> None:
    """Add row differences to the sums of every scope they belong to."""
    by_hour: Sums = defaultdict(lambda: [0, 0])
    by_day: Sums = defaultdict(lambda: [0, 0])
    for change in changes:
        for kind, member, cost, tokens in scope_amounts(change):
            scope = registry.scope_id(connection, account.id, kind, member, change.hour)
            if change.rates.per_million is None and not cost and kind in OF_MONEY:
                continue  # what has no price is absent, not 0
            day = day_of(kind, change.hour)
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
        {"scope_id": scope, time: at, "cost": cost, "spend": cost, "tokens": tokens}
        for (scope, at), (cost, tokens) in sums.items()
        if cost or tokens
    ]
    upsert(connection, table, values, added=("cost", "spend", "tokens"))


def rebuild_days(connection: Connection, day_of: DayOf) -> None:
    """Sum the hours into days anew, after the time zone has changed."""
    by_day: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0, 0])
    hours, scopes = tables.hours.c, tables.scopes.c
    columns = (scopes.kind, hours.scope_id, hours.hour, hours.cost, hours.spend, hours.tokens)
    for kind, scope, hour, *amounts in connection.execute(
        select(*columns).join_from(tables.hours, tables.scopes)
    ):
        cell = by_day[scope, day_of(kind, hour)]
        for index, amount in enumerate(amounts):
            cell[index] += amount
    connection.execute(delete(tables.days))
    values = [
        {"scope_id": scope, "day": day, "cost": cost, "spend": spend, "tokens": tokens}
        for (scope, day), (cost, spend, tokens) in by_day.items()
    ]
    if values:
        connection.execute(insert(tables.days), values)


def utc(epoch: int) -> datetime:
    """Return epoch seconds as an aware datetime."""
    return datetime.fromtimestamp(epoch, UTC)
