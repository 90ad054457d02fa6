"""The sums of every hour, one hour after the other (floor 2)."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from claude_cost_exporter.ledger import tables
from claude_cost_exporter.ledger.sums import utc
from claude_cost_exporter.snapshot import LINE, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from claude_cost_exporter.ledger.registry import Registry

ROWS_AT_ONCE = 10_000


class ScopeSum(NamedTuple):
    """What one scope cost in an hour, in nano-USD: the estimate, and the best that is known."""

    scope: Scope
    estimate: int
    spend: int


def hourly_sums(
    connection: Connection, registry: Registry, end: datetime
) -> Iterator[tuple[datetime, list[ScopeSum]]]:
    """Yield every hour before `end` that has sums, the oldest first, without the bill's lines."""
    names = {account.id: account.name for account in registry.accounts.values()}
    scopes = {
        scope_id: Scope(names[account_id], kind, member)
        for scope_id, (account_id, kind, member, _) in registry.scopes().items()
    }
    table, kind = tables.hours.c, tables.scopes.c.kind
    query = (
        select(table.hour, table.scope_id, table.cost, table.spend)
        .join_from(tables.hours, tables.scopes)
        .where(table.hour < int(end.timestamp()), kind != LINE)
        .order_by(table.hour)
    )
    rows = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query)
    for hour, group in groupby(rows, lambda row: row.hour):
        yield utc(hour), [ScopeSum(scopes[scope_id], *sums) for _, scope_id, *sums in group]
