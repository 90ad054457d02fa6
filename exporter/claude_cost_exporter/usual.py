"""What is expected of a day, as pure data that views read (floor 0)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Expectation(NamedTuple):
    """What one day is expected to cost: in all, by hour, and at the level of an average day."""

    level: float
    hours: Sequence[float]
    total: float


class Baseline(NamedTuple):
    """All that the bands of one day need, fixed at its midnight."""

    yesterday: Expectation
    today: Expectation
    spread_of_days: float
    spread_of_hours: float
    week: float
    week_sigma: float
