"""The number that billed days agree about, and since when (floor 1)."""

from __future__ import annotations

from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from claude_cost_exporter.pricing.evidence import Key, Point

RECENT_DAYS = 7
"""The newest days decide, so that a new contract is noticed within a week."""
LEAST_DAYS = 3
"""Of models that have a list price; others have no price at all without their first billed day."""
TOLERANCE = Decimal("0.005")


class Estimate(NamedTuple):
    """A number that the newest days agree about."""

    value: Decimal
    since: date | None
    """The first day with it; None: no older day has another."""


class Line(NamedTuple):
    """What has one price, and the ratio that its days agree about."""

    key: Key
    days: list[Point]
    ratio: Decimal
    since: date | None


def estimate(
    days: Sequence[Point], least: int = LEAST_DAYS, within: Decimal = TOLERANCE
) -> Estimate | None:
    """Return the ratio that most of the newest days have; None when they disagree."""
    in_order = sorted(days, key=lambda point: point.day)
    recent = in_order[-RECENT_DAYS:]
    if len(recent) < least:
        return None
    value = median(point.ratio for point in recent)
    agrees = [same(point.ratio, value, within) for point in in_order]
    newest = sum(agrees[-RECENT_DAYS:])
    if newest < least or 2 * newest <= len(recent):
        return None
    first = _first(agrees)
    return Estimate(value, in_order[first].day if first else None)


def _first(agrees: Sequence[bool]) -> int:
    """Return the first day with the number. Some days in a row with others come before it."""
    first, others = agrees.index(True), 0
    for index, one in enumerate(agrees):
        if one and others >= LEAST_DAYS:
            first = index
        others = 0 if one else others + 1
    return first


def same(one: Decimal, other: Decimal, within: Decimal = TOLERANCE) -> bool:
    """Tell whether two ratios are the same, but for rounding and noise."""
    return abs(one / other - 1) < within
