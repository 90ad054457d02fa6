"""One account's polling: fetch, price, upsert, and history in between (floor 3).

Orchestration only: what is read is the source's business, what it costs is the price book's,
what it changes is the ledger's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import structlog

from claude_cost_exporter.clock import DAY, HOUR, floor_to
from claude_cost_exporter.errors import ExporterError, LedgerError, SourceError
from claude_cost_exporter.ledger.base import Batch, BillBatch, Names, PricedUsage
from claude_cost_exporter.records import (
    ApiKeyRecord,
    BillRecord,
    OrganizationRecord,
    UsageRecord,
    Window,
    WorkspaceRecord,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date, datetime
    from threading import Event

    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.ledger.base import Ledger
    from claude_cost_exporter.pricing.history import PriceHistory
    from claude_cost_exporter.records import Record
    from claude_cost_exporter.sources.base import Source

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


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a source did last, in this process."""

    at: datetime
    last_good: datetime | None
    error: str = ""
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Schedule:
    """When each cadence of a source is due next, in monotonic seconds."""

    due: dict[timedelta, float] = field(default_factory=dict)

    def back(self, source: Source, now: float) -> timedelta | None:
        """Return how far back to read now, or None when nothing is due."""
        due = [c.back for c in source.cadences if now >= self.due.get(c.every, 0.0)]
        return max(due, default=None)

    def done(self, source: Source, now: float, back: timedelta) -> None:
        """Start the waiting time anew of every cadence that `back` has served."""
        for cadence in source.cadences:
            if cadence.back <= back:
                self.due[cadence.every] = now + cadence.every.total_seconds()


