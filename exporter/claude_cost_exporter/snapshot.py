"""The ledger at one moment, as pure data that views read (floor 0).

Money is integer nano-USD, tokens are ints. Days are calendar days of `time_zone`; hours are UTC.
A snapshot is built in one read, never changes, and is swapped as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Self

from claude_cost_exporter.clock import floor_hour
from claude_cost_exporter.plans import Plans

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from claude_cost_exporter.records import (
        CodingCounts,
        CodingUse,
        Dimensions,
        RateLimit,
        SpendLimit,
        Tokens,
    )
    from claude_cost_exporter.usual import Baseline


class Scope(NamedTuple):
    """What a sum is about: one account, one kind of scope, one member of it.

    Kinds from the probe query: all, model, token_type. Kinds from the attribution queries:
    attributed (their total), workspace, api_key. Members of `model` are model labels. Kind
    `line` is what a bill lists: see `Line`.
    """

    account: str
    kind: str
    member: str


HOURS_SHOWN = timedelta(days=32)
"""How far back a snapshot shows the hours of an account's best-known spend."""
HOURS_OF_MEMBERS_SHOWN = timedelta(days=4)
"""The same of its members."""


def hours_shown(kind: str) -> timedelta:
    """Return how far back a snapshot shows the hours of the best-known spend of a kind of scope."""
    return HOURS_SHOWN if kind == "all" else HOURS_OF_MEMBERS_SHOWN


LATE = timedelta(minutes=5)
"""So long after its end an hour may still get usage; what was read later on, is complete."""
LINE = "line"
"""The kind of scope that a line of the bill is; its days are UTC days, whatever the time zone."""


GAUGES_OF_SCOPES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "model": ("llm_model_spend_usd", "llm_model_first_seen_timestamp_seconds"),
        "token_type": ("llm_token_type_spend_usd",),
        "line": (
            "llm_billed_spend_usd",
            "llm_estimated_spend_usd",
            "llm_billed_to_estimated_ratio",
        ),
        "workspace": ("llm_workspace_spend_usd",),
        "api_key": ("llm_api_key_spend_usd",),
        "workspace_info": ("llm_workspace_info",),
        "api_key_info": ("llm_api_key_info",),
        "coding_user": (
            "llm_claude_code_user_cost_usd",
            "llm_claude_code_sessions",
            "llm_claude_code_lines",
            "llm_claude_code_commits",
            "llm_claude_code_pull_requests",
            "llm_claude_code_edits",
        ),
        "coding_model": ("llm_claude_code_model_cost_usd", "llm_claude_code_model_tokens"),
    }
)
"""The gauges that show the members of one kind of scope: beyond the cap of the kind, as `other`."""


class Line(NamedTuple):
    """What estimates and bills can be compared by.

    Bills name no model for web searches, so their line has none either.
    """

    model: str
    cost_type: str
    token_type: str

    @property
    def member(self) -> str:
        """Return the line as a scope's member."""
        return "\x1f".join(self)

    @classmethod
    def of(cls, scope: Scope) -> Self:
        """Return the line that a scope is; what is beyond the cap is `other` in every field."""
        fields = scope.member.split("\x1f")
        return cls(*fields) if len(fields) == len(cls._fields) else cls(*fields * len(cls._fields))


@dataclass(frozen=True, slots=True)
class HourSeries:
    """Nano-USD of every UTC hour from `start` on."""

    start: datetime
    amounts: Sequence[int]


@dataclass(frozen=True, slots=True)
class SourceState:
    """What one source of one account did last. Times are None until they have happened."""

    provider: str
    account: str
    source: str
    up: bool = False
    last_attempt: datetime | None = None
    last_success: datetime | None = None
    last_error: str = ""
    watermark: datetime | None = None
    """All buckets up to here, empty ones included, have been read."""
    history_start: datetime | None = None
    """The ledger has no hole between here and the watermark."""
    history_target: datetime | None = None
    """How far back the history load will reach."""
    catching_up_until: datetime | None = None
    stale_after: timedelta = timedelta(minutes=15)
    """A longer gap between good polls counts as catching up."""
    api: str = ""
    """Which generation of the provider's API answers; empty where there is but one."""
    notes: tuple[str, ...] = ()
    """What the source found out and does differently, in sentences."""

    @property
    def is_loading(self) -> bool:
        """Tell whether more history is to come."""
        start, target = self.history_start, self.history_target
        return start is None or target is None or start > target

    def complete_hours(self, now: datetime) -> tuple[datetime, datetime] | None:
        """Return the stretch of the hours that were read after their end, None without any poll."""
        if self.history_start is None or self.watermark is None:
            return None
        return self.history_start, floor_hour(min(now, self.watermark) - LATE)


@dataclass(frozen=True, slots=True)
class AccountState:
    """One account of the ledger and its organisation."""

    provider: str
    account: str
    organization_id: str = ""
    organization_name: str = ""
    counting_since: datetime | None = None
    configured: bool = True
    """False: nothing of it is read any more; its counters and names stay."""


@dataclass(frozen=True, slots=True)
class WorkspaceName:
    """A row of `llm_workspace_info`."""

    account: str
    workspace_id: str
    name: str
    status: str
    team: str = ""


