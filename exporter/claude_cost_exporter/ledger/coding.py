"""Claude Code by day, user and model; sums of windows are kept until a row changes (floor 2)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from operator import add
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import delete, func, insert, select

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.ledger import tables
from claude_cost_exporter.ledger.bills import midnight
from claude_cost_exporter.ledger.opening import empty_log
from claude_cost_exporter.ledger.reading import advance, fact, set_fact
from claude_cost_exporter.ledger.upsert import upsert
from claude_cost_exporter.records import CLAUDE_CODE, CodingCounts, CodingUse
from claude_cost_exporter.snapshot import CodingWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Table

    from claude_cost_exporter.ledger.base import CodingBatch
    from claude_cost_exporter.ledger.registry import Account, Registry
    from claude_cost_exporter.records import CodingDay, CodingRecord
    from claude_cost_exporter.snapshot import Snapshot

USER, MODEL = "coding_user", "coding_model"
"""Kinds of scopes: they bound how many there are, once and for ever."""
LAG = timedelta(hours=2)
"""Days are read every hour, and the report itself is an hour behind."""

N = TypeVar("N", CodingCounts, CodingUse)


class SqlCodingLedger:
    """The part of the ledger that holds Claude Code."""

    def __init__(
        self,
        transaction: Callable[[], AbstractContextManager[Connection]],
        registry: Registry,
    ) -> None:
        self._transaction, self._registry = transaction, registry
        self._most_users: dict[str, int] = {}
        self._sums: dict[tuple[int, str, date, date], CodingWindow] = {}

    def name_users(self, account: str, naming: str, most: int) -> None:
        """Set how many users get names, the rest is `other`; forget whom `naming` does not fit."""
        self._most_users[account] = most
        with self._transaction() as connection:
            known = self._registry.accounts[account]
            place = f"naming_of_users/{known.id}"
            before = fact(connection, place)
            set_fact(connection, place, naming)
            if before in (None, naming):
                return
            self._forget_users(connection, known.id)
            engine = connection.engine
        empty_log(engine)

    def _forget_users(self, connection: Connection, account_id: int) -> None:
        """Delete all that is known of users, names of keys included; all is then read anew."""
        scopes, progress, api_keys = tables.scopes, tables.progress, tables.api_keys
        for table in (tables.coding_use, tables.coding_activity, tables.coding_days, api_keys):
            connection.execute(delete(table).where(table.c.account_id == account_id))
        for table, column, value in (
            (scopes, scopes.c.kind, USER),
            (progress, progress.c.source, CLAUDE_CODE),
        ):
            ours = (table.c.account_id == account_id) & (column == value)
            connection.execute(delete(table).where(ours))
        self._registry.load(connection)
        self._sums.clear()

    def upsert(self, batch: CodingBatch) -> int:
        """Replace the days; return how many rows differ."""
        with self._transaction() as connection:
            account = self._registry.accounts[batch.account]
            read_at = int(batch.read_at.timestamp())
            written = sum(self._replace(connection, account, day, read_at) for day in batch.days)
            if written:
                self._sums.clear()
            self._registry.save(connection)
            advance(connection, account.id, batch)
            return written

    def _replace(
        self, connection: Connection, account: Account, day: CodingDay, read_at: int
    ) -> int:
        place = {"account_id": account.id, "day": day.day.toordinal()}
        upsert(connection, tables.coding_days, [place | {"read_at": read_at}])
        activity: dict[tuple[int | str, ...], CodingCounts] = defaultdict(CodingCounts)
        use: dict[tuple[int | str, ...], CodingUse] = defaultdict(CodingUse)
        hour, most = int(midnight(day.day).timestamp()), self._most_users[account.name]
        of = (connection, account.id)
        for row in sorted(day.rows, key=_cost, reverse=True):  # whom a cap spares spends most
            who = (self._registry.scope_id(*of, USER, row.user, hour, most), row.customer_type)
            activity[who] = _plus(activity[who], row.counts)
            for model, more in row.models.items():
                what = (*who, self._registry.scope_id(*of, MODEL, model, hour))
                use[what] = _plus(use[what], more)
        return _write(connection, tables.coding_activity, place, activity) + _write(
            connection, tables.coding_use, place, use
        )

    def fill(self, connection: Connection, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot with every window whose days were all read."""
        accounts = [
            account
            for account in self._registry.accounts.values()
            if account.name in self._most_users
        ]
        return replace(
            snapshot,
            coding=tuple(
                self._window(connection, account, name, days)
                for account in accounts
                for name, days in _windows(connection, account.id, snapshot.taken_at).items()
            ),
        )

    def _window(
        self, connection: Connection, account: Account, name: str, days: Sequence[date]
    ) -> CodingWindow:
        place = (account.id, name, days[0], days[-1])
        if place not in self._sums:
            sums = _Sums(connection, account.id, days)
            self._sums[place] = CodingWindow(
                account.name, name, sums.activity(), sums.user_cost(), sums.models()
            )
        return self._sums[place]


