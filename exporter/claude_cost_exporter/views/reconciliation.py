"""Why the bill and the estimate of a line differ: pure, from a `Comparison` (floor 3).

A line matches when it differs by less than a tenth of a percent or half a cent. What does not
match gets the first reason that explains it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.views.ratios import ABSOLUTE, RELATIVE, Ratios, same

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from claude_cost_exporter.comparison import BillState, Comparison, LineOfDay

LANDING = 4 * DAY
"""Parts of a bill have been seen to arrive this long after the day."""
FEW = 2
"""More figures than these are shown as a range."""
MAY_CHANGE = "the bill may still change"
TOKENS = "tokens"
NO_USAGE_REPORT = ("code_execution", "session_usage")


class Reason(StrEnum):
    """Why a line does not match."""

    NOT_READ = "the bill has not been read yet"
    USAGE_UNREAD = "the usage of the day has not been read completely"
    CREDIT = "a credit"
    DISCOUNT = "discount"
    SURCHARGE = "billed above the estimate"
    WHOLE_DAY = "the whole day is billed at another rate"
    NO_USAGE = "billed, but in no usage report"
    UNPRICED = "no list price, so nothing was estimated"
    PRICE = "the bill has another price"
    RESTATED = "the bill was changed after it had settled"
    LATE = "late, part of the bill may still arrive"
    UNBILLED = "used, but not billed, like refused requests"
    MORE = "billed more than was used, or usage is late"


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

    def may_change(self, day: date) -> bool:
        """Tell whether the bill of a day has been read, and is not in force yet."""
        state = self.comparison.bills.get(day)
        return state is not None and not state.in_force

    def why(self, one: Explained) -> str:
        """Return the whole reason of a line, empty when it matches."""
        if one.reason is None:
            return ""
        return sentence(one.reason, {one.detail} - {""}, may_change=self.may_change(one.row.day))

    def total(self, *, billed: bool) -> int:
        """Return nano-USD of every line; lines without a bill count 0."""
        if billed:
            return sum(one.row.billed or 0 for one in self.lines)
        return sum(one.row.estimated for one in self.lines)


def sentence(reason: Reason, details: Collection[str] = (), *, may_change: bool = False) -> str:
    """Return a reason in words; of many figures, the lowest and the highest."""
    ordered = sorted(details)
    said = f"{ordered[0]} to {ordered[-1]}" if len(ordered) > FEW else ", ".join(ordered)
    whole = f"{reason}: {said}" if said else str(reason)
    return f"{whole} ({MAY_CHANGE})" if may_change and reason is not Reason.LATE else whole


def reconcile(comparison: Comparison) -> Reconciliation:
    """Return every line with the reason of its difference."""
    ratios = Ratios.of(comparison)
    explained = tuple(_explain(comparison, row, ratios) for row in comparison.lines)
    return Reconciliation(comparison, explained, ratios.discount)


def _explain(comparison: Comparison, row: LineOfDay, ratios: Ratios) -> Explained:
    state = comparison.bills.get(row.day)
    if row.billed is None or state is None:
        return Explained(row, Reason.NOT_READ)
    if abs(row.billed - row.estimated) <= max(ABSOLUTE, RELATIVE * row.estimated):
        return Explained(row, None)
    if row.day in comparison.unread:
        return Explained(row, Reason.USAGE_UNREAD)
    if row.billed < 0:
        return Explained(row, Reason.CREDIT)
    if row.estimated <= 0:
        return _without_estimate(comparison, row)
    ratio = row.billed / row.estimated
    complete = state.in_force or not _is_recent(comparison, row)
    return (
        _by_day(row, ratio, ratios, complete=complete)
        or _by_restatement(row, row.billed, state)
        or _by_line(comparison, row, ratio, ratios)
    )


def _is_recent(comparison: Comparison, row: LineOfDay) -> bool:
    """Tell whether parts of a day's bill may not have arrived yet."""
    return (comparison.newest_bill or comparison.last) - row.day < LANDING


def _by_day(row: LineOfDay, ratio: float, ratios: Ratios, *, complete: bool) -> Explained | None:
    """Explain a difference by the ratio that everything of the day has.

    What there is no discount on lacks its part of that ratio. Half of a bill is no other rate.
    """
    whole, discount = ratios.by_day.get(row.day), ratios.discount
    if whole is not None and same(ratio, whole):
        if discount is not None and same(whole, discount):
            reason = Reason.DISCOUNT if whole < 1 else Reason.SURCHARGE
            return Explained(row, reason, f"{abs(1 - whole):.1%}")
        if complete:
            return Explained(row, Reason.WHOLE_DAY, f"x {ratio:.4f}")
    if complete and whole is not None and discount is not None and same(ratio, whole / discount):
        return Explained(row, Reason.WHOLE_DAY, f"x {ratio:.4f}")
    learned = ratios.learned_on(row.day)
    if learned is not None and learned < ratio < 1:
        return Explained(row, Reason.DISCOUNT, "learned during this day")
    return None


def _by_restatement(row: LineOfDay, billed: int, state: BillState) -> Explained | None:
    """Explain a difference by a change of the bill that led away from the estimate."""
    if not state.in_force or abs(row.settled - row.estimated) >= abs(billed - row.estimated):
        return None
    return Explained(row, Reason.RESTATED, f"last on {state.last_changed}")


def _by_line(comparison: Comparison, row: LineOfDay, ratio: float, ratios: Ratios) -> Explained:
    """Explain a difference by the ratio that the line usually has, or by its direction."""
    usual = ratios.by_line.get(row.line)
    if usual is not None and same(ratio, usual, RELATIVE):
        return Explained(row, Reason.PRICE, f"x {ratio:.4f}")
    if ratio > _expected(row, usual, ratios):
        if causes := _causes(comparison, row):
            return Explained(row, Reason.UNPRICED, f"{causes}, a part of the tokens")
        return Explained(row, Reason.MORE)
    late = _is_recent(comparison, row)
    return Explained(row, Reason.LATE if late else Reason.UNBILLED)


def _expected(row: LineOfDay, usual: float | None, ratios: Ratios) -> float:
    """Return the ratio of a line that has all its usage; not everything has the discount."""
    if row.line.cost_type == TOKENS:
        return ratios.by_day.get(row.day, 1.0)
    return usual or 1.0


def _without_estimate(comparison: Comparison, row: LineOfDay) -> Explained:
    if row.line.cost_type in NO_USAGE_REPORT:
        return Explained(row, Reason.NO_USAGE)
    if causes := _causes(comparison, row):
        return Explained(row, Reason.UNPRICED, causes)
    return Explained(row, Reason.NO_USAGE)


def _causes(comparison: Comparison, row: LineOfDay) -> str:
    """Return why tokens of a line's model have no price that day."""
    place = (row.day, row.line.model)
    found = {one.reason for one in comparison.unpriced if (one.day, one.model) == place}
    return ", ".join(sorted(found))
