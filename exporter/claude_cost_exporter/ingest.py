"""One account's polling: fetch, price, upsert, and history in between (floor 3).

Orchestration only: what is read is the source's business, what it costs is the price book's,
what it changes is the ledger's.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import structlog

from claude_cost_exporter.clock import DAY, HOUR, floor_to
from claude_cost_exporter.errors import ExporterError, StoppedError
from claude_cost_exporter.ledger.base import Batch, BillBatch, CodingBatch, Names, PricedUsage
from claude_cost_exporter.records import (
    BillRecord,
    CodingDay,
    LimitsRecord,
    OrganizationRecord,
    UsageRecord,
    Window,
)
from claude_cost_exporter.sources.schedule import Attempt, Schedule, next_beat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date, datetime
    from threading import Event

    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.ledger.base import Ledger
    from claude_cost_exporter.pricing.history import PriceHistory
    from claude_cost_exporter.records import Record
    from claude_cost_exporter.sources.base import Source

SHORTEST_CHUNK = DAY
ROWS_OF_A_CHUNK = 50_000  # rows are held in memory until they are stored
HISTORY_WAITS = "older history could not be loaded"
CATCH_UP = HOUR
SHORTEST_STALE = timedelta(minutes=15)


class PollObserver(Protocol):
    """Told of every poll; the exporter's own metrics listen."""

    def poll_finished(self, account: str, source: str, seconds: float, failure: str) -> None:
        """Count a poll; `failure` is the kind of error, empty when it was good."""
        ...

    def rows_upserted(self, account: str, source: str, rows: int) -> None:
        """Count the rows that changed."""
        ...


class Owner(Protocol):
    """Tells whose an account's key is."""

    def __call__(self, *, once: bool) -> OrganizationRecord:
        """Ask the provider; `once`: without trying again."""
        ...


