"""Where the spend is heading: pure maths on the spend of complete days (floor 3).

`days` is the metered spend of every complete day, oldest first, yesterday last; `newest` is the
same from yesterday back. A weekday profile is indexed by the distance from today modulo 7, so that
no function needs to know what day it is.

A day can be negative, for bills have refunds; what is to be expected never is.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from math import exp, sqrt
from operator import mul
from statistics import fmean, median
from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.calendars import locate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime, tzinfo

WEEK = 7
HOURS_OF_RUN_RATE = 168
PROFILE_WEEKS = 8
MEDIAN_FROM_WEEKS = 3
HALF_LIFE_DAYS = 7
LEVEL_DAYS = 84
SPREAD_DAYS = 42
FLAT = (1.0,) * WEEK

WEIGHTS: tuple[float, ...] = tuple(0.5 ** (age / HALF_LIFE_DAYS) for age in range(LEVEL_DAYS))

# Complete days of the month at which past forecasts are judged, and how far back they go.
REPLAY_AT = frozenset({0, 1, 3, 5, 7, 10, 14, 17, 21, 24, 28})
REPLAY_DAYS = 400
REPLAY_FROM_DAYS = 7


class Estimates(NamedTuple):
    """What a period will cost: eight times in ten between p10 and p90."""

    p10: float
    p50: float
    p90: float

    def plus(self, fixed_usd: float) -> Estimates:
        """Return the estimates with fees that are certain."""
        return Estimates(*(value + fixed_usd for value in self))


class Moment(NamedTuple):
    """A point of the local calendar: the day, and how much of it is over, from 0 up to 1."""

    today: date
    elapsed: float

    @property
    def month_end(self) -> date:
        """Return the last day of this month."""
        return self.today.replace(day=monthrange(self.today.year, self.today.month)[1])

    @property
    def next_month_days(self) -> int:
        """Return how many days the next month has."""
        first = self.month_end + timedelta(days=1)
        return monthrange(first.year, first.month)[1]

    def days_left(self, last: date) -> float:
        """Return the days until `last` is over; today's rest counts as a part."""
        return (last - self.today).days + 1 - self.elapsed


def moment(now: datetime, zone: tzinfo) -> Moment:
    """Return where `now` stands in the zone's calendar; a day may have 23 or 25 hours."""
    point = locate(now, zone)
    return Moment(point.day, float(point.share))


def run_rate(hours: Sequence[float]) -> float | None:
    """Return USD a day over the last 168 complete hours, or those there are, at least a day."""
    recent = hours[-HOURS_OF_RUN_RATE:]
    return max(0.0, sum(recent)) * 24 / len(recent) if len(recent) >= 24 else None  # noqa: PLR2004


def run_rate_month_end(rate: float, spent: float, at: Moment) -> float:
    """Return the month's spend if every day left costs the run rate."""
    return spent + rate * at.days_left(at.month_end)


def run_rate_next_month(rate: float, at: Moment) -> float:
    """Return the next month's spend if every day costs the run rate."""
    return rate * at.next_month_days


@dataclass(frozen=True, slots=True)
class Fit:
    """A weekday profile (today's index first), a level in USD a day, and how far days stray."""

    profile: Sequence[float]
    level: float
    spread: float
    history_days: int

    def expected(self, days_ahead: int) -> float:
        """Return the spend to expect of a whole day; 0 is today."""
        return self.level * self.profile[days_ahead % WEEK]


def fit(days: Sequence[float]) -> Fit | None:
    """Fit the weekday_ewma method; without one complete day there is nothing to say."""
    if not days:
        return None
    newest = days[: -LEVEL_DAYS - 1 : -1]
    profile = weekday_profile(newest)
    return Fit(profile, ewma_level(newest, profile), _spread(newest, profile), len(days))


def weekday_profile(newest: Sequence[float]) -> Sequence[float]:
    """Return each weekday's index, mean 1, drawn towards 1 while there are few weeks."""
    starts = range(0, min(len(newest) - WEEK + 1, PROFILE_WEEKS * WEEK), WEEK)
    weeks = [newest[start : start + WEEK] for start in starts]
    # A week without any spend says nothing about weekdays.
    ratios = [[day / total for day in week] for week in weeks if (total := sum(week)) > 0]
    middle = median if len(ratios) >= MEDIAN_FROM_WEEKS else fmean
    typical = [max(0.0, middle(column)) for column in zip(*ratios, strict=True)]
    if not (mean := sum(typical) / WEEK):
        return FLAT
    trust = len(ratios) / (len(ratios) + 2)
    return [trust * index / mean + 1 - trust for index in reversed(typical)]


def ewma_level(newest: Sequence[float], profile: Sequence[float]) -> float:
    """Return the deseasonalised daily spend, of which a week-old day counts half."""
    indices = backwards(profile, min(len(newest), LEVEL_DAYS))
    spend: float = sum(map(mul, WEIGHTS, newest))
    weight: float = sum(map(mul, WEIGHTS, indices))
    return max(0.0, spend) / weight


