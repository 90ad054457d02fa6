"""Giving rows other rates, on request: rows and sums change, counters do not (floor 2).

Counters add up what each read changed, at the rates that a row had then. They are not summed from
rows, so that there is nothing to shift when the rows' rates change here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.ledger import tables
from claude_cost_exporter.ledger.bills import midnight
from claude_cost_exporter.ledger.counting import RowChange
from claude_cost_exporter.ledger.rows import HOUR_SECONDS
from claude_cost_exporter.ledger.spread import HOURS, spread
from claude_cost_exporter.ledger.sql import SqlLedger
from claude_cost_exporter.ledger.sums import add_to_sums, utc
from claude_cost_exporter.ledger.upsert import upsert
from claude_cost_exporter.pricing.rates import Cost, Rates
from claude_cost_exporter.records import PROBE, Dimensions, Tokens, model_label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Row

    from claude_cost_exporter.ledger.registry import Account, SeriesKey

RatesOf = Callable[[str, Dimensions, date], Rates]
"""Account, dimensions and UTC day -> rates."""

DAY_SECONDS = 86_400
NO_TOKENS = Tokens()
"""They were counted when the row was read."""


class Model(NamedTuple):
    """One model of one account."""

    account: str
    model: str


@dataclass(slots=True)
class Repricing:
    """What other rates change: estimates in nano-USD before and after, of all rows in question."""

    before: dict[Model, int] = field(default_factory=lambda: defaultdict(int))
    after: dict[Model, int] = field(default_factory=lambda: defaultdict(int))
    rows: int = 0
    """Rows that cost something else."""
    days: set[tuple[str, date]] = field(default_factory=set)
    """Accounts and UTC days with rows that change."""
    billed: set[tuple[str, date]] = field(default_factory=set)
    """Those whose bill is in force: their spend stays what the bill says."""

    def count(self, account: str, series: SeriesKey, before: int, after: int) -> None:
        """Note what a row cost and costs; the probe's rows alone are everything once."""
        self.rows += before != after
        if series.role == PROBE:
            model = Model(account, model_label(series.dimensions.model))
            self.before[model] += before
            self.after[model] += after

    def note(self, account: str, day: date, *, billed: bool) -> None:
        """Note a day with rows that change."""
        self.days.add((account, day))
        if billed:
            self.billed.add((account, day))


class _Refused(Exception):  # noqa: N818 - no error: somebody said no
    """What would have changed is not wanted."""


class RepricingLedger(SqlLedger):
    """A ledger whose rows can be given other rates."""

    def reprice(self, since: date, rates_of: RatesOf, agree: Callable[[Repricing], bool]) -> bool:
        """Give the rows from a UTC day on the rates of their day, if `agree` wants what changes."""
        with suppress(_Refused), self._transaction() as connection:
            repricing = Repricing()
            for day in _days(connection, since):
                self._reprice_day(connection, day, rates_of, repricing)
            if not agree(repricing):
                raise _Refused
            self._registry.save(connection)
            return True
        return False

    def _reprice_day(
        self, connection: Connection, day: date, rates_of: RatesOf, repricing: Repricing
    ) -> None:
        accounts = {account.id: account for account in self._registry.accounts.values()}
        shapes = _Shapes(connection, day)
        changes: dict[int, list[RowChange]] = defaultdict(list)
        writes = []
        for row in _rows(connection, day):
            series = self._registry.series_by_id[row.series_id]
            account = accounts[series.account_id]
            rates = rates_of(account.name, series.dimensions, day)
            after = rates.cost(Tokens(*row[3:8]), row.web_searches)
            repricing.count(account.name, series, row.cost, after.total)
            rate_id = self._registry.rate_id(connection, rates)
            if (rate_id, after.total) == (row.rate_id, row.cost):
                continue
            writes.append(row._asdict() | {"rate_id": rate_id, "cost": after.total})
            difference = _minus(after, _stored(row, self._registry.rates_by_id[row.rate_id]))
            changes[account.id] += (
                RowChange(series.role, series.dimensions, hour, rates, NO_TOKENS, 0, part)
                for hour, part in shapes.hours(account.id, series.dimensions.model, row, difference)
                if any(difference)
            )
        upsert(connection, tables.usage, writes)
        for account_id, some in changes.items():
            if not some:
                continue
            self._apply(connection, accounts[account_id], day, some)
            repricing.note(accounts[account_id].name, day, billed=day in self._billed[account_id])

    def _apply(
        self, connection: Connection, account: Account, day: date, changes: list[RowChange]
    ) -> None:
        add_to_sums(connection, self._registry, account, changes, self._day_of)
        self._spread(connection, account, {day})


