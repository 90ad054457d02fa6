"""What was used before an account's counters began, as those counters would have counted it.

Rows are read in the order of time and added up hour by hour, so that any ledger fits (floor 2).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from claude_cost_exporter.ledger import reading, tables
from claude_cost_exporter.ledger.base import Progress
from claude_cost_exporter.ledger.counters import CounterStore
from claude_cost_exporter.ledger.counting import RowChange, increments
from claude_cost_exporter.ledger.rows import HOUR_SECONDS
from claude_cost_exporter.records import ATTRIBUTION, USAGE_SOURCE, Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from sqlalchemy import Connection, Row, Select

    from claude_cost_exporter.ledger.counters import Labels
    from claude_cost_exporter.ledger.registry import Account, Registry

ROWS_AT_ONCE = 10_000

Amounts = dict[tuple[str, "Labels"], int]
"""Family and label values -> nano-USD or a count."""


class CountedHour(NamedTuple):
    """What one hour adds to the counters; the last one ends when the live counters begin."""

    start: int
    end: int
    amounts: Mapping[tuple[str, Labels], int]


class CountedAccount(NamedTuple):
    """One account, and the stretch of time that its counters have missed, in epoch seconds."""

    account: Account
    start: int
    """The first hour with usage."""
    first_hour: int
    """The hour in which the live counters begin."""
    end: int
    """When they begin."""


class CounterHistory:
    """One state of a ledger, asked for what its counters have missed."""

    def __init__(self, connection: Connection, registry: Registry, cap: int) -> None:
        self._connection = connection
        self._registry = registry
        self._counters = CounterStore(0, cap)
        self._counters.load(connection)

    def accounts(self) -> Iterator[CountedAccount]:
        """Yield the accounts with usage from before their counters began."""
        for account in self._registry.accounts.values():
            start, first_hour = self._first_usage(account), account.first_hour
            if start is None or first_hour is None or account.counting_since is None:
                continue
            if start < account.counting_since:
                yield CountedAccount(account, start, first_hour, account.counting_since)

    def progress(self, name: str) -> Progress:
        """Return how much of an account's past has been read; nothing when it is not known."""
        account = self._registry.accounts.get(name)
        if account is None:
            return Progress()
        return reading.progress(self._connection, account.id, USAGE_SOURCE)

    def _first_usage(self, account: Account) -> int | None:
        query = _rows(account).with_only_columns(tables.usage.c.bucket_start).limit(1)
        return self._connection.execute(query).scalar()

    def hours(self, of: CountedAccount) -> Iterator[CountedHour]:
        """Yield every hour from the first one with usage up to the one that counting began in."""
        used = _ByHour(self._buckets(of.account, of.start, of.first_hour))
        for hour in range(of.start, of.first_hour, HOUR_SECONDS):
            yield CountedHour(hour, hour + HOUR_SECONDS, used.in_hour(hour))
        if of.first_hour < of.end:
            yield CountedHour(of.first_hour, of.end, self._before_first_poll(of))

    def series(self, of: CountedAccount) -> Iterator[tuple[str, Labels]]:
        """Yield every series of an account: those of its hours so far, and the live ones."""
        who = (of.account.provider, of.account.name)
        for family, known in self._counters.families.items():
            yield from ((family, labels) for labels in known if labels[: len(who)] == who)

    def _before_first_poll(self, of: CountedAccount) -> Amounts:
        """Return what the first hour had when counting began: what rows hold and counters do not.

        When rows were priced anew since then, it is nothing at least and the whole hour at most.
        """
        since: Amounts = defaultdict(int)
        whole: Amounts = {}
        for bucket in self._buckets(of.account, of.first_hour, None):
            for series, amount in bucket.amounts.items():
                since[series] += amount
            if bucket.start == of.first_hour:
                whole = bucket.amounts
        return {
            (family, labels): before
            for (family, labels), amount in whole.items()
            if (before := min(amount, since[family, labels] - self._counted(family, labels))) > 0
        }

    def _counted(self, family: str, labels: Labels) -> int:
        return self._counters.families[family][labels].total

    def _buckets(self, account: Account, start: int, end: int | None) -> Iterator[_Bucket]:
        """Yield what each stretch of time adds to each series, the oldest first."""
        table = tables.usage.c
        query = _rows(account).where(table.bucket_start >= start)
        if end is not None:
            query = query.where(table.bucket_start < end)
        rows = self._connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query)
        for (begin, seconds), group in groupby(rows, lambda row: row[:2]):
            amounts: Amounts = defaultdict(int)
            for row in group:
                for family, labels, amount in increments(self._change(row)):
                    whole = (account.provider, account.name, *labels)
                    amounts[family, self._counters.resolved(family, whole)] += amount
            yield _Bucket(begin, seconds, amounts)

    def _change(self, row: Row[Any]) -> RowChange:
        start, _, series_id, rate_id, searches, *counts = tuple(row)
        series, rates = self._registry.series_by_id[series_id], self._registry.rates_by_id[rate_id]
        tokens = Tokens(*counts)
        cost = rates.cost(tokens, searches)
        return RowChange(series.role, series.dimensions, start, rates, tokens, searches, cost)


def _rows(account: Account) -> Select[Any]:
    """Return the query of the rows that feed an account's counters."""
    table = tables.usage.c
    names = ("bucket_start", "bucket_seconds", "series_id", "rate_id", "web_searches")
    return (
        select(*(table[name] for name in (*names, *Tokens._fields)))
        .where(table.series_id.in_(tables.series_of([account.id], ATTRIBUTION)))
        .order_by(table.bucket_start, table.bucket_seconds)
    )


class _Bucket(NamedTuple):
    start: int
    seconds: int
    amounts: Amounts


@dataclass(slots=True)
class _ByHour:
    """Buckets as hours: a day that was rolled up is spread evenly over its own."""

    coming: Iterator[_Bucket]
    _next: _Bucket | None = None
    _waiting: dict[int, Amounts] = field(default_factory=dict)

    def in_hour(self, hour: int) -> Amounts:
        """Return what an hour adds; hours are asked for in their order."""
        while (bucket := self._next or next(self.coming, None)) and bucket.start <= hour:
            self._next = None
            self._take(bucket)
        self._next = bucket
        return self._waiting.pop(hour, {})

    def _take(self, bucket: _Bucket) -> None:
        count = bucket.seconds // HOUR_SECONDS
        for at in range(count):
            of_hour = self._waiting.setdefault(bucket.start + at * HOUR_SECONDS, defaultdict(int))
            for series, amount in bucket.amounts.items():
                of_hour[series] += amount * (at + 1) // count - amount * at // count
