"""One serial request limiter for each organisation (floor 2)."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Event

    from claude_cost_exporter.clock import Clock

WINDOW_SECONDS = 600.0
REQUESTS_PER_WINDOW = 60
HISTORY_SPACING_SECONDS = 1.0
ROUNDING_SECONDS = 0.001
"""A clock may wake a little early; asked again then, it could do so for ever."""


class Limiter:
    """At most 60 requests in 10 minutes, one at a time; history is spaced instead.

    The report endpoints share one limit for the whole organisation, and parallel readers starve
    each other.
    """

    def __init__(
        self,
        clock: Clock,
        stop: Event,
        *,
        most: int = REQUESTS_PER_WINDOW,
        history_spacing: float = HISTORY_SPACING_SECONDS,
    ) -> None:
        self._clock, self._stop = clock, stop
        self._most, self._history_spacing = most, history_spacing
        self._lock = Lock()
        self._recent: deque[float] = deque()
        self._last_history = float("-inf")

    @contextmanager
    def request(self, *, history: bool) -> Iterator[None]:
        """Wait for a place, then hold it while the request runs."""
        with self._lock:
            if history:
                self._wait_until(self._last_history + self._history_spacing)
                self._last_history = self._clock.monotonic()
            else:
                self._forget()
                while len(self._recent) >= self._most and not self._stop.is_set():
                    self._wait_until(self._recent[0] + WINDOW_SECONDS)
                    self._forget()
                self._recent.append(self._clock.monotonic())
            yield

    def per_minute(self) -> float:
        """Return the requests a minute of the last ten minutes, history left out.

        Other threads ask this while a request waits, so nothing is changed here.
        """
        oldest = self._clock.monotonic() - WINDOW_SECONDS
        return sum(moment > oldest for moment in self._recent.copy()) / (WINDOW_SECONDS / 60)

    def _wait_until(self, moment: float) -> None:
        seconds = moment - self._clock.monotonic()
        if seconds > 0:
            self._clock.wait(seconds + ROUNDING_SECONDS, self._stop)

    def _forget(self) -> None:
        oldest = self._clock.monotonic() - WINDOW_SECONDS
        while self._recent and self._recent[0] <= oldest:
            self._recent.popleft()
