"""From ledger to exposition: the one place where a new rendering is made (floor 4)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

import structlog

from claude_cost_exporter.assemble import Fits, assemble
from claude_cost_exporter.errors import LedgerError
from claude_cost_exporter.metrics.exposition import Renderer
from claude_cost_exporter.views import view_all
from claude_cost_exporter.views.scopes import unknown_scopes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.ingest import AccountPoller
    from claude_cost_exporter.ledger.base import Ledger
    from claude_cost_exporter.metrics.exposition import Exposition
    from claude_cost_exporter.metrics.self_metrics import SelfMetrics
    from claude_cost_exporter.plans import Plans
    from claude_cost_exporter.pricing.history import PriceHistory
    from claude_cost_exporter.samples import Sample
    from claude_cost_exporter.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Publication:
    """What requests are answered with; swapped as a whole, never half."""

    exposition: Exposition
    status_page: bytes
    ready: bool


class Publisher:
    """Renders after every poll attempt, and now and then in between: time moves gauges too."""

    def __init__(  # noqa: PLR0913, PLR0917 - the collaborators of a rendering
        self,
        ledger: Ledger,
        pollers: Sequence[AccountPoller],
        prices: PriceHistory,
        plans: Plans,
        metrics: SelfMetrics,
        clock: Clock,
        status_page: Callable[[Snapshot, Sequence[Sample], datetime], bytes],
    ) -> None:
        self._ledger, self._pollers = ledger, pollers
        self._prices, self._plans = prices, plans
        self._metrics, self._clock, self._status_page = metrics, clock, status_page
        self._renderer = Renderer(metrics.registry)
        self._started = clock.now().replace(microsecond=0)  # the ledger keeps whole seconds
        self._lock = Lock()
        self._last: Snapshot | None = None
        self._fits = Fits()
        self._said: set[str] = set()
        self.current: Publication | None = None

    def publish(self) -> None:
        """Swap a new publication in; when it cannot be made the old one stays, and ages."""
        with self._lock:
            try:
                self.current = self._render(self._clock.now())
            except Exception:  # noqa: BLE001 - a defect must not end the poller that called
                structlog.get_logger().exception("rendering failed")

    def _render(self, now: datetime) -> Publication:
        read = self._read(now)
        snapshot = assemble(read, self._pollers, self._prices, self._plans, self._fits)
        self._metrics.took(snapshot)
        self._warn(unknown_scopes(snapshot))
        samples = list(view_all(snapshot, now))
        return Publication(
            self._renderer.render(samples),
            self._status_page(snapshot, samples, now),
            self._ready(snapshot),
        )

    def _warn(self, sentences: Iterable[str]) -> None:
        """Say each sentence once in the life of the process."""
        for sentence in sentences:
            if sentence not in self._said:
                structlog.get_logger().warning(sentence)
                self._said.add(sentence)

    def _read(self, now: datetime) -> Snapshot:
        """Return the ledger's snapshot, or its last one: sources age and fail without it, too."""
        try:
            self._last = self._ledger.snapshot(now)
        except LedgerError as error:
            structlog.get_logger().error("the ledger cannot be read", error=str(error))
            if self._last is None:
                raise
            self._last = replace(self._last, taken_at=now)
        return self._last

    def _ready(self, snapshot: Snapshot) -> bool:
        """Return whether every source was tried once, or a ledger with data was loaded."""
        began = [each.counting_since for each in snapshot.accounts if each.counting_since]
        loaded = any(since < self._started for since in began)
        return loaded or all(source.last_attempt for source in snapshot.sources)
