"""A ledger that is only read, also while an exporter writes it (floor 2)."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from sqlalchemy import select

from claude_cost_exporter.errors import LedgerError
from claude_cost_exporter.ledger import evidence, reading, tables
from claude_cost_exporter.ledger.comparing import compare
from claude_cost_exporter.ledger.counters import CounterStore
from claude_cost_exporter.ledger.history import CounterHistory
from claude_cost_exporter.ledger.hourly import hourly_sums
from claude_cost_exporter.ledger.limits import SqlLimitsLedger
from claude_cost_exporter.ledger.opening import connect, refuse_foreign, sqlite_path, translated
from claude_cost_exporter.ledger.recent import Lately
from claude_cost_exporter.ledger.registry import Registry
from claude_cost_exporter.ledger.used import used_between

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime
    from typing import Self

    from sqlalchemy import Connection

    from claude_cost_exporter.comparison import Comparison
    from claude_cost_exporter.ledger.base import Settings, StoredBook
    from claude_cost_exporter.ledger.hourly import ScopeSum
    from claude_cost_exporter.ledger.used import UsedOfDay
    from claude_cost_exporter.pricing.evidence import Evidence
    from claude_cost_exporter.snapshot import Snapshot


class LedgerReader:
    """Answers questions of commands. It takes no lock and changes nothing."""

    def __init__(self, url: str) -> None:
        path = sqlite_path(url)
        if path is not None and not path.exists():
            raise LedgerError(f"there is no ledger {path}; `serve` makes one, or see ledger.url")
        refuse_foreign(url)
        self._url = url
        self._engine = connect(url, read_only=True)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[tuple[Connection, Registry]]:
        """Lend one state of the ledger, whatever is written meanwhile."""
        registry = Registry(cap=0)  # nothing is added to it
        with translated(self._url), self._engine.connect() as connection:
            registry.load(connection)
            yield connection, registry

    def snapshot(self, settings: Settings, now: datetime) -> Snapshot:
        """Return the ledger at `now`; counters are what their writer exposes, and left out."""
        with self._reading() as (connection, registry):
            zone = reading.fact(connection, "time_zone")
            if zone not in (None, settings.time_zone):
                raise LedgerError(
                    f"the ledger's days are days in {zone}, and time_zone is "
                    f"{settings.time_zone}: start `serve` with it, which sums them up anew"
                )
            parts = (registry, CounterStore(0, 0), settings, Lately())
            taken = reading.snapshot(connection, *parts, now)
            limits = SqlLimitsLedger(lambda: nullcontext(connection), registry)
            return limits.fill(connection, taken)

    def used(self, start: datetime, end: datetime) -> list[UsedOfDay]:
        """Return what was used in the hours that begin from `start` up to `end`."""
        with self._reading() as (connection, registry):
            return list(used_between(connection, registry, start, end))

    @contextmanager
    def counter_history(self, series_cap: int) -> Iterator[CounterHistory]:
        """Lend what was used before counters began, all of it of one state of the ledger."""
        with self._reading() as (connection, registry):
            yield CounterHistory(connection, registry, series_cap)

    def hourly_sums(self, end: datetime) -> Iterator[tuple[datetime, list[ScopeSum]]]:
        """Yield what every scope cost in each hour before `end`, the oldest first."""
        with self._reading() as (connection, registry):
            yield from hourly_sums(connection, registry, end)

    def comparisons(self, first: date, last: date) -> Iterator[Comparison]:
        """Yield estimates and bills of every account over days, both ends included."""
        with translated(self._url), self._engine.connect() as connection:
            accounts = tables.accounts
            for row in connection.execute(select(accounts.c.id, accounts.c.name)).all():
                yield compare(connection, row.id, row.name, first, last)

    def books(self) -> list[StoredBook]:
        """Return the price books, oldest first."""
        with translated(self._url), self._engine.connect() as connection:
            return reading.books(connection)

    def evidence(self, account: str, since: date) -> Evidence:
        """Return usage and bill of the UTC days from `since` on that have both, whole."""
        with self._reading() as (connection, registry):
            return evidence.read(connection, registry, account, since)