@dataclass(frozen=True, slots=True)
class ApiKeyName:
    """A row of `llm_api_key_info`."""

    account: str
    api_key_id: str
    name: str
    workspace_id: str
    status: str


@dataclass(frozen=True, slots=True)
class PriceInForce:
    """One rate in USD per million tokens, for a combination that is in use."""

    account: str
    model: str
    service_tier: str
    speed: str
    inference_geo: str
    context_window: str
    token_type: str
    origin: str
    usd_per_million: float


class Used(NamedTuple):
    """What one combination of dimensions used in a stretch of time."""

    account: str
    dimensions: Dimensions
    tokens: Tokens
    web_searches: int = 0


@dataclass(frozen=True, slots=True)
class CodingWindow:
    """Claude Code over the UTC days of a window, all of which were read."""

    account: str
    window: str
    activity: Mapping[str, CodingCounts]
    """By user, as far as users may be named."""
    user_cost: Mapping[tuple[str, str], int]
    """Nano-USD by user and customer type."""
    models: Mapping[tuple[str, str], CodingUse]
    """By model and customer type."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the views may know, at `taken_at`."""

    taken_at: datetime
    time_zone: tzinfo = UTC
    week_start: int = 0
    """First day of the week, Monday is 0."""
    accounts: tuple[AccountState, ...] = ()
    sources: tuple[SourceState, ...] = ()
    counters: Mapping[str, Mapping[tuple[str, ...], int]] = field(default_factory=dict)
    """Family -> label values in catalogue order -> exposed value (nano-USD for *_usd_total)."""
    days: Mapping[Scope, Mapping[date, int]] = field(default_factory=dict)
    """Best-known nano-USD per calendar day: last month; of kinds that have a budget at least
    the last 84 whole days; of the kind all every day."""
    estimated_days: Mapping[Scope, Mapping[date, int]] = field(default_factory=dict)
    """Estimated nano-USD per calendar day, of the kinds all, attributed and line."""
    hours: Mapping[Scope, Mapping[datetime, int]] = field(default_factory=dict)
    """Best-known nano-USD per UTC hour: 32 days of the kind all, 4 days of the kinds model,
    workspace and api_key."""
    estimated_hours: Mapping[Scope, Mapping[datetime, int]] = field(default_factory=dict)
    """Estimated nano-USD per UTC hour of the kinds all, attributed, model and workspace: the last
    8 days."""
    past: Mapping[Scope, HourSeries] = field(default_factory=dict)
    """Estimated nano-USD of whole UTC days until the last midnight, at most 84, all of them read:
    kind all, and the members of the kinds model and workspace with the largest spend."""
    baselines: Mapping[tuple[str, str, datetime], Baseline] = field(default_factory=dict)
    """Kind, member, UTC midnight -> what that day is judged by, over all accounts."""
    forecast_errors: Mapping[str, Mapping[tuple[str, str], float]] = field(default_factory=dict)
    """Account -> horizon and method -> by which share past forecasts were wrong."""
    billed_days: Mapping[str, frozenset[date]] = field(default_factory=dict)
    """Account -> UTC days whose bill has replaced the estimate, from last month on."""
    first_seen: Mapping[Scope, datetime] = field(default_factory=dict)
    """First hour with usage, kind `model`."""
    workspaces: tuple[WorkspaceName, ...] = ()
    api_keys: tuple[ApiKeyName, ...] = ()
    in_use: Mapping[str, frozenset[Dimensions]] = field(default_factory=dict)
    """Account -> combinations of the pricing dimensions with usage in the last 31 days."""
    last_day: tuple[Used, ...] = ()
    """By workspace and pricing dimensions, over the last 24 complete hours."""
    last_week: tuple[Used, ...] = ()
    """By pricing dimensions, over the last 168 complete hours."""
    break_even_reads: Mapping[tuple[str, str, str], float] = field(default_factory=dict)
    """Account, workspace, model -> reads after which what was written to a cache has paid off."""
    rerouted: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    """Account, model, other model -> nano-USD of the last week's tokens on the other model."""
    coding: tuple[CodingWindow, ...] = ()
    spend_limits: Mapping[str, tuple[SpendLimit, ...]] = field(default_factory=dict)
    """Account -> the provider's caps on spend."""
    rate_limits: Mapping[str, tuple[RateLimit, ...]] = field(default_factory=dict)
    """Account -> the provider's caps on rates."""
    prices: tuple[PriceInForce, ...] = ()
    prices_verified_on: date | None = None
    plans: Plans = field(default_factory=Plans)
    """What the user told about money."""
    state_lost_at: datetime | None = None
    ledger_bytes: int = 0
    series_dropped: Mapping[str, int] = field(default_factory=dict)
    """Family -> label sets that went to `other`."""

    @property
    def polled(self) -> tuple[AccountState, ...]:
        """Return the accounts that are still configured."""
        return tuple(account for account in self.accounts if account.configured)

    def provider_of(self, account: str) -> str:
        """Return the provider label of an account."""
        return next((a.provider for a in self.accounts if a.account == account), "unknown")
