"""Prepaid credit: what is left of it, and for how long: formulas, no samples (floor 3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from claude_cost_exporter.plans import TopUp

LONGEST_RUNWAY_DAYS = 3650
"""Credit that lasts longer has no date: nobody spends at one week's rate for ten years."""


@dataclass(frozen=True, slots=True)
class Runway:
    """Credit of one account at one moment, in nano-USD."""

    balance: int
    exhausted_at: datetime | None
    """Never before now: when credit that is spent ran out is not known. None: nothing is spent, or
    next to nothing."""


def bought(top_ups: Sequence[TopUp], today: date) -> list[TopUp]:
    """Return the top-ups up to today."""
    return [one for one in top_ups if one.day <= today]


def runway(top_ups: Sequence[TopUp], spent: int, per_day: float, now: datetime) -> Runway:
    """Return how long the credit of an account lasts.

    `top_ups` are those that were bought until now, `spent` is what was spent since the
    first one's day, and `per_day` the burn rate of seven days.
    """
    balance = sum(one.amount for one in top_ups) - spent
    if balance <= 0:
        return Runway(balance, now)
    if per_day * LONGEST_RUNWAY_DAYS <= balance:
        return Runway(balance, None)
    return Runway(balance, now + timedelta(days=balance / per_day))