class _Sums:
    """Sums over consecutive days of an account."""

    def __init__(self, connection: Connection, account_id: int, days: Sequence[date]) -> None:
        self._connection, self._account_id = connection, account_id
        self._first, self._last = days[0].toordinal(), days[-1].toordinal()

    def activity(self) -> Mapping[str, CodingCounts]:
        """Return what each user did."""
        rows = self._by(tables.coding_activity, "user_id", (), CodingCounts._fields)
        return {user: CodingCounts(*map(int, counts)) for user, *counts in rows}

    def user_cost(self) -> Mapping[tuple[str, str], int]:
        """Return nano-USD by user and customer type."""
        rows = self._by(tables.coding_use, "user_id", ("customer_type",), ("cost",))
        return {(user, customer): int(cost) for user, customer, cost in rows}

    def models(self) -> Mapping[tuple[str, str], CodingUse]:
        """Return tokens and nano-USD by model and customer type."""
        rows = self._by(tables.coding_use, "model_id", ("customer_type",), CodingUse._fields)
        return {(model, who): CodingUse(*map(int, numbers)) for model, who, *numbers in rows}

    def _by(
        self, table: Table, scope: str, labels: Sequence[str], numbers: Sequence[str]
    ) -> Sequence[Sequence[str]]:
        """Sum by the member that a scope column means, and by further columns."""
        scopes, by = tables.scopes, [table.c[name] for name in labels]
        query = (
            select(scopes.c.member, *by, *(func.sum(table.c[name]) for name in numbers))
            .join_from(table, scopes, table.c[scope] == scopes.c.id)
            .where(table.c.account_id == self._account_id)
            .where(table.c.day.between(self._first, self._last))
            .group_by(scopes.c.member, *by)
        )
        return [tuple(row) for row in self._connection.execute(query)]


def _windows(
    connection: Connection, account_id: int, now: datetime
) -> Mapping[str, Sequence[date]]:
    """Return the UTC days of each window that has no day which was not read to its end.

    Right after midnight the month does not wait for the first read of its newest day.
    """
    today = now.astimezone(UTC).date()
    read = _read_days(connection, account_id, today)
    month = [today.replace(day=1) + DAY * index for index in range(today.day)]
    if today not in read and now - midnight(today) < LAG:
        month.pop()
    windows = {"today": [today], "yesterday": [today - DAY], "month_to_date": month}
    return {name: days for name, days in windows.items() if days and read.issuperset(days)}


def _read_days(connection: Connection, account_id: int, today: date) -> set[date]:
    """Return the days that were read, when over in their last hours or later."""
    table = tables.coding_days
    query = select(table.c.day, table.c.read_at).where(
        table.c.account_id == account_id, table.c.day >= (today - timedelta(days=31)).toordinal()
    )
    rows = [(date.fromordinal(day), read_at) for day, read_at in connection.execute(query)]
    return {
        day
        for day, read_at in rows
        if day == today or datetime.fromtimestamp(read_at, UTC) >= midnight(day) + DAY - LAG
    }


def _write(
    connection: Connection,
    table: Table,
    place: Mapping[str, int],
    rows: Mapping[tuple[int | str, ...], tuple[int, ...]],
) -> int:
    """Make `rows` all that a table holds at a place; return how many differ."""
    here = [table.c[name] == value for name, value in place.items()]
    columns = [column for column in table.columns if column.name not in place]
    keys = sum(column.primary_key for column in columns)
    query = select(*columns).where(*here)
    stored = {tuple(row[:keys]): tuple(row[keys:]) for row in connection.execute(query)}
    if stored == rows:
        return 0
    names = [column.name for column in columns]
    connection.execute(delete(table).where(*here))
    if rows:
        values = [
            {**place, **dict(zip(names, (*key, *numbers), strict=True))}
            for key, numbers in rows.items()
        ]
        connection.execute(insert(table), values)
    return sum(stored.get(key) != rows.get(key) for key in {**stored, **rows})


def _cost(row: CodingRecord) -> int:
    return sum(one.cost for one in row.models.values())


def _plus(one: N, other: N) -> N:
    return type(one)(*map(add, one, other))