class AccountPoller:
    """Polls the sources of one account in turn, one thread for each account."""

    def __init__(  # noqa: PLR0913 - the collaborators of a poll
        self,
        account: str,
        provider: str,
        sources: Sequence[Source],
        *,
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
        self.sources = sources
        self.attempts: dict[str, Attempt] = {}
        self._ledger, self._prices, self._clock = ledger, prices, clock
        self._observer, self._changed, self._billed = observer, changed, billed
        self._poll_interval, self._history = poll_interval, history
        self._schedules = {source.name: _Schedule() for source in sources}
        self._log = structlog.get_logger().bind(account=account)

    def run(self, stop: Event) -> None:
        """Poll until `stop` is set; load history while the next poll is not due."""
        while not stop.is_set():
            next_poll = self._clock.monotonic() + self._poll_interval.total_seconds()
            self.poll()
            while not stop.is_set() and self._clock.monotonic() < next_poll:
                if not self.load_history():
                    break
            self._clock.wait(next_poll - self._clock.monotonic(), stop)

    def poll(self) -> None:
        """Poll every source that is due; a failure keeps the rows and is remembered."""
        for source in self.sources:
            back = self._schedules[source.name].back(source, self._clock.monotonic())
            if back is not None:
                self._attempt(source, back)
                self._changed()

    def _attempt(self, source: Source, back: timedelta) -> None:
        at, started = self._clock.now(), self._clock.monotonic()
        failure, sentence = "", ""
        try:
            self._read(source, self._window(source, at, back), at)
            self._schedules[source.name].done(source, started, back)
        except ExporterError as error:
            failure, sentence = kind_of(error), str(error)
            self._log.error("poll failed", source=source.name, kind=failure, error=sentence)
        except Exception as error:  # noqa: BLE001 - a defect must not end the thread unseen
            failure, sentence = "internal", f"unexpected {type(error).__name__}: {error}"
            self._log.exception("poll failed", source=source.name, kind=failure)
        before = self.attempts.get(source.name)
        good = at if not failure else (before.last_good if before else None)
        self.attempts[source.name] = Attempt(at, good, sentence, source.notes())
        seconds = self._clock.monotonic() - started
        self._observer.poll_finished(self.account, source.name, seconds, failure)

    def _window(self, source: Source, at: datetime, back: timedelta) -> Window:
        """Return the trailing window; it always reaches back to where the last read ended."""
        now = floor_to(source.align, at)
        end = now if source.align == DAY else now + HOUR
        known = self._ledger.progress(self.account, source.name)
        if known.watermark is None:
            return Window(now - min(cadence.back for cadence in source.cadences), end)
        read_to = floor_to(source.align, known.watermark)
        start = min(now - back, read_to)
        if known.history_start and start < known.history_start:
            start = min(known.history_start, read_to)
        return Window(start, end)

    def _read(self, source: Source, window: Window, at: datetime, *, history: bool = False) -> None:
        records = list(source.fetch(window, history=history))
        if names := _names(records):
            self._ledger.name(self.account, names, at)
        if source.history_chunk is not None:
            until = None if history else self._catching_up(source, at)
            read = (self.account, source.name, window, at)
            if source.query_sets:
                changes = self._ledger.bill(BillBatch(
                    *read,
                    [record for record in records if isinstance(record, BillRecord)],
                    source.query_sets,
                    is_history=history,
                    catching_up_until=until,
                ))  # fmt: skip
                written = changes.written
                self._billed(self.account, changes.newly_billed, at)
            else:
                batch = Batch(*read, self._priced(records), is_history=history,
                              catching_up_until=until)  # fmt: skip
                written = self._ledger.upsert(batch).written
            self._observer.rows_upserted(self.account, source.name, written)

    def _priced(self, records: Iterable[Record]) -> list[PricedUsage]:
        account, rates = self.account, self._prices.rates
        usage = (record for record in records if isinstance(record, UsageRecord))
        return [PricedUsage(record, rates(account, record)) for record in usage]

    def stale_after(self, source: Source) -> timedelta:
        """Return the time between good polls from which on a source counts as catching up."""
        often = min(cadence.every for cadence in source.cadences)
        return max(SHORTEST_STALE, 3 * max(self._poll_interval, often))

    def _catching_up(self, source: Source, at: datetime) -> datetime | None:
        """Return until when increase() holds the spend of a gap that ends now, if one does."""
        last = self._ledger.progress(self.account, source.name).last_success
        if last is None or at - last <= self.stale_after(source):
            return None
        self._log.warning("catching up", source=source.name, since=f"{last:%Y-%m-%dT%H:%M:%SZ}")
        return at + CATCH_UP

    def load_history(self) -> bool:
        """Load the next older chunk of each source; False when there is none, or all failed."""
        loaded = [self._load_chunk(source) for source in self.sources]
        return any(loaded)

    def _load_chunk(self, source: Source) -> bool:
        if source.history_chunk is None:
            return False
        known = self._ledger.progress(self.account, source.name)
        if known.history_start is None:
            return False
        wanted = floor_to(source.align, self._clock.now() - self._history)
        target = known.history_target or wanted
        if known.history_target is None or wanted < target:
            self._ledger.aim_history(self.account, source.name, wanted)
            target = wanted
        if known.history_start <= target:
            return False
        window = Window(
            max(target, known.history_start - source.history_chunk), known.history_start
        )
        try:
            self._read(source, window, self._clock.now(), history=True)
        except ExporterError as error:
            self._log.warning("history waits", source=source.name, error=str(error))
            return False
        left = window.start - target
        self._log.info(
            "history",
            source=source.name,
            loaded_back_to=f"{window.start:%Y-%m-%dT%H:%MZ}",
            days_left=round(left / timedelta(days=1), 1),
        )
        self._changed()
        return True


def kind_of(error: ExporterError) -> str:
    """Return the label of the error metric."""
    if isinstance(error, SourceError):
        return error.kind
    return "ledger" if isinstance(error, LedgerError) else "internal"


def _names(records: Iterable[Record]) -> Names | None:
    organizations = [r for r in records if isinstance(r, OrganizationRecord)]
    if not organizations:
        return None
    return Names(
        organization=organizations[-1],
        workspaces=[r for r in records if isinstance(r, WorkspaceRecord)],
        api_keys=[r for r in records if isinstance(r, ApiKeyRecord)],
    )
