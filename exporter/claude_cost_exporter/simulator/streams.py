"""One flow in time: an hour's total from a hash, and how it spreads over the minutes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING

from claude_cost_exporter.simulator.corrections import NOTHING, Counts, Series, minus, scaled
from claude_cost_exporter.simulator.ratecard import model_on

if TYPE_CHECKING:
    from claude_cost_exporter.simulator.flows import Flow
    from claude_cost_exporter.simulator.organisation import Organisation
    from claude_cost_exporter.simulator.ratecard import Model

FIRST_DAY = date(1970, 1, 1).toordinal()
MINUTE = 60
HOUR = 3_600
MINUTES = 60
"""Minutes in an hour."""

TOKENS_OF_AN_ANSWER = 400
"""How long an answer is on average: requests are counted from output."""

FASTEST = 120
SLOWEST = 300
"""Seconds from the end of a minute to its usage being visible."""


class Stream:
    """One flow of one simulation: when it ran, how much, and in which series.

    It remembers the last hour it was asked about: 60 minutes ask for the same one.
    """

    def __init__(
        self, flow: Flow, organisation: Organisation, seed: int, start: int, history: int
    ) -> None:
        self.flow = flow
        begins = None if flow.begins is None else start + int(flow.begins.total_seconds())
        lasts = None if flow.lasts is None else int(flow.lasts.total_seconds())
        self.first_minute = (history if begins is None else begins) // MINUTE
        self.end_minute = None if lasts is None else self.first_minute + lasts // MINUTE
        self._organisation = organisation
        self._prefix = f"{seed}/{flow.name}/"
        self._day = -1
        self._model: Model | None = None
        self._series: Series
        self._totals_of_hour: tuple[int, Counts] = (-1, NOTHING)
        self._shape_of_hour: Shape | None = None

    def active(self, hour: int) -> tuple[int, int]:
        """Return the minutes `[a, b)` of an hour in which the flow runs."""
        base = hour * MINUTES
        first = max(0, self.first_minute - base)
        end = MINUTES if self.end_minute is None else min(MINUTES, self.end_minute - base)
        return first, max(first, end)

    def totals(self, hour: int) -> Counts:
        """Return what the flow uses in an hour, before any correction."""
        known_hour, totals = self._totals_of_hour
        if known_hour != hour:
            totals = self._totals(hour)
            self._totals_of_hour = (hour, totals)
        return totals

    def _totals(self, hour: int) -> Counts:
        first, end = self.active(hour)
        level = self._level(hour)
        if level == 0 or first >= end:
            return NOTHING
        noise = self._noise(f"{hour}", 8)
        if noise[0] * 100 >= self.flow.odds * 256:
            return NOTHING
        level *= (700 + (noise[1] * 600 >> 8)) * (end - first)
        i, o, r, w5, w1, searches = self.flow.per_hour
        unit = 1000 * 1000 * 1000 * 1000 * MINUTES
        output = o * level * (900 + (noise[3] * 200 >> 8)) // unit
        return (
            i * level * (900 + (noise[2] * 200 >> 8)) // unit,
            output,
            r * level * (850 + (noise[4] * 300 >> 8)) // unit,
            w5 * level * (850 + (noise[5] * 300 >> 8)) // unit,
            w1 * level * (850 + (noise[6] * 300 >> 8)) // unit,
            searches * level * (500 + (noise[7] * 1000 >> 8)) // unit,
            1 + output // TOKENS_OF_AN_ANSWER,
        )

    def _level(self, hour: int) -> int:
        """Return the hour's activity in ppm: the profile times how busy the day is."""
        day, of_day = divmod(hour, 24)
        weekend = (day + 3) % 7 >= 5  # noqa: PLR2004 - 1970-01-01 was a Thursday, day 3
        profile = self.flow.profile.weekend if weekend else self.flow.profile.weekday
        if not profile[of_day]:
            return 0
        return profile[of_day] * (850 + (self._noise(f"d{day}", 1)[0] * 300 >> 8))

    def series(self, hour: int) -> Series:
        """Return what the flow is reported as in an hour; it stays the same until a new model."""
        day = hour // 24
        if day != self._day:
            self._day = day
            model = model_on(self.flow.line, date.fromordinal(FIRST_DAY + day))
            if model is not self._model:
                self._model, self._series = model, self._reported(model)
        return self._series

    def _reported(self, model: Model) -> Series:
        flow, organisation = self.flow, self._organisation
        return Series(
            organisation.reported_workspace(flow.workspace),
            organisation.reported_key(flow.api_key),
            organisation.console_user_id if flow.api_key is None else None,
            None,
            model.id,
            flow.tier,
            "200k-1M" if flow.long_context and model.has_long_context else "0-200k",
            flow.geo if model.has_geo else "not_available",
            flow.speed if model.has_fast else "standard",
            flow.product,
            flow.user_profile,
            flow.agent,
            flow.blocked,
        )

    def shape(self, hour: int) -> Shape:
        """Return how the hour spreads over its minutes."""
        shape = self._shape_of_hour
        if shape is None or shape.start != hour * HOUR:
            first, end = self.active(hour)
            noise = self._noise(f"{hour}m", MINUTES)
            weights = (8 + n if first <= k < end else 0 for k, n in enumerate(noise))
            shape = Shape(hour * HOUR, noise, (0, *accumulate(weights)))
            self._shape_of_hour = shape
        return shape

    def _noise(self, name: str, size: int) -> bytes:
        return blake2b((self._prefix + name).encode(), digest_size=size).digest()


@dataclass(frozen=True, slots=True)
class Shape:
    """The minutes of one flow's hour: cumulative weights and delays."""

    start: int
    noise: bytes
    cumulative: tuple[int, ...]

    def until(self, totals: Counts, minute: int) -> Counts:
        """Return the part of `totals` before a minute of the hour."""
        return scaled(totals, self.cumulative[minute], self.cumulative[MINUTES])

    def between(self, totals: Counts, first: int, end: int) -> Counts:
        """Return the part of `totals` in the minutes `[first, end)`."""
        return minus(self.until(totals, end), self.until(totals, first))

    def ended(self, second: int) -> int:
        """Return how many minutes of the hour are over at `second`."""
        return min(MINUTES, max(0, (second - self.start) // MINUTE))

    def runs(self, first: int, end: int, second: int) -> list[tuple[int, int]]:
        """Return the stretches of `[first, end)` that are visible at `second`."""
        certain = self.ended(second - SLOWEST)
        possible = min(end, self.ended(second - FASTEST))
        runs = [(first, min(certain, end))] if first < certain else []
        for minute in range(max(first, certain), possible):
            delay = FASTEST + (self.noise[minute] * (SLOWEST - FASTEST) >> 8)
            if self.start + (minute + 1) * MINUTE + delay <= second:
                runs.append((minute, minute + 1))
        return runs
