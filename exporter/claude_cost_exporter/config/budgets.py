"""What may be spent: `budgets` (floor 1)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal, get_args
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct, field

from claude_cost_exporter import plans
from claude_cost_exporter.calendars import WEEK, PeriodName, Weekday, WorkingDays
from claude_cost_exporter.config.problems import (
    Problem,
    suggestion,
    wrong_account,
    wrong_name,
    wrong_usd,
    wrong_zone,
)
from claude_cost_exporter.records import model_label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claude_cost_exporter.config.problems import Surroundings

ALL = "all"
ScopeType = Literal["all", "provider", "account", "workspace", "api_key", "model", "end_customer"]
SCOPE_TYPES: tuple[ScopeType, ...] = get_args(ScopeType)
ALWAYS_KNOWN = frozenset(SCOPE_TYPES[:3])
"""What needs no source to be told apart."""
BY_THE_DAY = "end_customer"
"""What is known by whole UTC days only."""
MOST_OF_A_LIMIT = 10
LIMITED_BY_PROVIDERS = ("account", "workspace")


class Levels(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Shares of the limit at which alerts of rising urgency fire."""

    soft: Annotated[Decimal, Meta(description="For information.", examples=[0.7])] = Decimal("0.7")
    warn: Annotated[Decimal, Meta(description="A warning.", examples=[0.8])] = Decimal("0.8")
    hard: Annotated[Decimal, Meta(description="The budget is spent.", examples=[1])] = Decimal(1)

    def wrong(self) -> str | None:
        """Return why the levels do not rise."""
        if 0 < self.soft < self.warn < self.hard <= MOST_OF_A_LIMIT:
            return None
        found = ", ".join(f"{name}: {value}" for name, value in self.shares().items())
        return f"{found} do not rise from more than 0 to at most {MOST_OF_A_LIMIT}; 1 is the limit"

    def shares(self) -> dict[str, Decimal]:
        """Return the levels by their names, ascending."""
        return {"soft": self.soft, "warn": self.warn, "hard": self.hard}


