"""The truth: how many tokens were used in any minute, as a pure function of seed and time.

Each flow's hour is drawn as a whole from a hash of (seed, flow, hour) and spread over its
minutes by cumulative weights, so that minutes always add up to their hour, corrections apply to
hours, and an hour that is settled needs no minutes at all. Counts are exact integers.
"""

from __future__ import annotations

from collections import OrderedDict
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
from claude_cost_exporter.simulator.streams import HOUR, MINUTES, SLOWEST, Shape, Stream

if TYPE_CHECKING:
    from claude_cost_exporter.simulator.scenarios import Scenario

Usage = dict[Series, Counts]


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
        organisation = scenario.organisation
        self._streams = [
            Stream(flow, organisation, seed, epoch(start), self.first_hour * HOUR)
            for flow in scenario.flows
        ]
        self._corrections = _by_hour(scenario, epoch(start))
        self._hours = _HourCache(rows=50_000)

    def usage(self, first_minute: int, end_minute: int, moment: Moment) -> Usage:
        """Return usage by series in the minutes `[first, end)` since the epoch."""
        usage: Usage = {}
        hour = first_minute // MINUTES
        while hour * MINUTES < end_minute:
            base = hour * MINUTES
            first, end = max(0, first_minute - base), min(MINUTES, end_minute - base)
            part = self.hour_usage(hour, first, end, moment)
            for series, counts in part.items():
                _add(usage, series, counts)
            hour += 1
        return usage

    def hour_usage(self, hour: int, first: int, end: int, moment: Moment) -> Usage:
        """Return usage by series in the minutes `[first, end)` of one hour; do not change it."""
        if hour < self.first_hour:
            return {}
        if end - first == MINUTES and self._settled(hour, moment):
            return self._whole_hour(hour, moment)
        usage: Usage = {}
        for stream in self._streams:
            totals = stream.totals(hour)
            if totals != NOTHING:
                shape = stream.shape(hour)
                for series, counts in self._parts(stream, hour, totals, moment):
                    _add(usage, series, self._seen(shape, counts, (first, end), moment))
        return usage

    def _settled(self, hour: int, moment: Moment) -> bool:
        """Return whether every minute of the hour is known."""
        since_end = moment.second - (hour + 1) * HOUR
        if moment.knowledge is Knowledge.VISIBLE:
            since_end -= SLOWEST + self._late_by
        return moment.knowledge is Knowledge.FINAL or since_end >= 0

    def _whole_hour(self, hour: int, moment: Moment) -> Usage:
        version = len(self._effects(hour, moment))
        usage = self._hours.get((hour, version))
        if usage is None:
            usage = {}
            for stream in self._streams:
                totals = stream.totals(hour)
                if totals != NOTHING:
                    for series, counts in self._parts(stream, hour, totals, moment):
                        _add(usage, series, counts)
            self._hours.put((hour, version), usage)
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


class _HourCache:
    """Settled hours, least recently used first out, bounded by their rows."""

    def __init__(self, rows: int) -> None:
        self._room = rows
        self._hours: OrderedDict[tuple[int, int], Usage] = OrderedDict()

    def get(self, key: tuple[int, int]) -> Usage | None:
        usage = self._hours.get(key)
        if usage is not None:
            self._hours.move_to_end(key)
        return usage

    def put(self, key: tuple[int, int], usage: Usage) -> None:
        self._hours[key] = usage
        self._room -= len(usage)
        while self._room < 0 and len(self._hours) > 1:
            _, oldest = self._hours.popitem(last=False)
            self._room += len(oldest)
