"""The provider's own caps on spend and rates, as they were read last (floor 2)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import delete, insert, select

from claude_cost_exporter.ledger import tables
from claude_cost_exporter.records import RateLimit, SpendLimit

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import datetime

    from sqlalchemy import Connection, Table

    from claude_cost_exporter.ledger.registry import Account, Registry
    from claude_cost_exporter.records import LimitsRecord
    from claude_cost_exporter.snapshot import Snapshot

VALID = timedelta(days=2)
"""A cap that was not read for so long, once a day at least, is not shown any more."""

L = TypeVar("L", SpendLimit, RateLimit)


class SqlLimitsLedger:
    """The part of the ledger that holds the provider's caps."""

    def __init__(
        self,
        transaction: Callable[[], AbstractContextManager[Connection]],
        registry: Registry,
    ) -> None:
        self._transaction, self._registry = transaction, registry

    def replace(self, account: str, found: LimitsRecord, read_at: datetime) -> None:
        """Replace all caps on spend, and those on rates of the workspaces that were read."""
        spend, rates = tables.spend_limits, tables.rate_limits
        with self._transaction() as connection:
            known = self._registry.accounts[account]
            read = {known.workspace(workspace) for workspace in found.workspaces}
            connection.execute(delete(spend).where(spend.c.account_id == known.id))
            connection.execute(
                delete(rates).where(
                    rates.c.account_id == known.id, rates.c.workspace_id.in_(sorted(read))
                )
            )
            shared = {"account_id": known.id, "read_at": int(read_at.timestamp())}
            for table, rows in ((spend, _spend(known, found)), (rates, _rates(known, found))):
                if rows:
                    connection.execute(insert(table), [shared | row._asdict() for row in rows])

    def fill(self, connection: Connection, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot with the caps that are still valid."""
        names = {account.id: account.name for account in self._registry.accounts.values()}
        since = int((snapshot.taken_at - VALID).timestamp())
        return replace(
            snapshot,
            spend_limits=_valid(connection, tables.spend_limits, SpendLimit, names, since),
            rate_limits=_valid(connection, tables.rate_limits, RateLimit, names, since),
        )


def _spend(account: Account, found: LimitsRecord) -> list[SpendLimit]:
    """Return the caps in the ledger's words; of two on the same thing the lower one binds."""
    lowest: dict[tuple[str, ...], SpendLimit] = {}
    for cap in sorted(found.spend, key=lambda one: -one.amount):
        is_workspace = cap.scope_type == "workspace"
        scope = account.workspace(cap.scope) if is_workspace else cap.scope
        lowest[cap.scope_type, scope, cap.period] = cap._replace(scope=scope)
    return list(lowest.values())


def _rates(account: Account, found: LimitsRecord) -> list[RateLimit]:
    """Return the caps in the ledger's words; of two on the same thing the lower one binds."""
    lowest: dict[tuple[str, ...], RateLimit] = {}
    for cap in sorted(found.rates, key=lambda one: -one.value):
        workspace = account.workspace(cap.workspace_id)
        lowest[workspace, cap.models, cap.limiter] = cap._replace(workspace_id=workspace)
    return list(lowest.values())


def _valid(
    connection: Connection, table: Table, kind: type[L], names: dict[int, str], since: int
) -> dict[str, tuple[L, ...]]:
    found: dict[str, list[L]] = defaultdict(list)
    columns = [table.c[name] for name in kind._fields]
    query = select(table.c.account_id, *columns).where(table.c.read_at >= since)
    for account_id, *values in connection.execute(query):
        found[names[account_id]].append(kind(*values))
    return {account: tuple(sorted(caps)) for account, caps in found.items()}