class Calendar(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The days on which a budget is spent: they make its expected pace and its allowance."""

    weekdays: Annotated[
        list[Weekday], Meta(description="Days of the week that count.", examples=[["monday"]])
    ] = field(default_factory=lambda: list(WEEK[:5]))
    holidays: Annotated[
        list[date],
        Meta(description="Days that do not count all the same.", examples=[["2026-12-25"]]),
    ] = []
    time_zone: Annotated[
        str | None,
        Meta(
            description="Time zone in which these days begin and end. Without one: that of the "
            "whole file.",
            examples=["America/New_York"],
        ),
    ] = None

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong, each with the key inside of this block."""
        if not self.weekdays:
            yield Problem(("weekdays",), "is empty; name the days that count, such as monday")
        if self.time_zone is not None and (wrong := wrong_zone(self.time_zone)):
            yield Problem(("time_zone",), wrong)

    def days(self, time_zone: str) -> WorkingDays:
        """Return them as views read them; `time_zone` is that of the whole file."""
        weekdays = frozenset(WEEK.index(day) for day in self.weekdays)
        zone = ZoneInfo(self.time_zone or time_zone)
        return WorkingDays(zone, weekdays, frozenset(self.holidays))


class Budget(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An amount that one scope may spend in a period. Needs amount_usd or from."""

    name: Annotated[
        str, Meta(description="Name, the value of the label budget.", examples=["research"])
    ]
    amount_usd: Annotated[
        Decimal | None, Meta(description="The limit in USD.", examples=[2000])
    ] = None
    from_: Annotated[
        Literal["provider_limit"] | None,
        Meta(
            description="Take the provider's own cap of an account or a workspace for a month as "
            "the limit; without such a cap the budget is absent.",
            examples=["provider_limit"],
        ),
    ] = field(default=None, name="from")
    period: Annotated[
        PeriodName,
        Meta(
            description="The calendar period, in the time zone of the whole file.",
            examples=["day"],
        ),
    ] = "month"
    scope_type: Annotated[
        ScopeType,
        Meta(
            description="What kind of thing the budget is for. end_customer needs the analytics "
            "API, which tells it by UTC days: the last one that is over is the newest, and no "
            "period of a day is possible.",
            examples=["workspace"],
        ),
    ] = "all"
    scope: Annotated[
        str | None,
        Meta(
            description="Which one: its id, or its name as the provider shows it; all needs none.",
            examples=["Research"],
        ),
    ] = None
    account: Annotated[
        str | None,
        Meta(
            description="The account whose workspace, API key, model or end customer it is. "
            "Without one: the sum over all accounts that have it, such as the workspace default.",
            examples=["acme"],
        ),
    ] = None
    levels: Annotated[Levels, Meta(description="When alerts fire.")] = Levels()
    team: Annotated[
        str, Meta(description="Who is told, the value of the label team.", examples=["research"])
    ] = ""
    working_days: Annotated[
        Calendar | None,
        Meta(description="Days on which money is spent. Without them: every day."),
    ] = None

    def problems(self, around: Surroundings) -> Iterator[Problem]:
        """Yield what is wrong."""
        if wrong := wrong_name(self.name, "research"):
            yield Problem(("name",), wrong)
        if self.team and (wrong := wrong_name(self.team, "research")):
            yield Problem(("team",), wrong)
        if wrong := self.levels.wrong():
            yield Problem(("levels",), wrong)
        for keys, sentence in self.working_days.problems() if self.working_days else ():
            yield Problem((f"working_days.{keys[0]}", "working_days"), sentence)
        if self.scope_type == BY_THE_DAY and self.period == "day":
            sentence = f"what one {BY_THE_DAY} spends is known when the day is over"
            yield Problem(("period", "scope_type"), f"{sentence}; write week or month")
        yield from self._limit_problems()
        yield from self._scope_problems(around)
        yield from self._account_problems(around)

    def _limit_problems(self) -> Iterator[Problem]:
        if (self.amount_usd is None) == (self.from_ is None):
            found = "none is given" if self.from_ is None else "both are given"
            sentence = f"exactly one of amount_usd and from is needed; {found}"
            yield Problem(("amount_usd", "from"), sentence)
        elif self.amount_usd is not None and (wrong := wrong_usd(self.amount_usd)):
            yield Problem(("amount_usd",), wrong)
        elif self.from_ and self.scope_type not in LIMITED_BY_PROVIDERS:
            sentence = f"providers cap accounts and workspaces, not {self.scope_type}"
            yield Problem(("from", "scope_type"), f"{sentence}; write amount_usd")
        elif self.from_ and self.period != "month":
            sentence = f"providers cap a month, not a {self.period}; write month or amount_usd"
            yield Problem(("period", "from"), sentence)

    def _scope_problems(self, around: Surroundings) -> Iterator[Problem]:
        if self.scope_type not in around.scope_types:
            known = ", ".join(kind for kind in SCOPE_TYPES if kind in around.scope_types)
            sentence = f"no source can tell what one {self.scope_type} spends; known: {known}"
            yield Problem(("scope_type",), sentence)
        elif self.scope_type == ALL:
            if self.scope not in (None, ALL):
                sentence = f"all of what? {self.scope} needs a scope_type, such as workspace"
                yield Problem(("scope", "scope_type"), sentence)
        elif self.scope is None:
            sentence = f"missing; name the {self.scope_type} by its id or name"
            yield Problem(("scope", "scope_type"), sentence)
        elif wrong := self._wrong_scope(self.scope, around):
            yield Problem(("scope", "scope_type"), wrong)

    def _account_problems(self, around: Surroundings) -> Iterator[Problem]:
        if self.account is None:
            return
        if self.scope_type in ALWAYS_KNOWN:
            sentence = f"a budget with scope_type {self.scope_type} is of no account's member"
            yield Problem(("account", "scope_type"), f"{sentence}; remove it")
        elif wrong := wrong_account(self.account, around):
            yield Problem(("account",), wrong)

    def _wrong_scope(self, scope: str, around: Surroundings) -> str | None:
        """Return why there can be no such thing, as far as the configuration knows."""
        if wrong := wrong_name(scope, "its id or name"):
            return wrong
        if self.scope_type == "account":
            return wrong_account(scope, around)
        if self.scope_type == "provider":
            known = {*around.owners.values(), *around.payees}
            if scope in known or None in known:
                return None
            return f"{scope} is no provider; {suggestion(scope, sorted(filter(None, known)))}"
        label = model_label(scope)
        if self.scope_type == "model" and label != scope:
            return f"{scope} has the model label {label}; write that"
        return None

    def plan_of(self, time_zone: str) -> plans.Budget:
        """Return it as views read it; `time_zone` is that of the whole file."""
        every_day = WorkingDays(ZoneInfo(time_zone))
        return plans.Budget(
            self.name,
            None if self.amount_usd is None else plans.nano(self.amount_usd),
            self.period,
            self.scope_type,
            self.scope or ALL,
            {name: float(share) for name, share in self.levels.shares().items()},
            self.working_days.days(time_zone) if self.working_days else every_day,
            self.team,
            self.account or "",
        )
