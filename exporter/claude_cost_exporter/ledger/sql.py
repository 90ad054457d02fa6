"""The ledger on SQL through SQLAlchemy Core: SQLite by default (floor 2)."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timedelta
from math import inf
from threading import RLock
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from claude_cost_exporter.clock import floor_hour
from claude_cost_exporter.ledger import evidence, names, reading, rollup, tables
from claude_cost_exporter.ledger.base import BillChanges, Changes, Progress, Settings, StoredBook
from claude_cost_exporter.ledger.bills import begin_billing, by_customer, holds, replace_bill
from claude_cost_exporter.ledger.coding import SqlCodingLedger
from claude_cost_exporter.ledger.counters import CounterStore
from claude_cost_exporter.ledger.counting import alike, increments, restated
from claude_cost_exporter.ledger.limits import SqlLimitsLedger
from claude_cost_exporter.ledger.notebook import AccountNotebook
from claude_cost_exporter.ledger.opening import FileLock, make_folder, open_engine, sqlite_path
from claude_cost_exporter.ledger.opening import translated as translated_errors
from claude_cost_exporter.ledger.recent import Lately
from claude_cost_exporter.ledger.registry import Account, Registry
from claude_cost_exporter.ledger.rows import replace_rows
from claude_cost_exporter.ledger.settling import NOTHING, settle
from claude_cost_exporter.ledger.spread import spread_day
from claude_cost_exporter.ledger.sums import add_to_sums, day_counter, rebuild_days, utc
from claude_cost_exporter.records import BILL, BILL_CUSTOMER, DEFAULT_WORKSPACE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from sqlalchemy import Connection

    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.ledger.base import Batch, BillBatch, Names
    from claude_cost_exporter.ledger.bills import BillChange
    from claude_cost_exporter.ledger.counting import RowChange
    from claude_cost_exporter.pricing.evidence import Evidence
    from claude_cost_exporter.records import OrganizationRecord
    from claude_cost_exporter.snapshot import Snapshot

KNOWN_LABELS = timedelta(days=31)
"""Label sets seen this far back are exposed at 0 from the start."""


class SqlLedger:
    """One writer, one lock, everything that belongs together in one transaction."""

    def __init__(self, url: str, settings: Settings, clock: Clock) -> None:
        self._url = url
        self._settings = settings
        self._clock = clock
        self._mutex = RLock()
        self._configured: set[str] = set()
        self._stale = False
        path = sqlite_path(url)
        self._lock = FileLock(path) if path else None
        if self._lock and path:
            make_folder(path)
            self._lock.acquire()
        try:
            self._engine, self.moved_aside = open_engine(
                url, clock.now(), ours=self._lock is not None and self._lock.was_there
            )
            hold = settings.new_series_hold.total_seconds()
            self._counters = CounterStore(hold, settings.series_cap)
            self._registry = Registry(settings.series_cap)
            self.coding = SqlCodingLedger(self._transaction, self._registry)
            self.limits = SqlLimitsLedger(self._transaction, self._registry)
            self._lately = Lately()
            self._progress: Mapping[tuple[int, str], Progress] | None = None
            self._rolled_up: dict[int, date] = {}
            self._day_of = day_counter(ZoneInfo(settings.time_zone))
            self._start()
        except BaseException:
            self.close()
            if self._lock:
                self._lock.remove_new()
            raise

    def _start(self) -> None:
        with translated_errors(self._url), self._engine.begin() as connection:
            self._load(connection)
            zone = self._settings.time_zone
            if (reading.fact(connection, "time_zone") or zone) != zone:
                rebuild_days(connection, self._day_of)
            reading.set_fact(connection, "time_zone", zone)
            if self.moved_aside:
                lost_at = int(self._clock.now().timestamp())
                reading.set_fact(connection, "state_lost_at", str(lost_at))

    def _load(self, connection: Connection) -> None:
        self._registry.load(connection)
        self._counters.load(connection)
        self._billed = reading.billed_days(connection)

    @contextmanager
    def _transaction(self, *, moves_sums: bool = True) -> Iterator[Connection]:
        """Commit as a whole; after a failure the next one forgets what only memory believes."""
        with self._mutex:
            if moves_sums:
                self._lately.forget()
                self._progress = None
            try:
                with translated_errors(self._url), self._engine.begin() as connection:
                    if self._stale:
                        self._load(connection)
                    self._stale = False
                    yield connection
            except BaseException:
                self._stale = True
                raise

    def close(self) -> None:
        """Release the file and the lock."""
        if hasattr(self, "_engine"):
            self._engine.dispose()
        if self._lock:
            self._lock.release()

    def register(self, account: str, provider: str) -> None:
        """Make an account known before its first poll."""
        self._configured.add(account)
        with self._transaction() as connection:
            if account not in self._registry.accounts:
                row = {"name": account, "provider": provider}
                connection.execute(insert(tables.accounts), row)
                self._registry.load(connection)

    def name(self, account: str, found: Names, read_at: datetime) -> None:
        """Store names; decide the default workspace's id the first time."""
        with self._transaction() as connection:
            if found.organization:
                self._bind(connection, account, found.organization)
            known = self._registry.accounts[account]
            names.store(connection, self._registry, known, found, read_at)

    def owners(self) -> Mapping[str, str]:
        """Return the organisation id of every account, empty while it is not known."""
        with self._mutex:
            return {one.name: one.organization_id for one in self._registry.accounts.values()}

    def claim(self, account: str, organization: OrganizationRecord) -> None:
        """Bind an account to its organisation; raise OrganizationError when it cannot be."""
        with self._transaction() as connection:
            self._bind(connection, account, organization)

    def _bind(self, connection: Connection, account: str, organization: OrganizationRecord) -> None:
        accounts = self._registry.accounts
        names.bind(connection, accounts, accounts[account], organization, self._configured)

    def upsert(self, batch: Batch) -> Changes:
        """Replace the usage of the window; keep totals and coverage in one transaction."""
        with self._transaction() as connection:
            account = self._registry.accounts[batch.account]
            before_this = reading.progress(connection, account.id, batch.source)
            starting = self._begin_counting(connection, account, batch)
            changes = replace_rows(connection, self._registry, account, batch)
            add_to_sums(connection, self._registry, account, changes, self._day_of)
            self._spread(connection, account, {utc(change.hour).date() for change in changes})
            up, down = restated(changes, before_this)
            if not starting:
                self._count_restated(account, up, down)
            self._count(account, changes, batch.read_at, baseline=starting)
            self._registry.save(connection)
            self._counters.save(connection)
            reading.advance(connection, account.id, batch)
            self._roll_up_daily(connection, account, batch)
            return Changes(len(changes))

    def bill(self, batch: BillBatch) -> BillChanges:
        """Replace the bill of the days; put it in force where it has settled."""
        with self._transaction() as connection:
            account = self._registry.accounts[batch.account]
            if holds(batch, BILL_CUSTOMER):
                begin_billing(connection, account, batch)
            names.learn_default(connection, self._registry, account, batch)
            changes = replace_bill(connection, account, batch)
            changed = {change.day for change in changes}
            settled = NOTHING
            if holds(batch, BILL):
                settled = settle(connection, account, batch, changed)
            self._billed[account.id].update(settled.newly)
            restated = changed & self._billed[account.id] - set(settled.newly)
            self._spread(connection, account, changed | set(settled.newly))
            self._count_customers(account, changes, batch.read_at)
            self._registry.save(connection)
            self._counters.save(connection)
            reading.advance(connection, account.id, batch)
            days = (settled.newly, settled.silent, sorted(restated))
            return BillChanges(len(changes), *map(tuple, days))

    def _spread(self, connection: Connection, account: Account, days: set[date]) -> None:
        """Bring the best-known spend of days with a bill in line with it."""
        for day in sorted(days & self._billed[account.id]):
            spread_day(connection, self._registry, account, day, self._day_of)

    def _count_customers(
        self, account: Account, changes: Sequence[BillChange], read_at: datetime
    ) -> None:
        """Move the counters by end customer."""
        known_since = (read_at - KNOWN_LABELS).date()
        for customer, amount in by_customer(changes, account.first_bill_day or 0, known_since):
            labels = (account.provider, account.name, customer)
            self._counters.add("llm_end_customer_billed_usd_total", labels, amount)

    def _roll_up_daily(self, connection: Connection, account: Account, batch: Batch) -> None:
        today = batch.read_at.date()
        if self._rolled_up.get(account.id) != today:
            rollup.roll_up(connection, account.id, batch.source, batch.read_at)
            self._rolled_up[account.id] = today

    def _begin_counting(self, connection: Connection, account: Account, batch: Batch) -> bool:
        """Fix the first hour at the first good poll; True when this batch is that poll."""
        if account.first_hour is not None:
            return False
        account.default_workspace_id = account.default_workspace_id or DEFAULT_WORKSPACE
        last_read = batch.window.end - timedelta(seconds=1)
        first = floor_hour(min(batch.read_at, last_read))
        if not batch.is_history and batch.window.start <= first:
            account.first_hour = int(first.timestamp())
            account.counting_since = int(batch.read_at.timestamp())
        names.save(connection, account, "default_workspace_id", "first_hour", "counting_since")
        return True

    def _count(
        self, account: Account, changes: Sequence[RowChange], read_at: datetime, *, baseline: bool
    ) -> None:
        """Move the counters. Rows before the first hour and its first reading count 0."""
        known_since = int((read_at - KNOWN_LABELS).timestamp())
        first = inf if baseline or account.first_hour is None else account.first_hour
        who = (account.provider, account.name)
        for change in changes:
            if change.hour >= first:
                for family, labels, amount in increments(change):
                    self._counters.add(family, who + labels, amount)
        before = {alike(c): c for c in changes if known_since <= c.hour < first}
        for change in before.values():
            for family, labels, _ in increments(change):
                self._counters.add(family, who + labels, 0)

    def _count_restated(self, account: Account, up: int, down: int) -> None:
        who = (account.provider, account.name)
        for direction, amount in (("up", up), ("down", down)):
            family = "llm_cost_restated_usd_total"
            self._counters.add(family, (*who, direction), amount)

    def aim_history(self, account: str, source: str, target: datetime) -> None:
        """Store how far back the history load shall reach; it only ever moves back."""
        with self._transaction() as connection:
            known = self._registry.accounts[account]
            reading.aim(connection, known.id, source, int(target.timestamp()))

    def progress(self, account: str, source: str) -> Progress:
        """Return how far a source has been read."""
        with self._mutex:
            if self._progress is None:
                with translated_errors(self._url), self._engine.connect() as connection:
                    self._progress = reading.all_progress(connection)
            return self._progress.get((self._registry.accounts[account].id, source), Progress())

    def notebook(self, account: str) -> AccountNotebook:
        """Return what the sources of an account remember across restarts."""
        return AccountNotebook(account, self._transaction, self.progress)

    def books(self) -> Sequence[StoredBook]:
        """Return the price books, oldest first."""
        with self._mutex, translated_errors(self._url), self._engine.connect() as connection:
            return reading.books(connection)

    def evidence(self, account: str, since: date) -> Evidence:
        """Return usage and bill of the UTC days from `since` on that have both, whole."""
        with self._mutex, translated_errors(self._url), self._engine.connect() as connection:
            return evidence.read(connection, self._registry, account, since)

    def accept_book(self, document: str, now: datetime) -> None:
        """Store a price book when it differs from the newest one."""
        known = self.books()
        if known and known[-1].document == document:
            return
        accepted = int(now.timestamp()) if known else None
        with self._transaction() as connection:
            row = {"accepted_at": accepted, "document": document}
            connection.execute(insert(tables.price_books), row)

    def snapshot(self, now: datetime) -> Snapshot:
        """Persist what will be exposed, then return the ledger's view at `now`."""
        with self._transaction(moves_sums=False) as connection:
            self._counters.expose(connection, self._clock.monotonic())
            parts = (self._registry, self._counters, self._settings, self._lately)
            taken = reading.snapshot(connection, *parts, now)
            taken = self.limits.fill(connection, self.coding.fill(connection, taken))
        self._counters.were_shown()
        return taken
