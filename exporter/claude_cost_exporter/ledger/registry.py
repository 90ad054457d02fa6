"""Ids of accounts, series, rates and scopes, kept in memory (floor 2).

The ledger has one writer, so what this process has seen is what there is. After a failed
transaction everything is loaded anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import bindparam, insert, select, update

from claude_cost_exporter.catalogue import OTHER
from claude_cost_exporter.ledger import tables
from claude_cost_exporter.pricing.rates import Rates
from claude_cost_exporter.records import DEFAULT_WORKSPACE, Dimensions
from claude_cost_exporter.snapshot import GAUGES_OF_SCOPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Table


@dataclass(slots=True)
class Account:
    """A row of `accounts`."""

    id: int
    name: str
    provider: str
    organization_id: str = ""
    organization_name: str = ""
    default_workspace_id: str | None = None
    """What the default workspace is called, for ever."""
    real_default_id: str | None = None
    """Its own id, once it could be read; a ledger may have begun without knowing it."""
    first_hour: int | None = None
    counting_since: int | None = None
    first_bill_day: int | None = None

    def workspace(self, workspace_id: str) -> str:
        """Return what the ledger calls a workspace."""
        if workspace_id and workspace_id in (DEFAULT_WORKSPACE, self.real_default_id):
            return self.default_workspace_id or DEFAULT_WORKSPACE
        return workspace_id


class SeriesKey(NamedTuple):
    """What makes a series: one row per bucket belongs to it."""

    account_id: int
    role: str
    query_set: str
    dimensions: Dimensions


@dataclass(slots=True)
class _Seen:
    """An id and the newest (series) or first (scope) hour that was written for it."""

    id: int
    hour: int
    redirect_id: int | None = None


@dataclass(slots=True)
class Registry:
    """Looks ids up, and creates what is new in the transaction at hand."""

    cap: int
    accounts: dict[str, Account] = field(default_factory=dict)
    rates_by_id: dict[int, Rates] = field(default_factory=dict)
    series_by_id: dict[int, SeriesKey] = field(default_factory=dict)
    _rates: dict[Rates, int] = field(default_factory=dict)
    _series: dict[SeriesKey, _Seen] = field(default_factory=dict)
    _scopes: dict[tuple[int, str, str], _Seen] = field(default_factory=dict)
    _members: dict[tuple[int, str], int] = field(default_factory=dict)
    _beyond: dict[str, int] = field(default_factory=dict)
    _moved_series: set[SeriesKey] = field(default_factory=set)
    _moved_scopes: set[tuple[int, str, str]] = field(default_factory=set)

    def load(self, connection: Connection) -> None:
        """Read everything from the ledger."""
        columns = [tables.accounts.c[column.name] for column in fields(Account)]
        self.accounts = {row.name: Account(*row) for row in connection.execute(select(*columns))}
        self._load_rates(connection)
        self._load_series(connection)
        self._load_scopes(connection)

    def _load_rates(self, connection: Connection) -> None:
        self.rates_by_id = {}
        for row in connection.execute(select(tables.rates)):
            some = any(rate is not None for rate in row[1:6])
            per_million = tuple(row[1:6]) if some else None
            self.rates_by_id[row.id] = Rates(
                per_million, row.web_search, row.origin, row.reason, row.ambiguous
            )
        self._rates = {value: key for key, value in self.rates_by_id.items()}

    def _load_series(self, connection: Connection) -> None:
        self._series, self.series_by_id = {}, {}
        self._moved_series.clear()
        for row in connection.execute(select(tables.series)):
            key = SeriesKey(row.account_id, row.role, row.query_set, Dimensions(*row[4:11]))
            self._series[key] = _Seen(row.id, row.last_hour)
            self.series_by_id[row.id] = key

    def _load_scopes(self, connection: Connection) -> None:
        self._scopes, self._members, self._beyond = {}, {}, {}
        self._moved_scopes.clear()
        for row in connection.execute(select(tables.scopes)):
            key = (row.account_id, row.kind, row.member)
            self._scopes[key] = _Seen(row.id, row.first_hour, row.redirect_id)
            self._count(key, row.redirect_id)

    def _count(self, key: tuple[int, str, str], redirect: int | None) -> None:
        """Count the scopes that have sums of their own; those beyond the cap take no place."""
        if redirect is None:
            self._members[key[:2]] = self._members.get(key[:2], 0) + 1
        else:
            self._beyond[key[1]] = self._beyond.get(key[1], 0) + 1

    def rate_id(self, connection: Connection, rates: Rates) -> int:
        """Return the id of a set of rates."""
        if (known := self._rates.get(rates)) is not None:
            return known
        names = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
        row = dict(zip(names, rates.per_million or (None,) * len(names), strict=True))
        rest = {
            "web_search": rates.per_web_search,
            "origin": rates.origin,
            "reason": rates.reason,
            "ambiguous": rates.ambiguous,
        }
        new = _insert(connection, tables.rates, row | rest)
        self._rates[rates] = new
        self.rates_by_id[new] = rates
        return new

    def series_id(self, connection: Connection, key: SeriesKey, hour: int) -> int:
        """Return the id of a series, and note that it was used in `hour`."""
        seen = self._series.get(key)
        if seen is None:
            row = key.dimensions._asdict() | {
                "account_id": key.account_id,
                "role": key.role,
                "query_set": key.query_set,
                "last_hour": hour,
            }
            seen = self._series[key] = _Seen(_insert(connection, tables.series, row), hour)
            self.series_by_id[seen.id] = key
        elif hour > seen.hour:
            seen.hour = hour
            self._moved_series.add(key)
        return seen.id

    def in_use(self, account_id: int, role: str, since: int) -> frozenset[Dimensions]:
        """Return the combinations of dimensions that had usage at or after `since`."""
        return frozenset(
            key.dimensions
            for key, seen in self._series.items()
            if key.account_id == account_id and key.role == role and seen.hour >= since
        )

    def has_workspace(self, account_id: int, workspace_id: str) -> bool:
        """Return whether a workspace was ever used under this id."""
        return any(
            key.account_id == account_id and key.dimensions.workspace_id == workspace_id
            for key in self.series_by_id.values()
        )

    def scope_id(  # noqa: PLR0913, PLR0917 - a scope's key, and its bound
        self,
        connection: Connection,
        account_id: int,
        kind: str,
        member: str,
        hour: int,
        cap: int | None = None,
    ) -> int:
        """Return the id of a scope, or of `other` for members beyond the cap."""
        key = (account_id, kind, member)
        seen = self._scopes.get(key)
        if seen is None:
            seen = self._new_scope(connection, key, hour, self.cap if cap is None else cap)
        elif hour < seen.hour:
            seen.hour = hour
            self._moved_scopes.add(key)
        return seen.redirect_id or seen.id

    def _new_scope(
        self, connection: Connection, key: tuple[int, str, str], hour: int, cap: int
    ) -> _Seen:
        account_id, kind, member = key
        redirect = None
        if self._members.get((account_id, kind), 0) >= cap and member != OTHER:
            redirect = self.scope_id(connection, account_id, kind, OTHER, hour)
        row = {"account_id": account_id, "kind": kind, "member": member}
        new = _insert(
            connection, tables.scopes, row | {"first_hour": hour, "redirect_id": redirect}
        )
        seen = self._scopes[key] = _Seen(new, hour, redirect)
        self._count(key, redirect)
        return seen

    def scopes(self) -> dict[int, tuple[int, str, str, int]]:
        """Return account id, kind, member and first hour by scope id, without redirected ones."""
        return {
            seen.id: (*key, seen.hour)
            for key, seen in self._scopes.items()
            if seen.redirect_id is None
        }

    def is_beyond(self, account_id: int, kind: str, member: str) -> bool:
        """Return whether a member is counted under `other`."""
        seen = self._scopes.get((account_id, kind, member))
        return seen is not None and seen.redirect_id is not None

    def dropped(self) -> Mapping[str, int]:
        """Return how many members each family of gauges shows as `other`."""
        return {
            family: count
            for kind, count in self._beyond.items()
            for family in GAUGES_OF_SCOPES.get(kind, ())
        }

    def save(self, connection: Connection) -> None:
        """Write the hours that moved."""
        for table, column, items, known in (
            (tables.series, "last_hour", self._moved_series, self._series),
            (tables.scopes, "first_hour", self._moved_scopes, self._scopes),
        ):
            if not items:
                continue
            moved = [known[item] for item in items]  # type: ignore[index]
            statement = (
                update(table)
                .where(table.c.id == bindparam("key"))
                .values({column: bindparam("hour_")})
            )
            connection.execute(statement, [{"key": s.id, "hour_": s.hour} for s in moved])
            items.clear()


def _insert(connection: Connection, table: Table, row: Mapping[str, object]) -> int:
    result = connection.execute(insert(table), dict(row))
    (new,) = tuple(result.inserted_primary_key or ())
    return int(new)
