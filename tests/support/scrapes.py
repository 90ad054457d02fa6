"""An exporter that is polled, stopped and scraped for simulated days, at full speed.

The program is the real one up to the publication: its poll loop, its retries, its limiter, its
history load, its ledger on a file, its views and its renderer. Only these are played: time (every
wait ends at once, and on its way rings the bells that are due), the socket to the API, and the
socket of the scrape. And the ledger does not wait for the disk: nobody pulls a plug here.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from sqlalchemy import event

from claude_cost_exporter.cli.serve import RENDER_SECONDS
from claude_cost_exporter.clock import ManualClock
from claude_cost_exporter.ledger.recent import Sums
from claude_cost_exporter.metrics.exposition import Renderer
from claude_cost_exporter.metrics.publisher import Publication
from claude_cost_exporter.views.counters import counters
from tests.support.simulated import Simulated

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from threading import Event

    from claude_cost_exporter.cli.wiring import Exporter

FAMILY = "llm_cost_usd_total"
SCRAPE = timedelta(seconds=60)
RENDER = timedelta(seconds=RENDER_SECONDS)


class RingingClock(ManualClock):
    """A clock that rings bells on its way, and stops waiting when the waiter is told to stop."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self._bells: list[tuple[datetime, int, timedelta | None, Callable[[], None]]] = []
        self._numbers = count()

    def at(self, moment: datetime, ring: Callable[[], None], every: timedelta | None = None):
        """Ring once at a moment, or from then on again and again."""
        heapq.heappush(self._bells, (moment, next(self._numbers), every, ring))

    def advance(self, step: timedelta) -> None:
        self._move(self.now() + step, lambda: False)

    def wait(self, seconds: float, stop: Event) -> bool:
        self._move(self.now() + timedelta(seconds=max(0.0, seconds)), stop.is_set)
        return stop.is_set()

    def _move(self, end: datetime, stopped: Callable[[], bool]) -> None:
        while not stopped() and self._bells and self._bells[0][0] <= end:
            moment, _, every, ring = heapq.heappop(self._bells)
            super().advance(moment - self.now())
            if every:
                self.at(moment + every, ring, every)
            ring()
        if not stopped():
            super().advance(end - self.now())


class QuickPublisher:
    """Publishes one counter family instead of everything: same ledger, view and renderer."""

    def __init__(self, exporter: Exporter) -> None:
        self._ledger, self._clock = exporter.ledger, exporter.clock
        self._ledger._lately.sums = lambda *_: Sums({}, {}, {}, {})  # gauges are not looked at
        self._ledger._lately.forget = self._was_written
        self._unseen = True
        self._renderer = Renderer(CollectorRegistry())
        self.current: Publication | None = None

    def _was_written(self) -> None:
        self._unseen = True

    def publish(self) -> None:
        now, self._unseen = self._clock.now(), False
        snapshot = self._ledger.snapshot(now)
        wanted = (sample for sample in counters(snapshot, now) if sample.metric == FAMILY)
        self.current = Publication(self._renderer.render(wanted), b"", ready=True)

    def idle(self) -> bool:
        """Return whether rendering can change nothing: nothing was written, no hold runs."""
        return not self._unseen and not self._ledger._counters._waiting


def _trust_the_disk(connection, _record) -> None:
    connection.execute("PRAGMA synchronous=OFF")


@dataclass(frozen=True, slots=True)
class Stop:
    """The exporter ends at `after` and is away for a while; `harm` is done to its ledger."""

    after: timedelta
    away: timedelta
    harm: Callable[[Path], object] | None = None


@dataclass(frozen=True, slots=True)
class Life:
    """One process of the exporter, from its start to its stop."""

    counting_since: datetime
    """The first good poll that its ledger knows of."""
    last_poll: datetime
    """The last good poll before the stop."""


class ScrapedRun:
    """A simulated organisation, an exporter that may be stopped, and what its scrapers saw."""

    def __init__(
        self,
        folder: Path,
        scenario: object,
        *,
        start: datetime,
        first_poll: timedelta,
        first_scrape: timedelta,
        sink: Callable[[str], object],
        label: str = "",
        whole: bool = False,
    ) -> None:
        """`whole`: render everything at every occasion, as `serve` does."""
        self.start, self._sink, self._label, self._whole = start, sink, label, whole
        self.clock = RingingClock(start + first_poll)
        self.simulated = Simulated(
            folder,
            scenario,
            start=start,
            clock=self.clock,
            rendered=True,
            history="7d",
            scrape="60s",
        )
        self._prepare()
        self._exposed: tuple[object, list[str]] = (None, [])
        self.lives: list[Life] = []
        self.clock.at(start + first_poll + RENDER, self._render, RENDER)
        phase = first_scrape - first_poll
        self.clock.at(self.clock.now() + phase % SCRAPE, self._scrape, SCRAPE)

    @property
    def exporter(self) -> Exporter:
        return self.simulated.exporter

    def run(self, end: timedelta, stops: tuple[Stop, ...] = ()) -> None:
        """Let the exporter run until `end`, with its stops on the way."""
        for stop in stops:
            self._serve_until(self.start + stop.after)
            self._replace(stop)
        self._serve_until(self.start + end)

    def _prepare(self) -> None:
        self._up = True
        engine = self.exporter.ledger._engine
        event.listen(engine, "connect", _trust_the_disk)
        engine.dispose()  # connections made before the listener
        if not self._whole:
            self.exporter.publisher = QuickPublisher(self.exporter)

    def _serve_until(self, moment: datetime) -> None:
        """Do what `serve` does, until somebody stops it."""
        self.clock.at(moment, self.exporter.stop.set)
        self.exporter.publisher.publish()
        self.simulated.poller.run(self.exporter.stop)
        (account,) = self.simulated.snapshot().accounts
        last_poll = self.exporter.ledger.progress("sim", "usage").last_success
        self.lives.append(Life(account.counting_since, last_poll))
        self._up = False
        self.exporter.close()

    def _replace(self, stop: Stop) -> None:
        if stop.harm:
            stop.harm(self.simulated.folder / "ledger.db")
        self.clock.advance(stop.away)
        self.simulated.open()
        self._prepare()

    def _render(self) -> None:
        publisher = self.exporter.publisher
        if self._up and not (isinstance(publisher, QuickPublisher) and publisher.idle()):
            publisher.publish()

    def _scrape(self) -> None:
        current = self.exporter.publisher.current if self._up else None
        if current is None:
            return
        if self._exposed[0] is not current:
            self._exposed = (current, self._lines(current))
        timestamp = f" {self.clock.now().timestamp():.3f}\n"
        self._sink("".join(line + timestamp for line in self._exposed[1]))

    def _lines(self, publication: Publication) -> list[str]:
        text = publication.exposition.text.plain.decode()
        lines = [line for line in text.splitlines() if line.startswith(FAMILY + "{")]
        return [line.replace("{", "{" + self._label, 1) for line in lines]