def _days(connection: Connection, since: date) -> list[date]:
    """Return the UTC days with rows."""
    start = tables.usage.c.bucket_start
    day = (start - start % DAY_SECONDS).label("day")
    first = int(midnight(since).timestamp())
    query = select(day).where(start >= first).distinct().order_by(day)
    return [utc(epoch).date() for epoch in connection.execute(query).scalars()]


def _rows(connection: Connection, day: date) -> list[Row[tuple[int, ...]]]:
    table, start = tables.usage, midnight(day)
    query = select(table).where(
        table.c.bucket_start >= int(start.timestamp()),
        table.c.bucket_start < int((start + DAY).timestamp()),
    )
    return list(connection.execute(query))


def _stored(row: Row[tuple[int, ...]], rates: Rates) -> list[int]:
    """Return what a row has cost by token type, and for web searches.

    A row that sums up a day may hold hours of two rates; its cost is then split in proportion.
    """
    tokens = Tokens(*row[3:8])
    cost = rates.cost(tokens, row.web_searches)
    rest = row.cost - cost.web_search
    return [*spread(rest, cost.by_type or tokens), cost.web_search]


def _minus(after: Cost, before: list[int]) -> list[int]:
    now = [*(after.by_type or (0,) * len(Tokens._fields)), after.web_search]
    return [one - other for one, other in zip(now, before, strict=True)]


class _Shapes:
    """In which hours of a day a model was used, for rows that sum up the day."""

    def __init__(self, connection: Connection, day: date) -> None:
        self._connection, self._start = connection, int(midnight(day).timestamp())
        self._known: dict[tuple[int, str], list[int]] | None = None

    def hours(
        self, account_id: int, model: str, row: Row[tuple[int, ...]], amounts: list[int]
    ) -> Iterator[tuple[int, Cost]]:
        """Yield the hours that share what a row has changed by, and their parts."""
        if row.bucket_seconds == HOUR_SECONDS:
            yield row.bucket_start, _cost(amounts)
            return
        if self._known is None:
            self._known = self._read()
        shape = self._known.get((account_id, model_label(model)), [1] * HOURS)
        parts = zip(*(spread(amount, shape) for amount in amounts), strict=True)
        for index, part in enumerate(parts):
            yield self._start + index * HOUR_SECONDS, _cost(list(part))

    def _read(self) -> dict[tuple[int, str], list[int]]:
        hours, scopes = tables.hours, tables.scopes
        query = (
            select(scopes.c.account_id, scopes.c.member, hours.c.hour, hours.c.tokens)
            .join_from(hours, scopes)
            .where(scopes.c.kind == "model")
            .where(hours.c.hour >= self._start, hours.c.hour < self._start + DAY_SECONDS)
        )
        shapes: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0] * HOURS)
        for account_id, model, hour, tokens in self._connection.execute(query):
            shapes[account_id, model][(hour - self._start) // HOUR_SECONDS] = tokens
        return shapes


def _cost(amounts: list[int]) -> Cost:
    a, b, c, d, e, web_search = amounts
    return Cost((a, b, c, d, e), web_search)
