"""When a source is read again, and how far back (floor 2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from claude_cost_exporter.records import Window
    from claude_cost_exporter.sources.base import Cadence

RETRY = timedelta(minutes=5)
"""How long a rarer read waits after a failure; each poll's own read does not wait."""
EMPTY_BILL = "the bill is empty for days with usage"


def next_beat(last: float, interval: float, now: float) -> float:
    """Return when to poll next: the first whole interval after `last` that is still ahead.

    >>> next_beat(100, 60, 101), next_beat(100, 60, 250)
    (160.0, 280.0)
    """
    return last + (max(0.0, now - last) // interval + 1) * interval


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a source did last, in this process."""

    at: datetime
    last_good: datetime | None
    error: str = ""
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Schedule:
    """When each cadence of a source is due next, in monotonic seconds."""

    cadences: Sequence[Cadence]
    trouble: dict[str, str] = field(default_factory=dict)
    """What could not be read, and why; the notes of the next attempt show it."""
    _silent: set[date] = field(default_factory=set)
    _due: dict[timedelta, float] = field(default_factory=dict)

    def back(self, now: float) -> timedelta | None:
        """Return how far back to read now, or None when nothing is due."""
        return max((cadence.back for cadence in self._waiting(now)), default=None)

    def done(self, now: float, back: timedelta) -> None:
        """Start the waiting time anew of every cadence that `back` has served."""
        for cadence in self.cadences:
            if cadence.back <= back:
                self._due[cadence.every] = now + cadence.every.total_seconds()
                self.trouble.pop(_name(cadence), None)

    def failed(self, now: float, why: str) -> None:
        """Let the rarer reads wait: one bad old bucket must not keep today's from being read."""
        for cadence in self._waiting(now):
            if cadence.every:
                self._due[cadence.every] = now + RETRY.total_seconds()
                self.trouble[_name(cadence)] = why

    def silent(self, read: Window, days: Iterable[date]) -> None:
        """Remember the days with usage for which the bill that was read has no line."""
        first, end = read.start.date(), read.end.date()
        self._silent = {day for day in self._silent if not first <= day < end} | set(days)
        self.trouble.pop(EMPTY_BILL, None)
        if self._silent:
            self.trouble[EMPTY_BILL] = (
                f"{len(self._silent)} from {min(self._silent)} to {max(self._silent)}, "
                "whose spend stays as it was"
            )

    def notes(self) -> tuple[str, ...]:
        """Say what waits to be read again."""
        return tuple(f"{what}: {why}" for what, why in self.trouble.items())

    def _waiting(self, now: float) -> list[Cadence]:
        return [c for c in self.cadences if now >= self._due.get(c.every, 0.0)]


def _name(cadence: Cadence) -> str:
    hours = cadence.back / timedelta(hours=1)
    return f"the last {hours:.0f} h could not be read again"