def backwards(profile: Sequence[float], count: int) -> list[float]:
    """Return the index of each of the last `count` days, from yesterday back."""
    return [*reversed(profile)] * (count // WEEK) + [*reversed(profile)][: count % WEEK]


def _spread(newest: Sequence[float], profile: Sequence[float]) -> float:
    """Return how far a day strays from its own week, relative to the level."""
    recent = newest[:SPREAD_DAYS]
    indices = backwards(profile, len(recent))
    if (level := sum(recent) / sum(indices)) <= 0:
        return 0.05
    strays = []
    for at, (day, index) in enumerate(zip(recent, indices, strict=True)):
        week = slice(max(at - 3, 0), at + 4)
        strays.append(day - index * sum(recent[week]) / sum(indices[week]))
    root_mean_square = sqrt(sum(map(mul, strays, strays)) / len(strays))
    return min(max(root_mean_square / level, 0.05), 2.0)


def expected_days(fitted: Fit, at: Moment, last: date) -> Iterator[tuple[date, float]]:
    """Yield each day up to `last` with the spend still to come in it: today's rest first."""
    for ahead in range((last - at.today).days + 1):
        share = 1.0 if ahead else 1 - at.elapsed
        yield at.today + timedelta(days=ahead), fitted.expected(ahead) * share


def period_end(fitted: Fit, spent: float, at: Moment, last: date) -> Estimates:
    """Return what a period that is under way will have cost when `last` is over."""
    rest = sum(spend for _, spend in expected_days(fitted, at, last))
    sigma = _sigma(fitted, horizon=at.days_left(last), lead=0)
    return _around(spent, rest, sigma)


def month_end(fitted: Fit, spent: float, at: Moment) -> Estimates:
    """Return this month's metered spend at its end."""
    return period_end(fitted, spent, at, at.month_end)


def next_month(fitted: Fit, at: Moment) -> Estimates:
    """Return the next month's metered spend, if nothing changes."""
    return later_month(fitted, at, at.month_end + timedelta(days=1))


def later_month(fitted: Fit, at: Moment, first: date) -> Estimates:
    """Return the metered spend of the month that begins at `first`, if nothing changes."""
    begin, days = (first - at.today).days, monthrange(first.year, first.month)[1]
    whole = sum(fitted.expected(begin + day) for day in range(days))
    lead = at.days_left(first - timedelta(days=1))
    return _around(0.0, whole, _sigma(fitted, horizon=days, lead=lead))


def _sigma(fitted: Fit, *, horizon: float, lead: float) -> float:
    """Return the log spread of the rest: days average out, levels drift."""
    variance, horizon = fitted.spread**2, max(horizon, 1.0)
    noise = variance * (2.3 / horizon + 3.2 / min(fitted.history_days, 20))
    drift = (0.02 + 0.4 * variance) * (lead + horizon / 2) / 30
    return sqrt(noise + 0.012 + drift)


def _around(spent: float, rest: float, sigma: float) -> Estimates:
    # Not symmetric: spend surprises upward.
    low, high = rest * exp(-1.06 * sigma), rest * exp(1.27 * sigma)
    return Estimates(spent + low, spent + rest, spent + high)


def replayed_errors(days: Sequence[float], today: date) -> Mapping[tuple[str, str], float]:
    """Return the WAPE of each horizon and method over the closed months of this history."""
    days = days[-REPLAY_DAYS:]
    misses: dict[tuple[str, str], float] = {}
    truths: dict[tuple[str, str], float] = {}
    for horizon, method, forecast, truth in _replay(days, today):
        key = (horizon, method)
        misses[key] = misses.get(key, 0.0) + abs(forecast - truth)
        truths[key] = truths.get(key, 0.0) + truth
    return {key: misses[key] / truth for key, truth in truths.items() if truth > 0}


def _replay(days: Sequence[float], today: date) -> Iterator[tuple[str, str, float, float]]:
    """Yield horizon, method, forecast and truth for each origin whose truth is known."""
    sums = list(accumulate(days, initial=0.0))
    first = today - timedelta(days=len(days))
    for known in range(REPLAY_FROM_DAYS, len(days)):
        at = Moment(first + timedelta(days=known), 0.0)
        begin, end = known - at.today.day + 1, known + int(at.days_left(at.month_end))
        if at.today.day - 1 not in REPLAY_AT or begin < 0 or end > len(days):
            continue
        newest = days[max(known - LEVEL_DAYS, 0) : known][::-1]
        profile = weekday_profile(newest)
        fitted = Fit(profile, ewma_level(newest, profile), 0.0, known)
        rate, spent = max(0.0, sum(newest[:WEEK])) / WEEK, sums[known] - sums[begin]
        truth = sums[end] - sums[begin]
        yield "month_end", "run_rate_7d", run_rate_month_end(rate, spent, at), truth
        yield "month_end", "weekday_ewma", month_end(fitted, spent, at).p50, truth
        if (after := end + at.next_month_days) <= len(days):
            truth = sums[after] - sums[end]
            yield "next_month", "run_rate_7d", run_rate_next_month(rate, at), truth
            yield "next_month", "weekday_ewma", next_month(fitted, at).p50, truth
