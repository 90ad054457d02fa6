"""What a report says, as pure data; JSON shows it as it stands here (floor 4).

Amounts are USD, taken from the views: they equal what /metrics shows at the same moment. None is
what is not known, such as the spend of a period whose history is still being loaded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Period:
    """A day, week or month, in local days; of one that runs `end` is tomorrow."""

    name: str
    first: date
    end: date
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Tokens by type; they do not overlap."""

    input: int
    output: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    total: int
    cache_hit_ratio: float | None
    """The share of the prompt that was read from the cache."""


@dataclass(frozen=True, slots=True)
class AccountSpend:
    """One account in the period."""

    provider: str
    account: str
    is_read: bool
    """Whether its usage is read; if not, it has fixed fees only."""
    metered_usd: float | None
    subscription_usd: float
    total_usd: float | None
    tokens: TokenCounts
    is_loading: bool = False
    """Whether history is being loaded."""
    known_from: datetime | None = None
    """Since when its spend is known without a hole."""


@dataclass(frozen=True, slots=True)
class Share:
    """One member of what the report is cut by."""

    provider: str
    account: str
    id: str
    name: str
    """Empty where there is no other than the id."""
    spend_usd: float | None
    tokens: TokenCounts


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a month will have cost, fixed fees included; run_rate_7d has only p50."""

    account: str
    """Empty: all accounts together."""
    horizon: str
    method: str
    p10_usd: float | None
    p50_usd: float
    p90_usd: float | None
    history_days: int
    """Complete days behind it; below 7 it is a first guess."""


@dataclass(frozen=True, slots=True)
class BudgetState:
    """A budget in its own period."""

    budget: str
    scope_type: str
    scope: str
    period: str
    limit_usd: float
    spent_usd: float | None
    used_ratio: float | None
    elapsed_ratio: float | None
    level: str
    """The highest level that was reached; empty below all of them."""
    p10_usd: float | None
    p50_usd: float | None
    p90_usd: float | None
    exhausted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A fixed fee."""

    provider: str
    account: str
    plan: str
    usd_per_month: float


@dataclass(frozen=True, slots=True)
class Credit:
    """Prepaid credit."""

    provider: str
    account: str
    balance_usd: float
    exhausted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that `report` knows."""

    taken_at: datetime
    data_until: datetime | None
    """Up to where the usage of every account has been read."""
    time_zone: str
    period: Period
    accounts: tuple[AccountSpend, ...] = ()
    total_usd: float | None = None
    """All accounts together, with fixed fees; unknown while one of them is."""
    by: dict[str, tuple[Share, ...]] = field(default_factory=dict)
    unpriced_tokens: int = 0
    """Tokens of the period that have no price: their cost is missing."""
    forecasts: tuple[Forecast, ...] = ()
    budgets: tuple[BudgetState, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    credit: tuple[Credit, ...] = ()
