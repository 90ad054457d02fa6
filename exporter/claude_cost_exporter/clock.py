"""The only place where time is read (floor 0, imports nothing of ours)."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from threading import Event

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Clock(Protocol):
    """Wall time for data, monotonic time for waiting."""

    def now(self) -> datetime:
        """Return the wall time, aware and in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        ...

    def wait(self, seconds: float, stop: Event) -> bool:
        """Wait until `seconds` have passed or `stop` is set; True when it was set."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the wall time, aware and in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        return time.monotonic()

    def wait(self, seconds: float, stop: Event) -> bool:
        """Wait until `seconds` have passed or `stop` is set; True when it was set."""
        return stop.wait(max(0.0, seconds))


class ManualClock:
    """A clock that moves only when told to: simulations and tests run at full speed."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)
        self._monotonic = 0.0

    def now(self) -> datetime:
        """Return the wall time, aware and in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Return the simulated seconds that have been waited or advanced."""
        return self._monotonic

    def advance(self, step: timedelta) -> None:
        """Move wall and monotonic time forward together."""
        self._now += step
        self._monotonic += step.total_seconds()

    def step_wall(self, step: timedelta) -> None:
        """Step the wall clock only, as NTP or a person would."""
        self._now += step

    def wait(self, seconds: float, stop: Event) -> bool:
        """Advance by `seconds` at once; True when `stop` is set."""
        if not stop.is_set():
            self.advance(timedelta(seconds=max(0.0, seconds)))
        return stop.is_set()


def floor_to(step: timedelta, moment: datetime) -> datetime:
    """Return the start of the UTC hour or UTC day (`step`) that holds `moment`."""
    hour = floor_hour(moment)
    return hour.replace(hour=0) if step == DAY else hour


@lru_cache(maxsize=8)  # views ask for the same hours again and again until the next one
def hours_until(end: datetime, count: int) -> tuple[datetime, ...]:
    """Return the beginnings of the last `count` hours before `end`, oldest first."""
    return tuple(end - HOUR * back for back in range(count, 0, -1))


def floor_hour(moment: datetime) -> datetime:
    """Return the start of the UTC hour that holds `moment`."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
