"""Why the bill and the estimate of a line differ: pure, from a `Comparison` (floor 3).

A line matches when it differs by less than a tenth of a percent or half a cent. What does not
match gets the first reason that explains it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.records import NANO

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from claude_cost_exporter.comparison import BillState, Comparison, LineOfDay
    from claude_cost_exporter.snapshot import Line

RELATIVE = 0.001
ABSOLUTE = NANO // 200
SAME_RATIO = 0.005
LEAST_DAYS = 3
LANDING = 4 * DAY
"""Parts of a bill have been seen to arrive this long after the day."""
UNKNOWN = "unknown_model"
"""Why a model has no price until its first bill."""
NO_USAGE_REPORT = ("code_execution", "session_usage")


class Reason(StrEnum):
    """Why a line does not match."""

    NOT_READ = "the bill has not been read yet"
    NOT_SETTLED = "the bill has not settled yet"
    USAGE_UNREAD = "the usage of the day has not been read completely"
    DISCOUNT = "discount"
    WHOLE_DAY = "the whole day is billed at another rate"
    NO_USAGE = "billed, but in no usage report"
    UNPRICED = "no list price, so nothing was estimated:"
    PRICE = "the bill has another price:"
    RESTATED = "the bill was changed after it had settled,"
    LATE = "late: part of the bill may still arrive"
    UNBILLED = "used, but not billed (refused requests are not)"
    MORE = "billed more than was used (usage may still arrive)"


class Explained(NamedTuple):
    """A line of a day, and why it does not match; None when it does."""

    row: LineOfDay
    reason: Reason | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A comparison with its reasons."""

    comparison: Comparison
    lines: tuple[Explained, ...]
    discount: float | None
    """Billed divided by estimated, where most of the money has one ratio that is not 1."""

    def total(self, *, billed: bool) -> int:
        """Return nano-USD of every line; lines without a bill count 0."""
        if billed:
            return sum(one.row.billed or 0 for one in self.lines)
        return sum(one.row.estimated for one in self.lines)


def reconcile(comparison: Comparison) -> Reconciliation:
    """Return every line with the reason of its difference."""
    ratios = _Ratios.of(comparison)
    explained = tuple(_explain(comparison, row, ratios) for row in comparison.lines)
    return Reconciliation(comparison, explained, ratios.discount)


@dataclass(frozen=True, slots=True)
class _Ratios:
    """Billed divided by estimated, where several lines or days have the same."""

    by_day: Mapping[date, float]
    """What most of a day's estimated money has, if it is not 1."""
    by_line: Mapping[Line, float]
    """What a line has on most days, at least three, as exactly as prices do."""
    discount: float | None
    """What most of the days that have one share, at least three, or a learned one that has any."""
    learned: Mapping[date, float]
    """The discounts that were learned, by the day."""

    @classmethod
    def of(cls, comparison: Comparison) -> _Ratios:
        """Find them in the days whose bill is in force."""
        days: dict[date, dict[float, int]] = defaultdict(dict)
        lines: dict[Line, dict[float, int]] = defaultdict(dict)
        for row in comparison.lines:
            state = comparison.bills.get(row.day)
            if state and state.in_force and row.billed and row.estimated > 0:
                ratio = row.billed / row.estimated
                days[row.day][ratio] = days[row.day].get(ratio, 0) + row.estimated
                lines[row.line][ratio] = lines[row.line].get(ratio, 0) + 1
        shared = {day: found for day, weights in days.items() if (found := _shared(weights))}
        usual = {
            one: found
            for one, seen in lines.items()
            if (found := _shared(seen, LEAST_DAYS, within=RELATIVE))
        }
        odd = {day: found for day, found in shared.items() if not _same(found, 1.0)}
        counts: dict[float, int] = defaultdict(int)
        for ratio in odd.values():
            counts[ratio] += 1
        learned = {one.learned_on: one.factor for one in comparison.discounts}
        seen_of_it = (f for f in learned.values() if any(_same(f, r) for r in odd.values()))
        discount = _shared(counts, LEAST_DAYS) or next(seen_of_it, None)
        return cls(odd, usual, discount, learned)

    def learned_on(self, day: date) -> float | None:
        """Return the discount that the estimate began to know during a day."""
        if self.learned:
            return self.learned.get(day)
        return self.discount if self.by_day and day == max(self.by_day) + DAY else None


def _shared(
    weights: Mapping[float, int], least: int = 0, within: float = SAME_RATIO
) -> float | None:
    """Return the ratio that more than half of the weight has, about."""

    def near(ratio: float) -> int:
        return sum(weight for other, weight in weights.items() if _same(other, ratio, within))

    best = max(weights, key=near, default=None)
    if best is None or near(best) < least or 2 * near(best) <= sum(weights.values()):
        return None
    return median(ratio for ratio in weights if _same(ratio, best, within))


