"""Estimates beside the bill, day by day and line by line, as pure data (floor 0).

Money is nano-USD, days are UTC days.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from claude_cost_exporter.snapshot import Line


class LineOfDay(NamedTuple):
    """One line of one day; `billed` is None while the bill of the day has not been read.

    `settled` is what it said when it came into force, with the day's bill or later.
    """

    day: date
    line: Line
    estimated: int
    billed: int | None
    settled: int
    tokens: int


class BillState(NamedTuple):
    """What is known about the bill of one day."""

    in_force: bool
    last_changed: date
    """Since when every read has said the same."""


class Unpriced(NamedTuple):
    """Tokens of one day that have no price, and why."""

    day: date
    model: str
    reason: str
    tokens: int


class Discount(NamedTuple):
    """A discount on everything that was learned during a day; estimates of earlier hours lack it.

    `factor` is what is paid of the price before it.
    """

    learned_on: date
    factor: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """One account over some days."""

    account: str
    first: date
    last: date
    lines: tuple[LineOfDay, ...]
    bills: Mapping[date, BillState] = field(default_factory=dict)
    unpriced: tuple[Unpriced, ...] = ()
    unread: tuple[date, ...] = ()
    """Days whose usage has not been read completely: their estimate is too low."""
    discounts: tuple[Discount, ...] = ()
    """In the order in which they were learned."""
    newest_bill: date | None = None
    """The newest day whose bill has been read, also beyond `last`."""
