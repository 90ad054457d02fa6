"""How far a budget is, and when it will be spent: formulas, no samples (floor 3).

Money is nano-USD throughout. What the days of a budget are, its working days say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.calendars import (
    Stretch,
    WorkingDays,
    locate,
    period_around,
    stretch,
)
from claude_cost_exporter.clock import DAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date, datetime, tzinfo
    from fractions import Fraction

    from claude_cost_exporter.plans import Budget


@dataclass(frozen=True, slots=True)
class Progress:
    """A budget at one moment of its period."""

    limit: int
    spent: int
    days: Fraction
    """Working days of the whole period."""
    days_gone: Fraction

    @property
    def used_ratio(self) -> float:
        """Return the share of the limit that is spent."""
        return self.spent / self.limit

    @property
    def elapsed_ratio(self) -> float:
        """Return the share of the period's working days that is over."""
        return float(self.days_gone / self.days)

    @property
    def pace_ratio(self) -> float | None:
        """Return how many times as fast as planned it is spent; None before the first moment."""
        return self.used_ratio / self.elapsed_ratio if self.days_gone else None

    @property
    def daily_allowance(self) -> float:
        """Return what each working day may cost: the limit, divided evenly."""
        return float(self.limit / self.days)


def current_period(budget: Budget, now: datetime, zone: tzinfo, week_start: int = 0) -> Stretch:
    """Return the period of a budget that runs now."""
    return stretch(*period_around(budget.period, locate(now, zone).day, week_start), zone)


def days_that_count(days: WorkingDays, period: Stretch, zone: tzinfo) -> WorkingDays:
    """Return the days that make a budget's pace: all of its period where no whole one is working.

    `zone` is the period's: where working days have another one, few hours of one may be in it.
    """
    return days if days.between(*period) >= 1 else WorkingDays(zone)


def progress(limit: int, spent: int, days: WorkingDays, period: Stretch, now: datetime) -> Progress:
    """Return how far a budget is, by the days that count."""
    return Progress(limit, spent, days.between(*period), days.between(period.start, now))


class Spending(NamedTuple):
    """What was or will be spent in a stretch of time, evenly."""

    span: Stretch
    amount: float


def course(
    period: Stretch,
    spent: Mapping[date, float],
    to_come: Mapping[date, float],
    now: datetime,
    zone: tzinfo,
) -> Iterator[Spending]:
    """Yield a period's spending in order: what was spent by day, then what is to come by day.

    Today is in both: with what was spent until now, and with what is expected of its rest. So are
    days before it that were not read to their end, as one.
    """
    today = locate(now, zone).day
    day, end = (locate(moment, zone).day for moment in period)
    while day < end:
        whole = stretch(day, day + DAY, zone)
        if day < today:
            yield Spending(whole, spent.get(day, 0) + to_come.get(day, 0))
        elif day > today:
            yield Spending(whole, to_come.get(day, 0))
        else:
            yield Spending(Stretch(whole.start, now), spent.get(day, 0))
            yield Spending(Stretch(now, whole.end), to_come.get(day, 0))
        day += DAY


def exhaustion(limit: float, spending: Iterable[Spending]) -> datetime | None:
    """Return when the sum of spending reaches a limit, None when it does not.

    The day is the first one at whose end the limit is reached; the hour assumes an even day.
    """
    total = 0.0
    for span, amount in spending:
        if amount > 0 and total + amount >= limit:
            share = max(0.0, (limit - total) / amount)
            reached = span.start + share * (span.end - span.start)
            return max(span.start, min(reached, span.end - timedelta.resolution))
        total += amount
    return None