def _same(one: float, other: float, within: float = SAME_RATIO) -> bool:
    return abs(one / other - 1) < within


def _explain(comparison: Comparison, row: LineOfDay, ratios: _Ratios) -> Explained:
    state = comparison.bills.get(row.day)
    if row.billed is None or state is None:
        return Explained(row, Reason.NOT_READ)
    if abs(row.billed - row.estimated) <= max(ABSOLUTE, RELATIVE * row.estimated):
        return Explained(row, None)
    if not state.in_force or row.day in comparison.unread:
        return Explained(row, Reason.USAGE_UNREAD if state.in_force else Reason.NOT_SETTLED)
    if row.estimated <= 0:
        return _without_estimate(comparison, row)
    ratio = row.billed / row.estimated
    return (
        _by_day(row, ratio, ratios)
        or _by_restatement(row, row.billed, state)
        or _by_line(comparison, row, ratio, ratios)
    )


def _by_day(row: LineOfDay, ratio: float, ratios: _Ratios) -> Explained | None:
    """Explain a difference by the ratio that everything of the day has.

    What there is no discount on lacks its part of that ratio.
    """
    whole, discount = ratios.by_day.get(row.day), ratios.discount
    if whole is not None and _same(ratio, whole):
        if discount is not None and _same(whole, discount):
            return Explained(row, Reason.DISCOUNT, f"{1 - whole:.1%}")
        return Explained(row, Reason.WHOLE_DAY, f"x {ratio:.4f}")
    if whole is not None and discount is not None and _same(ratio, whole / discount):
        return Explained(row, Reason.WHOLE_DAY, f"x {ratio:.4f}")
    learned = ratios.learned_on(row.day)
    if learned is not None and learned < ratio < 1:
        return Explained(row, Reason.DISCOUNT, "(learned during this day)")
    return None


def _by_restatement(row: LineOfDay, billed: int, state: BillState) -> Explained | None:
    """Explain a difference by a change of the bill that led away from the estimate."""
    if abs(row.settled - row.estimated) >= abs(billed - row.estimated):
        return None
    return Explained(row, Reason.RESTATED, f"last on {state.last_changed}")


def _by_line(comparison: Comparison, row: LineOfDay, ratio: float, ratios: _Ratios) -> Explained:
    """Explain a difference by the ratio that the line usually has, or by its direction."""
    usual = ratios.by_line.get(row.line)
    if usual is not None and _same(ratio, usual, RELATIVE):
        return Explained(row, Reason.PRICE, f"x {ratio:.4f}")
    if ratio > ratios.by_day.get(row.day, 1.0):
        if UNKNOWN in _causes(comparison, row):
            return Explained(row, Reason.UNPRICED, f"{UNKNOWN} (a part of the day)")
        return Explained(row, Reason.MORE)
    late = (comparison.newest_bill or comparison.last) - row.day < LANDING
    return Explained(row, Reason.LATE if late else Reason.UNBILLED)


def _without_estimate(comparison: Comparison, row: LineOfDay) -> Explained:
    if row.line.cost_type in NO_USAGE_REPORT:
        return Explained(row, Reason.NO_USAGE)
    if causes := _causes(comparison, row):
        return Explained(row, Reason.UNPRICED, ", ".join(sorted(causes)))
    return Explained(row, Reason.NO_USAGE)


def _causes(comparison: Comparison, row: LineOfDay) -> set[str]:
    """Return why tokens of a line's model have no price that day."""
    place = (row.day, row.line.model)
    return {one.reason for one in comparison.unpriced if (one.day, one.model) == place}


class ModelOfDay(NamedTuple):
    """One model on one day: nano-USD of both truths, and the reasons of its lines."""

    day: date
    model: str
    estimated: int
    billed: int | None
    reasons: tuple[str, ...]


def by_model(found: Reconciliation) -> Iterator[ModelOfDay]:
    """Yield every day and model in order; cost without a model is `none`."""
    groups: dict[tuple[date, str], list[Explained]] = defaultdict(list)
    for one in found.lines:
        groups[one.row.day, one.row.line.model].append(one)
    for (day, model), lines in sorted(groups.items()):
        charged = [one.row.billed for one in lines if one.row.billed is not None]
        reasons = dict.fromkeys(
            f"{one.reason} {one.detail}".strip() for one in lines if one.reason is not None
        )
        yield ModelOfDay(
            day,
            model,
            sum(one.row.estimated for one in lines),
            sum(charged) if charged else None,
            tuple(reasons),
        )
