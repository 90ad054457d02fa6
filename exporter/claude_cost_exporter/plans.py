"""What the user told the exporter about money, as pure data that views read (floor 0).

Money is integer nano-USD, days are local days of the configured time zone, and stretches of days
end before their `end`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.records import NANO

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal

    from claude_cost_exporter.calendars import PeriodName, WorkingDays

MONTHS_OF_A_YEAR = 12


def nano(usd: Decimal) -> int:
    """Return an amount that has no more than nine decimals in nano-USD."""
    return int(usd * NANO)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A fixed fee: so many nano-USD every so many months."""

    provider: str
    account: str
    plan: str
    fee: int
    months: int = 1
    first: date | None = None
    """None: from ever."""
    end: date | None = None
    """None: for ever."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent in a period, within a scope."""

    name: str
    limit: int | None
    """None: the provider's own limit for the scope."""
    period: PeriodName
    scope_type: str
    scope: str
    """An id or a name; `all` for everything."""
    levels: Mapping[str, float]
    """Shares of the limit by level, ascending."""
    working_days: WorkingDays
    team: str = ""
    account: str = ""
    """Whose member the scope is; empty: of whichever accounts have one."""


@dataclass(frozen=True, slots=True)
class TopUp:
    """Prepaid credit that was bought on a day."""

    account: str
    day: date
    amount: int


@dataclass(frozen=True, slots=True)
class ModelPair:
    """Two models that shall be compared, by their labels."""

    from_model: str
    to_model: str


class Gate(NamedTuple):
    """What the spend of a window must exceed, all at once, before it is called an anomaly."""

    sigmas: float
    ratio: float
    floor_of_level: float
    """Above what is expected, as a share of a normal day."""
    floor_usd: float = 5.0
    """The same in USD; the higher one holds."""


# An hour's 8 sigmas, and not 5, halve its false alarms and leave a runaway of hours as visible
# as it was: the backtest prints both.
GATES: Mapping[str, Gate] = {
    "1h": Gate(8.0, 3.0, 0.25),
    "24h": Gate(3.0, 1.5, 0.25),
    "7d": Gate(2.5, 1.4, 0.15),
}


@dataclass(frozen=True, slots=True)
class Plans:
    """All of it; empty when nothing is configured."""

    subscriptions: tuple[Subscription, ...] = ()
    budgets: tuple[Budget, ...] = ()
    top_ups: tuple[TopUp, ...] = ()
    model_pairs: tuple[ModelPair, ...] = ()
    gates: Mapping[str, Gate] = field(default_factory=lambda: GATES)
    """By window: 1h, 24h, 7d."""
