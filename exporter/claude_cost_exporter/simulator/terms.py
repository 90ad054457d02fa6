"""On what terms an organisation is billed, and how its bill is corrected; data of scenarios."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class BillRestatement:
    """At `after`, the bill of UTC days that began `days_back` days earlier changes by `percent`.

    Usage stays as it was.
    """

    after: timedelta
    percent: int
    days_back: int
    days: int = 1
    models: tuple[str, ...] = ()
    """Ids of the models whose rows change; empty: everything."""

    def apply(self, femto: int, model: str) -> int:
        """Return what is left of an amount, or what it has become."""
        if self.models and model not in self.models:
            return femto
        return femto * (100 + self.percent) // 100


@dataclass(frozen=True, slots=True)
class Terms:
    """What makes a bill differ from usage at list prices."""

    discount_percent: int = 0
    discounted: tuple[str, ...] = ("tokens",)
    """Cost types that the discount is on."""
    late_percent: int = 0
    """Share of each day's charges (a model of a workspace at a time) that is billed late."""
    late_by: timedelta = timedelta(0)
    """How long after the end of the day those appear."""
    restatements: tuple[BillRestatement, ...] = ()


def combine_terms(one: Terms, two: Terms) -> Terms:
    """Return terms with the larger discount and delays of two, and the corrections of both."""
    return Terms(
        max(one.discount_percent, two.discount_percent),
        tuple(dict.fromkeys(one.discounted + two.discounted)),
        max(one.late_percent, two.late_percent),
        max(one.late_by, two.late_by),
        one.restatements + two.restatements,
    )
