"""Whether the spend of an hour, a day, a week is normal: pure maths on hourly sums (floor 3).

A `Track` follows one scope from UTC midnight to UTC midnight. What it expects of a day is fitted on
the days before it, so that no hour is ever part of its own baseline.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from math import exp, log, sqrt
from operator import truediv
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.views.forecasting import (
    LEVEL_DAYS,
    WEEK,
    backwards,
    ewma_level,
    weekday_profile,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

HOURS = 24
SATURDAY = 5
SHAPE_DAYS = 28
RESIDUAL_DAYS = 42
WEEKLY_CHANGES = 8
MAD_TO_SIGMA = 1.4826


class Gate(NamedTuple):
    """What spend must exceed, all three at once, before it is called an anomaly."""

    sigmas: float
    ratio: float
    floor_of_level: float


# An hour's 8 sigmas, and not 5, halve its false alarms and leave a runaway of hours as visible
# as it was: the backtest prints both.
GATES: Mapping[str, Gate] = {
    "1h": Gate(8.0, 3.0, 0.25),
    "24h": Gate(3.0, 1.5, 0.25),
    "7d": Gate(2.5, 1.4, 0.15),
}
FLOOR_USD = 5.0
FLOOR_OF_ORGANISATION = 0.15


class Band(NamedTuple):
    """The spend of a window beside what was expected and what is still normal."""

    spend: float
    expected: float
    upper: float

    @property
    def impact(self) -> float:
        """Return how much more than expected was spent."""
        return self.spend - self.expected


class Expectation(NamedTuple):
    """What one day is expected to cost: in all, by hour, and at the level of an average day."""

    level: float
    hours: Sequence[float]
    total: float


class Baseline(NamedTuple):
    """All that the bands of one day need, fixed at its midnight."""

    yesterday: Expectation
    today: Expectation
    spread_day: float
    spread_hour: float
    week: float
    week_sigma: float
    organisation_level: float = 0.0
    gates: Mapping[str, Gate] = GATES

    def floor(self, window: str) -> float:
        """Return the USD a day that an anomaly must at least be worth."""
        level = self.today.level * self.gates[window].floor_of_level
        return max(FLOOR_USD, level, self.organisation_level * FLOOR_OF_ORGANISATION)

    def hour(self, hour: int, spend: float) -> Band:
        """Return the band of one hour of today; -1 is yesterday's last."""
        day = self.today if hour >= 0 else self.yesterday
        expected = day.hours[hour]
        sigma = self.spread_hour * _hour_scale(expected, self.today.level)
        return self._band("1h", spend, expected, sigma)

    def day(self, hour: int, spend: float) -> Band:
        """Return the band of the 24 hours that end with this hour of today."""
        expected = sum(self.yesterday.hours[hour + 1 :]) + sum(self.today.hours[: hour + 1])
        level = self.today.level
        sigma = self.spread_day * sqrt(max(expected, 0.02 * level) * level)
        return self._band("24h", spend, expected, sigma)

    def week_to(self, spend: float) -> Band:
        """Return the band of the 168 hours that end in the open one."""
        gate, expected = self.gates["7d"], self.week
        by_sigma = expected * exp(gate.sigmas * self.week_sigma)
        by_floor = expected + WEEK * self.floor("7d")
        return Band(spend, expected, max(by_sigma, gate.ratio * expected, by_floor))

    def _band(self, window: str, spend: float, expected: float, sigma: float) -> Band:
        gate = self.gates[window]
        by_sigma = expected + gate.sigmas * sigma
        by_floor = expected + self.floor(window)
        return Band(spend, expected, max(by_sigma, gate.ratio * expected, by_floor))


def _hour_scale(expected: float, level: float) -> float:
    # Variance grows with the expected spend: a quiet night is not given the noise of noon.
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

    def baseline(
        self, organisation_level: float = 0.0, gates: Mapping[str, Gate] = GATES
    ) -> Baseline | None:
        """Return what the day that now begins is judged by; None before seven complete days.

        The level of the organisation is for the scopes within it: what is small beside the whole
        is no anomaly.
        """
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
            organisation_level,
            gates,
        )


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


def bands(
    baseline: Baseline, hours: Sequence[float], today: Sequence[float], open_usd: float
) -> Mapping[str, Band]:
    """Return the band of each window, the open hour included.

    `hours` are complete days, `today` the complete hours of the day under way. The hour's band is
    that of the last complete hour or of the open one, whichever stands out more.
    """
    at, recent = len(today), [*hours[-WEEK * HOURS :], *today, open_usd]
    last, now = baseline.hour(at - 1, recent[-2]), baseline.hour(at, open_usd)
    return {
        "1h": max(last, now, key=lambda band: band.spend / band.upper),
        "24h": baseline.day(at, sum(recent[-HOURS:])),
        "7d": baseline.week_to(sum(recent[-WEEK * HOURS :])),
    }
