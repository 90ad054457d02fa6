"""From when on spend is unusual: `anomalies` (floor 1)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct, field

from claude_cost_exporter import plans
from claude_cost_exporter.config.problems import Problem, wrong_number

if TYPE_CHECKING:
    from collections.abc import Iterator

Sigma = Annotated[
    Decimal, Meta(description="Usual deviations above what is expected.", examples=[3])
]
Ratio = Annotated[Decimal, Meta(description="Times what is expected.", examples=[1.5])]
FloorUsd = Annotated[
    Decimal,
    Meta(description="USD above what is expected, for each day of a longer window.", examples=[5]),
]
FloorShare = Annotated[
    Decimal,
    Meta(
        description="The same as a share of what a normal day costs; the higher of both holds.",
        examples=[0.25],
    ),
]
LEAST = {"sigma": 0, "ratio": 1, "floor_usd": 0, "floor_share": 0}


class DayThresholds(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The last 24 hours are unusual when all of these are exceeded."""

    sigma: Sigma = Decimal(3)
    ratio: Ratio = Decimal("1.5")
    floor_usd: FloorUsd = Decimal(5)
    floor_share: FloorShare = Decimal("0.25")

    def problems(self) -> Iterator[Problem]:
        """Yield which numbers are out of bounds."""
        for name, least in LEAST.items():
            if wrong := wrong_number(getattr(self, name), least, "3"):
                yield Problem((name,), wrong)

    def gate(self) -> plans.Gate:
        """Return them as views read them."""
        numbers = (self.sigma, self.ratio, self.floor_share, self.floor_usd)
        return plans.Gate(*map(float, numbers))


class HourThresholds(DayThresholds, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An hour is unusual when all of these are exceeded."""

    sigma: Sigma = Decimal(8)
    ratio: Ratio = Decimal(3)


class WeekThresholds(DayThresholds, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The last seven days are unusual when all of these are exceeded."""

    sigma: Sigma = Decimal("2.5")
    ratio: Ratio = Decimal("1.4")
    floor_share: FloorShare = Decimal("0.15")


class Anomalies(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How far above what is expected spend must be to be unusual, by window.

    Of one model or workspace, spend must also be above what is expected of it by 15 % of what a
    normal day of the whole organisation costs, for each day of a longer window: what is small
    beside all else wakes nobody.
    """

    hour: Annotated[HourThresholds, Meta(description="Sudden peaks.")] = field(
        default=HourThresholds(), name="1h"
    )
    day: Annotated[DayThresholds, Meta(description="What runs away.")] = field(
        default=DayThresholds(), name="24h"
    )
    week: Annotated[WeekThresholds, Meta(description="What creeps up.")] = field(
        default=WeekThresholds(), name="7d"
    )

    def by_window(self) -> dict[str, DayThresholds]:
        """Return the thresholds by window."""
        return {"1h": self.hour, "24h": self.day, "7d": self.week}

    def problems(self) -> Iterator[Problem]:
        """Yield which numbers are out of bounds."""
        for window, thresholds in self.by_window().items():
            for keys, sentence in thresholds.problems():
                yield Problem((f"{window}.{keys[0]}", window), sentence)

    def gates(self) -> dict[str, plans.Gate]:
        """Return them as views read them."""
        return {window: one.gate() for window, one in self.by_window().items()}
