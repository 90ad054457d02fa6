"""Local days with their true lengths, the periods they make, and working days (floor 0).

Moments are aware; what is returned of them is exact, so that parts of a period add up to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from fractions import Fraction
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from claude_cost_exporter.clock import DAY

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEK: tuple[Weekday, ...] = get_args(Weekday)
PeriodName = Literal["day", "week", "month"]
ALL_WEEKDAYS = frozenset(range(len(WEEK)))


class Stretch(NamedTuple):
    """Time from `start` up to, not including, `end`, both in UTC."""

    start: datetime
    end: datetime


class DayPoint(NamedTuple):
    """A moment, as the local day it is in and the share of that day that is over."""

    day: date
    share: Fraction


@lru_cache(maxsize=1024)  # every view asks for the same days
def midnight(day: date, zone: tzinfo) -> datetime:
    """Return the first moment of a local day in UTC, where differences are true durations."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def locate(moment: datetime, zone: tzinfo) -> DayPoint:
    """Return where a moment is in its local day, be that 23, 24 or 25 hours long.

    >>> locate(datetime(2026, 11, 25, 6, tzinfo=UTC), UTC)
    DayPoint(day=datetime.date(2026, 11, 25), share=Fraction(1, 4))
    """
    day = moment.astimezone(zone).date()
    start, end = midnight(day, zone), midnight(day + DAY, zone)
    tick = timedelta.resolution
    gone, length = (moment.astimezone(UTC) - start) // tick, (end - start) // tick
    return DayPoint(day, Fraction(gone, length))


def period_around(name: PeriodName, day: date, week_start: int = 0) -> tuple[date, date]:
    """Return the first day of the day, week or month that holds `day`, and the day after it."""
    if name == "day":
        return day, day + DAY
    if name == "week":
        first = day - (day.weekday() - week_start) % 7 * DAY
        return first, first + 7 * DAY
    first = day.replace(day=1)
    return first, next_month(first)


def next_month(day: date) -> date:
    """Return the first day of the month after that of `day`."""
    return (day.replace(day=28) + 4 * DAY).replace(day=1)


def stretch(first: date, end: date, zone: tzinfo) -> Stretch:
    """Return the time of the local days from `first` up to, not including, `end`."""
    return Stretch(midnight(first, zone), midnight(end, zone))


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """Which local days count; without an argument all of them do."""

    zone: tzinfo = UTC
    weekdays: frozenset[int] = ALL_WEEKDAYS
    """Monday is 0."""
    holidays: frozenset[date] = frozenset()

    def holds(self, day: date) -> bool:
        """Return whether a day counts."""
        return day.weekday() in self.weekdays and day not in self.holidays

    def between(self, start: datetime, end: datetime) -> Fraction:
        """Return how many working days there are from one moment to another, in parts of days."""
        first, last = locate(start, self.zone), locate(end, self.zone)
        whole = sum(self.holds(first.day + n * DAY) for n in range((last.day - first.day).days))
        return whole + last.share * self.holds(last.day) - first.share * self.holds(first.day)
