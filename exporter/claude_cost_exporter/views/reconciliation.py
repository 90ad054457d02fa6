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
SETTLING_DAYS = 2
NO_USAGE_REPORT = ("code_execution", "session_usage")


class Reason(StrEnum):
    """Why a line does not match."""

    NOT_READ = "the bill has not been read yet"
    NOT_SETTLED = "the bill has not settled yet"
    USAGE_UNREAD = "the usage of the day has not been read completely"
    DISCOUNT = "discount"
    NO_USAGE = "billed, but in no usage report"
    UNPRICED = "no list price: the usage was estimated at nothing"
    PRICE = "the bill has another price"
    UNBILLED = "used, but not billed (refused requests are not)"
    LATE = "late: the bill changed after it had settled"
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
    usual = dict(_usual_ratios(comparison))
    discount = _discount(comparison, usual)
    explained = tuple(_explain(comparison, row, usual, discount) for row in comparison.lines)
    return Reconciliation(comparison, explained, discount)


def _usual_ratios(comparison: Comparison) -> Iterator[tuple[Line, float]]:
    """Yield the ratio of every line that has had one for at least three days."""
    by_line: dict[Line, list[float]] = defaultdict(list)
    for row in comparison.lines:
        state = comparison.bills.get(row.day)
        if state and state.in_force and row.billed and row.estimated > 0:
            by_line[row.line].append(row.billed / row.estimated)
    for line, ratios in by_line.items():
        middle = median(ratios)
        agreeing = sum(_same(ratio, middle) for ratio in ratios)
        if agreeing >= LEAST_DAYS and 2 * agreeing > len(ratios):
            yield line, middle


def _same(one: float, other: float) -> bool:
    return abs(one / other - 1) < SAME_RATIO


def _discount(comparison: Comparison, usual: Mapping[Line, float]) -> float | None:
    """Return the ratio that at least half of the estimated money has, if it is not 1."""
    money: dict[Line, int] = defaultdict(int)
    for row in comparison.lines:
        money[row.line] += row.estimated
    best = max(
        usual.values(),
        key=lambda ratio: sum(money[line] for line, r in usual.items() if _same(r, ratio)),
        default=1.0,
    )
    agreeing = sum(money[line] for line, ratio in usual.items() if _same(ratio, best))
    widespread = 2 * agreeing >= sum(money.values())
    return best if widespread and not _same(best, 1.0) else None


def _explain(
    comparison: Comparison,
    row: LineOfDay,
    usual: Mapping[Line, float],
    discount: float | None,
) -> Explained:
    state = comparison.bills.get(row.day)
    if row.billed is None or state is None:
        return Explained(row, Reason.NOT_READ)
    if abs(row.billed - row.estimated) <= max(ABSOLUTE, RELATIVE * row.estimated):
        return Explained(row, None)
    if not state.in_force or row.day in comparison.unread:
        return Explained(row, Reason.USAGE_UNREAD if state.in_force else Reason.NOT_SETTLED)
    if row.estimated <= 0:
        return _without_estimate(comparison, row)
    return _by_ratio(row, state, row.billed / row.estimated, usual, discount)


def _by_ratio(
    row: LineOfDay,
    state: BillState,
    ratio: float,
    usual: Mapping[Line, float],
    discount: float | None,
) -> Explained:
    """Explain a difference by the ratio that the line, or everything, usually has."""
    if discount is not None and _same(ratio, discount):
        return Explained(row, Reason.DISCOUNT, f"{1 - discount:.1%}")
    if row.line in usual and _same(ratio, usual[row.line]):
        return Explained(row, Reason.PRICE, f"x {ratio:.3f}")
    if state.last_changed > row.day + SETTLING_DAYS * DAY:
        return Explained(row, Reason.LATE, f"on {state.last_changed}")
    return Explained(row, Reason.UNBILLED if ratio < (discount or 1.0) else Reason.MORE)


def _without_estimate(comparison: Comparison, row: LineOfDay) -> Explained:
    if row.line.cost_type in NO_USAGE_REPORT:
        return Explained(row, Reason.NO_USAGE)
    causes = {
        one.reason
        for one in comparison.unpriced
        if (one.day, one.model) == (row.day, row.line.model)
    }
    if causes:
        return Explained(row, Reason.UNPRICED, ", ".join(sorted(causes)))
    return Explained(row, Reason.NO_USAGE)


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