class AccountPoller:
    """Polls the sources of one account in turn, one thread for each account."""

    def __init__(  # noqa: PLR0913 - the collaborators of a poll
        self,
        account: str,
        provider: str,
        sources: Callable[[], Sequence[Source]],
        *,
        whose: Owner,
        ledger: Ledger,
        prices: PriceHistory,
        clock: Clock,
        observer: PollObserver,
        poll_interval: timedelta,
        history: timedelta,
        changed: Callable[[], None] = lambda: None,
        billed: Callable[[str, Sequence[date], datetime], None] = lambda *_: None,
    ) -> None:
        self.account, self.provider = account, provider
        self.attempts: dict[str, Attempt] = {}
        self._ledger, self._prices, self._clock = ledger, prices, clock
        self._observer, self._changed, self._whose = observer, changed, whose
        self._billed = billed
        self._poll_interval, self._history = poll_interval, history
        self._sources = sources
        self._schedules: dict[str, Schedule] = {}
        self._rows_per_hour: dict[str, float] = {}
        self._identified = False
        self._log = structlog.get_logger().bind(account=account)

    @property
    def sources(self) -> Sequence[Source]:
        """Return what is polled now; which APIs a key may read is found out on the way."""
        return self._sources()

    def _schedule(self, source: Source) -> Schedule:
        return self._schedules.setdefault(source.name, Schedule(source.cadences))

    def run(self, stop: Event) -> None:
        """Poll until `stop` is set; load history until the next poll is due, but at least once.

        A poll that takes long skips polls; it does not shift those that follow.
        """
        next_poll, interval = self._clock.monotonic(), self._poll_interval.total_seconds()
        while not stop.is_set():
            next_poll = next_beat(next_poll, interval, self._clock.monotonic())
            self.poll()
            while not stop.is_set() and self.load_history():
                if self._clock.monotonic() >= next_poll:
                    break
            self._clock.wait(next_poll - self._clock.monotonic(), stop)

    def identify(self, *, once: bool = False) -> None:
        """Make sure, before any usage counts, that it is this account's and no other's."""
        if self._identified:
            return
        owners = self._ledger.owners()
        if owners[self.account] or len(owners) > 1:
            self._ledger.claim(self.account, self._whose(once=once))
        self._identified = True

    def poll(self) -> None:
        """Poll every source that is due and show it; a failure keeps the rows and is remembered."""
        for source in self.sources:
            back = self._schedule(source).back(self._clock.monotonic())
            if back is not None:
                self._attempt(source, back)
        self._tell()

    def _tell(self) -> None:
        """Say that something may have changed; a defect in who listens must not end the polling."""
        try:
            self._changed()
        except Exception:  # noqa: BLE001 - logged with its traceback
            self._log.exception("rendering failed")

    def _attempt(self, source: Source, back: timedelta) -> None:
        at, started = self._clock.now(), self._clock.monotonic()
        schedule, failure, sentence = self._schedule(source), "", ""
        try:
            window = self._window(source, at, back)
            for part in self._parts(source, window):
                self._read(source, part, at, newest=part.end == window.end)
            schedule.done(started, back)
        except StoppedError:
            return
        except ExporterError as error:
            failure, sentence = error.kind, str(error)
            self._log.error("poll failed", source=source.name, kind=failure, error=sentence)
        except Exception as error:  # noqa: BLE001 - a defect must not end the thread unseen
            failure, sentence = "internal", f"unexpected {type(error).__name__}: {error}"
            self._log.exception("poll failed", source=source.name, kind=failure)
        if failure:
            schedule.failed(started, sentence)
        before = self.attempts.get(source.name)
        good = at if not failure else (before.last_good if before else None)
        notes = (*source.notes(), *(schedule.notes() if not failure else ()))
        self.attempts[source.name] = Attempt(at, good, sentence, notes)
        seconds = self._clock.monotonic() - started
        self._observer.poll_finished(self.account, source.name, seconds, failure)

    def _window(self, source: Source, at: datetime, back: timedelta) -> Window:
        """Return the trailing window; it always reaches back to where the last read ended."""
        now = floor_to(source.align, at)
        end = now + source.align if source.reads_open else now
        known = self._ledger.progress(self.account, source.name)
        if known.watermark is None:
            return Window(now - min(cadence.back for cadence in source.cadences), end)
        read_to = floor_to(source.align, known.watermark)
        start = min(now - back, read_to)
        if known.history_start and start < known.history_start:
            start = min(known.history_start, read_to)
        return Window(start, end)

    def _read(
        self, source: Source, window: Window, at: datetime, *, newest: bool, history: bool = False
    ) -> bool:
        """Read a window and store what was read; False when that was no time at all."""
        if source.history_chunk is not None:
            self.identify()
        records = list(source.fetch(window, history=history))
        self._rows_per_hour[source.name] = len(records) / ((window.end - window.start) / HOUR)
        if names := Names.among(records):
            self._ledger.name(self.account, names, at)
        for limits in (record for record in records if isinstance(record, LimitsRecord)):
            self._ledger.limits.replace(self.account, limits, at)
        read = next((record for record in records if isinstance(record, Window)), window)
        if source.history_chunk is None or read.start >= read.end:
            return False
        until = self._catching_up(source, at) if newest else None
        what = (self.account, source.name, read, at)
        if days := [record for record in records if isinstance(record, CodingDay)]:
            written = self._ledger.coding.upsert(CodingBatch(
                *what, days, is_history=not newest, catching_up_until=until
            ))  # fmt: skip
        elif source.query_sets:
            bill = [record for record in records if isinstance(record, BillRecord)]
            changes = self._ledger.bill(BillBatch(
                *what, bill, source.query_sets, is_history=not newest, catching_up_until=until
            ))  # fmt: skip
            written = changes.written
            self._schedule(source).silent(read, changes.silent)
            self._billed(self.account, (*changes.newly_billed, *changes.restated), at)
        else:
            written = self._ledger.upsert(Batch(
                *what, self._priced(records), is_history=not newest, catching_up_until=until
            )).written  # fmt: skip
        self._observer.rows_upserted(self.account, source.name, written)
        return True

    def _priced(self, records: Iterable[Record]) -> list[PricedUsage]:
        account, rates = self.account, self._prices.rates
        usage = (record for record in records if isinstance(record, UsageRecord))
        return [PricedUsage(record, rates(account, record)) for record in usage]

    def stale_after(self, source: Source) -> timedelta:
        """Return the time between good polls from which on a source counts as catching up."""
        often = min(cadence.every for cadence in source.cadences)
        return max(SHORTEST_STALE, 3 * max(self._poll_interval, often))

    def _parts(self, source: Source, window: Window) -> Iterator[Window]:
        """Cut a long window, oldest part first: each is kept once it was read completely."""
        start = window.start
        while start < window.end:
            end = min(start + self._chunk(source), window.end)
            yield Window(start, end)
            start = end

    def _chunk(self, source: Source) -> timedelta:
        """Return how much to read at a time, so that a large organisation fits into memory."""
        rows_per_hour = self._rows_per_hour.get(source.name, ROWS_OF_A_CHUNK)
        steps = ROWS_OF_A_CHUNK / max(rows_per_hour, 1.0) * HOUR // source.align
        return min(max(SHORTEST_CHUNK, source.align * steps), source.history_chunk or DAY)

    def _catching_up(self, source: Source, at: datetime) -> datetime | None:
        """Return until when increase() holds the spend of a gap that ends now, if one does."""
        last = self._ledger.progress(self.account, source.name).last_success
        if last is None or at - last <= self.stale_after(source):
            return None
        self._log.warning("catching up", source=source.name, since=f"{last:%Y-%m-%dT%H:%M:%SZ}")
        return at + CATCH_UP

    def load_history(self) -> bool:
        """Load the next older chunk of each source; False when there is none, or all failed."""
        loaded = [self._load_chunk(source) for source in self.sources if source.history_chunk]
        return any(loaded)  # the next rendering shows it; one for each chunk would cost more

    def _load_chunk(self, source: Source) -> bool:
        trouble = self._schedule(source).trouble
        latest = self.attempts.get(source.name)
        if latest and latest.error:
            return False  # what cannot be polled cannot be loaded
        try:
            ahead = self._ahead(source)
            loaded = ahead is not None and self._read(
                source, self._chunk_of(source, ahead), self._clock.now(), newest=False, history=True
            )
            if loaded and self._ahead(source) is None:
                self._log.info("history loaded", source=source.name, loaded="100%")
        except StoppedError:
            return False
        except Exception as error:  # noqa: BLE001 - a defect must not end the thread unseen
            trouble[HISTORY_WAITS] = str(error)
            self._log.warning("history waits", source=source.name, error=str(error),
                              exc_info=not isinstance(error, ExporterError))  # fmt: skip
            return False
        trouble.pop(HISTORY_WAITS, None)
        return loaded

    def _ahead(self, source: Source) -> Window | None:
        """Return the stretch of history that is still to be read, None when it is complete."""
        known = self._ledger.progress(self.account, source.name)
        if known.history_start is None:
            return None
        oldest = floor_to(source.align, self._clock.now() - self._history)
        wanted = source.history_from(oldest)
        if known.history_target is None or wanted < known.history_target:
            self._ledger.aim_history(self.account, source.name, wanted)
        target = source.history_from(min(known.history_target or wanted, wanted))
        return Window(target, known.history_start) if known.history_start > target else None

    def _chunk_of(self, source: Source, ahead: Window) -> Window:
        """Return the newest stretch of `ahead`, to be read at once, and say how far that is."""
        start = max(ahead.start, ahead.end - self._chunk(source))
        left, whole = ahead.end - ahead.start, self._clock.now() - ahead.start
        self._log.info(
            "loading history",
            source=source.name,
            back_to=f"{start:%Y-%m-%dT%H:%MZ}",
            days_left=round(left / DAY, 1),
            loaded=f"{100 * (whole - left) // whole}%",
        )
        return Window(start, ahead.end)
