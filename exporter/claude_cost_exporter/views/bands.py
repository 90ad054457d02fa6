"""Whether the spend of an hour, a day, a week is normal: pure maths on hourly sums (floor 3)."""

from __future__ import annotations

from math import exp, sqrt
from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.plans import GATES
from claude_cost_exporter.views.baselines import HOURS, hour_scale
from claude_cost_exporter.views.forecasting import WEEK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from claude_cost_exporter.plans import Gate
    from claude_cost_exporter.usual import Baseline

FLOOR_OF_ORGANISATION = 0.15
FARTHEST = 50.0
"""A logarithm that no spend reaches; the exponential of a much larger one is no number."""


class Band(NamedTuple):
    """The spend of a window beside what was expected and what is still normal."""

    spend: float
    expected: float
    upper: float

    @property
    def impact(self) -> float:
        """Return how much more than expected was spent."""
        return self.spend - self.expected


class Scale(NamedTuple):
    """What the bands of a scope are measured with: its baseline, its gates, its organisation."""

    baseline: Baseline
    gates: Mapping[str, Gate]
    organisation_level: float

    def hour(self, hour: int, spend: float) -> Band:
        """Return the band of one hour of today; -1 is yesterday's last."""
        day = self.baseline.today if hour >= 0 else self.baseline.yesterday
        expected = day.hours[hour]
        sigma = self.baseline.spread_of_hours * hour_scale(expected, self.baseline.today.level)
        return self._band("1h", spend, expected, expected + self.gates["1h"].sigmas * sigma)

    def day(self, hour: int, spend: float) -> Band:
        """Return the band of the 24 hours that end with this hour of today."""
        yesterday, today = self.baseline.yesterday, self.baseline.today
        expected = sum(yesterday.hours[hour + 1 :]) + sum(today.hours[: hour + 1])
        unit = sqrt(max(expected, 0.02 * today.level) * today.level)
        sigma = self.baseline.spread_of_days * unit
        return self._band("24h", spend, expected, expected + self.gates["24h"].sigmas * sigma)

    def week(self, spend: float) -> Band:
        """Return the band of the 168 hours that end in the open one."""
        expected = self.baseline.week
        above = self.gates["7d"].sigmas * self.baseline.week_sigma
        upper = expected * exp(min(above, FARTHEST))
        return self._band("7d", spend, expected, upper, days=WEEK)

    def _band(
        self, window: str, spend: float, expected: float, by_sigma: float, days: int = 1
    ) -> Band:
        gate, level = self.gates[window], self.baseline.today.level
        # What is small beside the whole organisation is no anomaly of a part.
        part = self.organisation_level * FLOOR_OF_ORGANISATION
        floor = days * max(gate.floor_usd, gate.floor_of_level * level, part)
        return Band(spend, expected, max(by_sigma, gate.ratio * expected, expected + floor))


def bands(  # noqa: PLR0913 - the last two have defaults
    baseline: Baseline,
    hours: Sequence[float],
    today: Sequence[float],
    open_usd: float,
    *,
    organisation_level: float = 0.0,
    gates: Mapping[str, Gate] = GATES,
) -> Mapping[str, Band]:
    """Return the band of each window, the open hour included.

    `hours` are complete days, `today` the complete hours of the day under way. The hour's band is
    that of the last complete hour or of the open one, whichever stands out more.
    """
    scale = Scale(baseline, gates, organisation_level)
    at, recent = len(today), [*hours[-WEEK * HOURS :], *today, open_usd]
    last, now = scale.hour(at - 1, recent[-2]), scale.hour(at, open_usd)
    return {
        "1h": max(last, now, key=lambda band: band.spend - band.upper),
        "24h": scale.day(at, sum(recent[-HOURS:])),
        "7d": scale.week(sum(recent[-WEEK * HOURS :])),
    }
