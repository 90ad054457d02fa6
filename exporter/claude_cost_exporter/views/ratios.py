"""Billed divided by estimated, where several lines or days have the same ratio (floor 3)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.records import NANO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from claude_cost_exporter.comparison import Comparison
    from claude_cost_exporter.snapshot import Line

RELATIVE = 0.001
ABSOLUTE = NANO // 200
"""Half a cent: no bill is rounded by more."""
SAME_RATIO = 0.005
LEAST_DAYS = 3


class _Ratio(NamedTuple):
    """A ratio, and how much it counts."""

    value: float
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Ratios:
    """The ratios of one comparison."""

    by_day: Mapping[date, float]
    """What most of a day's lines have, and most of its estimated money, if it is not 1."""
    by_line: Mapping[Line, float]
    """What a line has on most days, at least three, as exactly as prices do."""
    discount: float | None
    """What most of the days that have one share, at least three, or a learned one that has any."""
    learned: Mapping[date, float]
    """The discounts that were learned, by the day."""

    @classmethod
    def of(cls, comparison: Comparison) -> Ratios:
        """Find them in the days that have a bill."""
        days: dict[date, list[_Ratio]] = defaultdict(list)
        lines: dict[Line, list[_Ratio]] = defaultdict(list)
        for row in comparison.lines:
            if row.billed and row.billed > 0 and row.estimated > 0:
                ratio = row.billed / row.estimated
                days[row.day].append(_Ratio(ratio, row.estimated))
                lines[row.line].append(_Ratio(ratio))
        odd = {day: found for day, seen in days.items() if (found := _of_day(seen))}
        usual = {
            one: found
            for one, seen in lines.items()
            if (found := _shared(seen, LEAST_DAYS, within=RELATIVE))
        }
        learned = {one.learned_on: one.factor for one in comparison.discounts}
        seen_of_it = (f for f in learned.values() if any(same(f, r) for r in odd.values()))
        discount = _shared([*map(_Ratio, odd.values())], LEAST_DAYS) or next(seen_of_it, None)
        return cls(odd, usual, discount, learned)

    def learned_on(self, day: date) -> float | None:
        """Return the discount that the estimate began to know during a day."""
        if self.learned:
            return self.learned.get(day)
        return self.discount if self.by_day and day == max(self.by_day) + DAY else None


def _of_day(seen: Sequence[_Ratio]) -> float | None:
    """Return what most of a day's money has, if most lines have it, and it is not 1."""
    found = _shared(seen)
    if found is None or same(found, 1.0):
        return None
    agreeing = sum(
        same(value, found) or abs(value - found) * estimated <= ABSOLUTE
        for value, estimated in seen
    )
    return found if 2 * agreeing > len(seen) else None


def _shared(seen: Sequence[_Ratio], least: int = 0, within: float = SAME_RATIO) -> float | None:
    """Return the ratio that more than half of the weight has, about."""

    def near(ratio: float) -> int:
        return sum(weight for other, weight in seen if same(other, ratio, within))

    best = max((one.value for one in seen), key=near, default=None)
    if best is None or near(best) < least or 2 * near(best) <= sum(one.weight for one in seen):
        return None
    return median(value for value, _ in seen if same(value, best, within))


def same(one: float, other: float, within: float = SAME_RATIO) -> bool:
    """Tell whether two ratios are the same, but for rounding and noise."""
    return abs(one / other - 1) < within
