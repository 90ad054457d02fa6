"""Replays the forecasts: how far off they were, and how often the interval held the truth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from claude_cost_exporter.views.forecasting import (
    REPLAY_AT,
    Moment,
    fit,
    month_end,
    next_month,
    run_rate_month_end,
    run_rate_next_month,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FIRST_DAY = date(2025, 9, 1)  # a Monday, like the simulations' first day
HISTORY_DAYS = 28
HORIZONS = ("month_end", "next_month")


@dataclass(frozen=True, slots=True)
class Forecast:
    """What both methods said of one month from one day, and what came."""

    horizon: str
    run_rate: float
    p10: float
    p50: float
    p90: float
    truth: float


def replay(days: Sequence[float]) -> Iterator[Forecast]:
    """Yield every forecast whose truth is known, in mean days of this series."""
    mean = sum(days) / len(days)
    days = [day / mean for day in days]
    for known in range(HISTORY_DAYS, len(days)):
        at = Moment(FIRST_DAY + timedelta(days=known), 0.0)
        begin, end = known - at.today.day + 1, known + int(at.days_left(at.month_end))
        if at.today.day - 1 not in REPLAY_AT or end > len(days):
            continue
        rate, spent = sum(days[known - 7 : known]) / 7, sum(days[begin:known])
        if (fitted := fit(days[:known])) is None:
            continue
        simple = run_rate_month_end(rate, spent, at)
        truth = sum(days[begin:end])
        yield Forecast("month_end", simple, *month_end(fitted, spent, at), truth)
        if (after := end + at.next_month_days) <= len(days):
            simple, truth = run_rate_next_month(rate, at), sum(days[end:after])
            yield Forecast("next_month", simple, *next_month(fitted, at), truth)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The error of both methods and the coverage of the interval, over many forecasts."""

    run_rate: float
    weekday_ewma: float
    coverage: float

    @property
    def gain(self) -> float:
        """Return by how much of its error weekday_ewma is better than the run rate."""
        return 1 - self.weekday_ewma / self.run_rate


def judge(forecasts: Sequence[Forecast]) -> Accuracy:
    """Return the weighted absolute percentage errors and the coverage."""
    truth = sum(forecast.truth for forecast in forecasts)
    return Accuracy(
        sum(abs(forecast.run_rate - forecast.truth) for forecast in forecasts) / truth,
        sum(abs(forecast.p50 - forecast.truth) for forecast in forecasts) / truth,
        sum(forecast.p10 <= forecast.truth <= forecast.p90 for forecast in forecasts)
        / len(forecasts),
    )
