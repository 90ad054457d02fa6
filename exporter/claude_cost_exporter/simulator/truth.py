"""What was used, and what the API shows of it at a moment (floor 2)."""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from claude_cost_exporter.clock import HOUR, floor_hour
from claude_cost_exporter.simulator.traffic import (
    NOTHING,
    SLOT_SECONDS,
    SLOTS_PER_HOUR,
    Counts,
    add,
    cost_nano,
    noise,
    used,
)

if TYPE_CHECKING:
    from claude_cost_exporter.simulator.scenarios import Scenario
    from claude_cost_exporter.simulator.traffic import Series

SHORTEST_DELAY, LONGEST_DELAY = 120, 300  # seconds from a slot's end until it is visible
LATE_DELAY = (600, 4200)
SETTLED_AFTER = timedelta(minutes=80)
CACHED_HOURS = 20_000


class Truth:
    """Usage of a scenario that starts at `start`. Times are UTC."""

    def __init__(self, scenario: Scenario, seed: int, start: datetime) -> None:
        self.scenario, self.seed, self.start = scenario, seed, start
        self.series = scenario.series_at(start)
        self._cache: OrderedDict[tuple[datetime, int], list[Counts]] = OrderedDict()
        corrections = [one.at for one in scenario.restatements]
        moves = [one.at for one in scenario.reattributions]
        self._events = [start + at for at in (*corrections, *moves)]

    def hour(self, hour: datetime, as_of: datetime | None = None) -> list[Counts]:
        """Return each series' counts of an hour, as shown at `as_of` or as they end up."""
        if as_of is not None and as_of < hour + HOUR + SETTLED_AFTER:
            return self._hour(hour, as_of)
        generation = sum(as_of is None or event <= as_of for event in self._events)
        key = (hour, generation)
        if key not in self._cache:
            self._cache[key] = self._hour(hour, as_of)
            while len(self._cache) > CACHED_HOURS:
                self._cache.popitem(last=False)
        return self._cache[key]

    def _hour(self, hour: datetime, as_of: datetime | None) -> list[Counts]:
        first = int(hour.timestamp()) // SLOT_SECONDS
        slots = [self.slot(first + n, as_of) for n in range(SLOTS_PER_HOUR)]
        sums = [NOTHING] * len(self.series)
        for counts in slots:
            sums = [add(*pair) for pair in zip(sums, counts, strict=True)]
        return sums

    def slot(self, slot: int, as_of: datetime | None = None) -> list[Counts]:
        """Return each series' counts of one slot, corrections included."""
        moment = datetime.fromtimestamp(slot * SLOT_SECONDS, UTC)
        counts = [self._visible(n, slot, as_of) for n in range(len(self.series))]
        hour = floor_hour(moment)
        for one in self.scenario.restatements:
            if self._happened(one.at, one.hour, hour, as_of):
                counts = [scaled(each, one.factor) for each in counts]
        for move in self.scenario.reattributions:
            if self._happened(move.at, move.hour, hour, as_of):
                counts[move.target] = add(counts[move.target], counts[move.source])
                counts[move.source] = NOTHING
        return counts

    def _happened(
        self, at: timedelta, which: timedelta, hour: datetime, as_of: datetime | None
    ) -> bool:
        return floor_hour(self.start + which) == hour and (
            as_of is None or as_of >= self.start + at
        )

    def _visible(self, index: int, slot: int, as_of: datetime | None) -> Counts:
        series = self.series[index]
        counts = used(self.seed, series, slot)
        moment = datetime.fromtimestamp(slot * SLOT_SECONDS, UTC)
        for spike in self.scenario.spikes:
            running = self.start + spike.start <= moment < self.start + spike.end
            if spike.series == index and running:
                counts = scaled(counts, float(spike.factor))
        if as_of is None:
            return counts
        late = scaled(counts, self.scenario.late_share)
        on_time = add(counts, scaled(late, -1.0))
        age = as_of.timestamp() - (slot + 1) * SLOT_SECONDS
        shown = NOTHING
        if age >= self._delay(series, slot, "delay", (SHORTEST_DELAY, LONGEST_DELAY)):
            shown = on_time
        if age >= self._delay(series, slot, "late", LATE_DELAY):
            shown = add(shown, late)
        return shown

    def _delay(self, series: Series, slot: int, what: str, bounds: tuple[int, int]) -> float:
        shortest, longest = bounds
        return shortest + (longest - shortest) * noise(self.seed, series, slot, what)

    def cost_nano(
        self, start: datetime, end: datetime, as_of: datetime | None = None
    ) -> dict[Series, int]:
        """Return the exact nano-USD of each series over full hours; unpriced ones are absent."""
        totals: dict[Series, int] = {}
        hour = floor_hour(start)
        while hour < end:
            for series, counts in zip(self.series, self.hour(hour, as_of), strict=True):
                if (cost := cost_nano(series, counts)) is not None:
                    totals[series] = totals.get(series, 0) + sum(cost)
            hour += HOUR
        return totals


def scaled(counts: Counts, factor: float) -> Counts:
    """Scale counts; tokens stay multiples of 20, so that every cost is a whole nano-dollar."""
    a, b, c, d, e = (int(count * factor / 20) * 20 for count in counts[:5])
    return a, b, c, d, e, int(counts[5] * factor)
