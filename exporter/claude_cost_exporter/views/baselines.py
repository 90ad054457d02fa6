"""What a scope is expected to spend today, hour by hour: pure maths on hourly sums (floor 3).

A `Track` follows one scope from UTC midnight to UTC midnight. What it expects of a day is fitted on
the days before it, so that no hour is ever part of its own baseline.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from math import log, sqrt
from operator import truediv
from statistics import median
from typing import TYPE_CHECKING

from claude_cost_exporter.usual import Baseline, Expectation
from claude_cost_exporter.views.forecasting import (
    LEVEL_DAYS,
    WEEK,
    backwards,
    ewma_level,
    weekday_profile,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HOURS = 24
SATURDAY = 5
SHAPE_DAYS = 28
RESIDUAL_DAYS = 42
WEEKLY_CHANGES = 8
MAD_TO_SIGMA = 1.4826


def hour_scale(expected: float, level: float) -> float:
    """Return one unit of an hour's spread.

    Variance grows with what is expected: a quiet night is not given the noise of noon.
    """
    mean_hour = level / HOURS
    return sqrt(max(expected, 0.1 * mean_hour) * mean_hour)


class Track:
    """One scope's complete days, each judged by what the days before it made one expect."""

    def __init__(self, weekday: int, days: Iterable[Sequence[float]] = ()) -> None:
        """Begin on a weekday (Monday is 0), after days that are known but were not judged."""
        self._totals: deque[float] = deque(maxlen=LEVEL_DAYS)  # newest first
        self._shapes: deque[tuple[bool, Sequence[float]]] = deque(maxlen=SHAPE_DAYS)
        self._days: deque[float] = deque(maxlen=RESIDUAL_DAYS)
        self._hours: deque[list[float]] = deque(maxlen=RESIDUAL_DAYS)
        known = list(days)
        self._weekday = (weekday - len(known)) % WEEK
        for day in known:
            self._add(day)
        self._yesterday: Expectation | None = None
        self._today = self._expect()

    def close(self, hours: Sequence[float]) -> None:
        """Add a complete day."""
        today = self._today
        if today is not None and today.level > 0:
            self._days.append((sum(hours) - today.total) / sqrt(today.total * today.level))
            self._hours.append(_residuals(hours, today))
        self._add(hours)
        self._yesterday, self._today = today, self._expect()

    def _add(self, hours: Sequence[float]) -> None:
        self._totals.appendleft(sum(hours))
        self._shapes.append((self._weekday >= SATURDAY, hours))
        self._weekday = (self._weekday + 1) % WEEK

    def _expect(self) -> Expectation | None:
        newest = list(self._totals)
        if len(newest) < WEEK:
            return None
        profile = weekday_profile(newest)
        level = ewma_level(_winsorised(newest, profile), profile)
        total = level * profile[0]
        shares = _shares(self._shapes, weekend=self._weekday >= SATURDAY)
        return Expectation(level, [total * share for share in shares], total)

    def baseline(self) -> Baseline | None:
        """Return what the day that now begins is judged by; None before seven complete days."""
        if self._today is None:
            return None
        newest = list(self._totals)
        return Baseline(
            self._yesterday or self._today,
            self._today,
            _spread_of_days(self._days),
            _spread_of_hours(self._hours),
            _usual_week(newest),
            _week_sigma(newest),
        )


def track(hours: Sequence[float], weekday: int) -> Track:
    """Follow complete days of hours, the last of which was the day before this weekday."""
    end = len(hours)
    days = range(max(end - (RESIDUAL_DAYS + LEVEL_DAYS) * HOURS, 0), end, HOURS)
    whole = [hours[start : start + HOURS] for start in days]
    judged = min(max(len(whole) - WEEK, 0), RESIDUAL_DAYS)
    split = len(whole) - judged
    followed = Track((weekday - judged) % WEEK, whole[:split])
    for day in whole[split:]:
        followed.close(day)
    return followed


def baseline(hours: Sequence[float], weekday: int) -> Baseline | None:
    """Return what a day of this weekday is judged by, after complete days of hours."""
    return track(hours, weekday).baseline()


def _winsorised(newest: Sequence[float], profile: Sequence[float]) -> list[float]:
    """Cap days at what is usual for their weekday, so that an anomaly moves the level little."""
    weights = [max(index, 0.15) for index in profile]
    recent = list(map(truediv, newest[:SHAPE_DAYS], backwards(weights, len(newest))))
    middle = median(recent)
    deviation = MAD_TO_SIGMA * median([abs(value - middle) for value in recent])
    usual = middle + 3 * max(deviation, 0.1 * middle)
    return list(map(min, newest, backwards([usual * weight for weight in weights], len(newest))))


def _shares(days: Iterable[tuple[bool, Sequence[float]]], *, weekend: bool) -> list[float]:
    """Return each hour's share of a workday or a weekend day, smoothed."""
    alike: list[Sequence[float]] = []
    others: list[Sequence[float]] = []
    for kind, hours in days:
        (alike if kind == weekend else others).append(hours)
    own, rest = _columns(alike), _columns(others)
    if not (total := (own_total := sum(own)) + sum(rest)):
        return [1 / HOURS] * HOURS
    count = len(alike) if own_total else 0
    # As if four more days had the shape of all days together.
    of_own, of_all = count / (count + 4) / (own_total or 1), 4 / (count + 4) / total
    raw = [of_own * a + of_all * (a + b) for a, b in zip(own, rest, strict=True)]
    around = zip(raw[-1:] + raw[:-1], raw, raw[1:] + raw[:1], strict=True)
    return [before / 4 + here / 2 + after / 4 for before, here, after in around]


def _columns(days: Sequence[Sequence[float]]) -> list[float]:
    return list(map(sum, zip(*days, strict=True))) or [0.0] * HOURS


def _residuals(hours: Sequence[float], today: Expectation) -> list[float]:
    mean_hour = today.level / HOURS
    least = 0.1 * mean_hour
    return [
        (spend - expected) / sqrt(max(expected, least) * mean_hour)
        for spend, expected in zip(hours, today.hours, strict=True)
    ]


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def _spread_of_days(residuals: Iterable[float]) -> float:
    ordered = sorted(residuals)
    top = _quantile(ordered, 0.97) if ordered else 0.0
    squares = sum(min(max(value, -3.0), top) ** 2 for value in ordered)
    return sqrt(max(0.01, (squares + 7 * 0.16) / (len(ordered) + 7)))


def _spread_of_hours(residuals: Iterable[Sequence[float]]) -> float:
    ordered = sorted(value for day in residuals for value in day)
    if not ordered:
        return 1.0
    top = _quantile(ordered, 0.995)
    return sqrt(sum(min(value, top) ** 2 for value in ordered) / len(ordered))


def _usual_week(newest: Sequence[float]) -> float:
    """Return the median of the 7-day sums that ended in the last four weeks."""
    ends = range(min(len(newest) - WEEK, 28) + 1)
    return median([sum(newest[end : end + WEEK]) for end in ends])


def _week_sigma(newest: Sequence[float]) -> float:
    """Return by how much weeks differ, as a deviation of logarithms."""
    starts = range(0, len(newest) - WEEK + 1, WEEK)
    weeks = [sum(newest[start : start + WEEK]) for start in starts][: WEEKLY_CHANGES + 1]
    logs = [log(week) for week in weeks if week > 0]
    changes = [abs(a - b) for a, b in pairwise(logs)]
    count = len(changes)
    usual = MAD_TO_SIGMA * median(changes) if changes else 0.0
    return 1.2 * sqrt((count * usual**2 + 3 * 0.04) / (count + 3))
