"""The truth: how many tokens were used in any minute, as a pure function of seed and time.

Each flow's hour is drawn as a whole from a hash of (seed, flow, hour) and spread over its
minutes by cumulative weights, so that minutes always add up to their hour, corrections apply to
hours, and an hour that is settled needs no minutes at all. Counts are exact integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from claude_cost_exporter.simulator.corrections import (
    NOTHING,
    Counts,
    Effect,
    Parts,
    Series,
    minus,
    plus,
    scaled,
)
from claude_cost_exporter.simulator.crowds import CrowdStreams
from claude_cost_exporter.simulator.row_cache import RowCache
from claude_cost_exporter.simulator.streams import HOUR, MINUTES, SLOWEST, Shape, Stream

if TYPE_CHECKING:
    from claude_cost_exporter.simulator.scenario import Scenario

Usage = dict[Series, Counts]

DAY_HOURS = 24
DAY_MINUTES = DAY_HOURS * MINUTES


class Knowledge(StrEnum):
    """What a question about usage may know."""

    FINAL = "final"
    """Everything, with every correction that will ever be made."""
    HAPPENED = "happened"
    """What was used by a moment, with the corrections made by then, reported or not."""
    VISIBLE = "visible"
    """What the API shows at a moment."""


@dataclass(frozen=True, slots=True)
class Moment:
    """As of when, and with which knowledge. Seconds since the epoch."""

    knowledge: Knowledge
    second: int = 0

    def knows(self, second: int) -> bool:
        """Return whether a correction made at `second` is known."""
        return self.knowledge is Knowledge.FINAL or second <= self.second


def epoch(moment: datetime) -> int:
    """Return whole seconds since 1970."""
    return int(moment.timestamp())


class Traffic:
    """All usage of one simulation."""

    def __init__(self, scenario: Scenario, seed: int, start: datetime, history_days: int) -> None:
        first = start - timedelta(days=history_days)
        self.first_hour = epoch(first) // HOUR
        self._late_percent = scenario.late_percent
        self._late_by = int(scenario.late_by.total_seconds())
        of_simulation = (scenario.organisation, seed, epoch(start), self.first_hour * HOUR)
        self._streams = [Stream(flow, *of_simulation) for flow in scenario.flows]
        self._crowds = [CrowdStreams(crowd, *of_simulation) for crowd in scenario.crowds]
        self._corrections = _by_hour(scenario, epoch(start))
        self._hours: RowCache[Usage] = RowCache(rows=60_000)
        self._days: RowCache[Usage] = RowCache(rows=60_000)

    def usage(self, first_minute: int, end_minute: int, moment: Moment) -> Usage:
        """Return usage by series in the minutes `[first, end)` since the epoch; do not change it.

        UTC days are taken as a whole, because reports ask for the same days again and again.
        """
        step, usage = self._next_part(first_minute, end_minute, moment)
        if first_minute + step >= end_minute:
            return usage
        usage = dict(usage)
        minute = first_minute + step
        while minute < end_minute:
            step, part = self._next_part(minute, end_minute, moment)
            for series, counts in part.items():
                _add(usage, series, counts)
            minute += step
        return usage

    def _next_part(self, minute: int, end_minute: int, moment: Moment) -> tuple[int, Usage]:
        """Return how many minutes from `minute` on are looked up at once, and their usage."""
        if minute % DAY_MINUTES == 0 and end_minute - minute >= DAY_MINUTES:
            return DAY_MINUTES, self._day_usage(minute // DAY_MINUTES, moment)
        hour, first = divmod(minute, MINUTES)
        end = max(first, min(MINUTES, first + end_minute - minute))
        return end - first, self.hour_usage(hour, first, end, moment)

    def _day_usage(self, day: int, moment: Moment) -> Usage:
        version = self.version(day, moment)
        if version is None:
            return self._sum_hours(day, moment)
        return self._days.get((day, version), lambda: self._sum_hours(day, moment))

    def _sum_hours(self, day: int, moment: Moment) -> Usage:
        usage: Usage = {}
        for hour in range(day * DAY_HOURS, (day + 1) * DAY_HOURS):
            for series, counts in self.hour_usage(hour, 0, MINUTES, moment).items():
                _add(usage, series, counts)
        return usage

    def version(self, day: int, moment: Moment) -> int | None:
        """Return how often a UTC day had been corrected; None while usage is still missing."""
        hours = range(day * DAY_HOURS, (day + 1) * DAY_HOURS)
        if not self._settled(hours[-1], moment):
            return None
        return sum(len(self._effects(hour, moment)) for hour in hours) if self._corrections else 0

    def hour_usage(self, hour: int, first: int, end: int, moment: Moment) -> Usage:
        """Return usage by series in the minutes `[first, end)` of one hour; do not change it."""
        is_future = moment.knowledge is not Knowledge.FINAL and hour * HOUR >= moment.second
        if hour < self.first_hour or is_future:
            return {}
        if end - first == MINUTES and self._settled(hour, moment):
            return self._whole_hour(hour, moment)
        usage: Usage = {}
        for stream in self._running(hour):
            totals = stream.totals(hour)
            if totals != NOTHING:
                shape = stream.shape(hour)
                for series, counts in self._parts(stream, hour, totals, moment):
                    _add(usage, series, self._seen(shape, counts, (first, end), moment))
        return usage

    def _running(self, hour: int) -> list[Stream]:
        """Return the streams that may use anything in an hour."""
        if not self._crowds:
            return self._streams
        return self._streams + [s for crowd in self._crowds for s in crowd.active(hour)]

    def _settled(self, hour: int, moment: Moment) -> bool:
        """Return whether every minute of the hour is known."""
        since_end = moment.second - (hour + 1) * HOUR
        if moment.knowledge is Knowledge.VISIBLE:
            since_end -= SLOWEST + self._late_by
        return moment.knowledge is Knowledge.FINAL or since_end >= 0

    def _whole_hour(self, hour: int, moment: Moment) -> Usage:
        version = len(self._effects(hour, moment))
        return self._hours.get((hour, version), lambda: self._sum_streams(hour, moment))

    def _sum_streams(self, hour: int, moment: Moment) -> Usage:
        usage: Usage = {}
        for stream in self._running(hour):
            totals = stream.totals(hour)
            if totals != NOTHING:
                for series, counts in self._parts(stream, hour, totals, moment):
                    _add(usage, series, counts)
        return usage

    def _seen(
        self, shape: Shape, counts: Counts, minutes: tuple[int, int], moment: Moment
    ) -> Counts:
        """Return the part of a part's hour that `moment` knows."""
        first, end = minutes
        if moment.knowledge is Knowledge.FINAL:
            return shape.between(counts, first, end)
        if moment.knowledge is Knowledge.HAPPENED:
            return shape.between(counts, first, max(first, min(end, shape.ended(moment.second))))
        seen = NOTHING
        for a, b in shape.runs(first, end, moment.second):
            seen = plus(seen, minus(self._prompt(shape, counts, b), self._prompt(shape, counts, a)))
        if self._late_percent:
            for a, b in shape.runs(first, end, moment.second - self._late_by):
                seen = plus(seen, minus(self._late(shape, counts, b), self._late(shape, counts, a)))
        return seen

    def _late(self, shape: Shape, counts: Counts, minute: int) -> Counts:
        return scaled(shape.until(counts, minute), self._late_percent, 100)

    def _prompt(self, shape: Shape, counts: Counts, minute: int) -> Counts:
        until = shape.until(counts, minute)
        return minus(until, scaled(until, self._late_percent, 100)) if self._late_percent else until

    def _parts(self, stream: Stream, hour: int, totals: Counts, moment: Moment) -> Parts:
        parts: Parts = [(stream.series(hour), totals)]
        for effect in self._effects(hour, moment):
            parts = effect(stream.flow.name, parts)
        return parts

    def _effects(self, hour: int, moment: Moment) -> list[Effect]:
        known = self._corrections.get(hour, ())
        return [effect for second, effect in known if moment.knows(second)]


def _add(usage: Usage, series: Series, counts: Counts) -> None:
    if counts != NOTHING:
        old = usage.get(series)
        usage[series] = plus(old, counts) if old else counts


def _by_hour(scenario: Scenario, start: int) -> dict[int, list[tuple[int, Effect]]]:
    """Return the corrections of each hour in order of time."""
    by_hour: dict[int, list[tuple[int, Effect]]] = {}
    for correction in sorted(scenario.corrections, key=lambda c: c.after):
        second = start + int(correction.after.total_seconds())
        first = second // HOUR - correction.hours_back
        effect = correction.effect(scenario.organisation)
        for hour in range(first, first + correction.hours):
            by_hour.setdefault(hour, []).append((second, effect))
    return by_hour
