"""The configuration, typed (floor 1). A source's own block is typed by the source.

The descriptions and examples are the only place where a setting is explained: the messages of
`check-config` and docs/configuration.md are made of them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from msgspec import Meta, Struct

from claude_cost_exporter.calendars import Weekday
from claude_cost_exporter.config.anomalies import Anomalies
from claude_cost_exporter.config.budgets import Budget
from claude_cost_exporter.config.fees import ModelPair, Subscription, TopUp
from claude_cost_exporter.plans import Plans

DEFAULT_HOLD = timedelta(seconds=90)
"""The least that a new series shows 0, unless the user says otherwise."""


class LedgerConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the ledger is."""

    url: Annotated[
        str,
        Meta(
            description="SQLite file that keeps usage and counters; three slashes and a relative "
            "path, or four and an absolute one. Empty: claude-cost-exporter/ledger.db in "
            "$XDG_STATE_HOME or ~/.local/state.",
            examples=["sqlite:////var/lib/claude-cost-exporter/ledger.db"],
        ),
    ] = ""


class PricesConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What differs from the list prices."""

    overrides: Annotated[
        list[dict[str, Any]],
        Meta(
            description="Contract rates and discounts. The last override that matches decides; "
            "new ones apply to hours that begin after they were loaded.",
            examples=[[{"factor": 0.85}]],
        ),
    ] = []


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything a user can set."""

    sources: Annotated[
        list[dict[str, Any]],
        Meta(
            description="The accounts to read, one block each.",
            examples=[[{"type": "anthropic", "account": "acme", "admin_key_env": "ACME_KEY"}]],
        ),
    ]
    ledger: Annotated[LedgerConfig, Meta(description="Where usage and counters are kept.")] = (
        LedgerConfig()
    )
    status_file: Annotated[
        str,
        Meta(
            description="File that the command status reads; serve writes it once a minute. Not "
            "set: the ledger's name with .status.json.",
            examples=["/run/user/1000/claude-cost.json"],
        ),
    ] = ""
    scrape_interval: Annotated[
        timedelta,
        Meta(
            description="How often Prometheus scrapes this exporter, as its configuration says.",
            examples=["15s"],
        ),
    ] = timedelta(seconds=15)
    new_series_hold: Annotated[
        timedelta | None,
        Meta(
            description="How long a counter of a new label set stays 0 before it shows its value, "
            "so that increase() sees the first one. Without it: the longer of 90s and 2.5 scrape "
            "intervals.",
            examples=["90s"],
        ),
    ] = None
    time_zone: Annotated[
        str,
        Meta(
            description="Time zone of today, of weeks and of months, by its IANA name.",
            examples=["Europe/Berlin"],
        ),
    ] = "UTC"
    week_start: Annotated[
        Weekday, Meta(description="First day of a week.", examples=["sunday"])
    ] = "monday"
    series_cap: Annotated[
        int,
        Meta(
            description="Label sets of one counter family, and members (models, workspaces, API "
            "keys) of one family of gauges in each account; later ones count together under other.",
            examples=[10_000],
            ge=1,
        ),
    ] = 10_000
    prices: Annotated[PricesConfig, Meta(description="What differs from the list prices.")] = (
        PricesConfig()
    )
    subscriptions: Annotated[
        list[Subscription],
        Meta(
            description="Fixed fees beside the metered cost, spread over the days that they pay "
            "for.",
            examples=[[{"provider": "anthropic", "plan": "team", "price_usd": 30}]],
        ),
    ] = []
    budgets: Annotated[
        list[Budget],
        Meta(
            description="What may be spent, by whom, in which period.",
            examples=[[{"name": "everything", "amount_usd": 2000}]],
        ),
    ] = []
    credits: Annotated[
        list[TopUp],
        Meta(
            description="Prepaid credit, for the accounts that have some.",
            examples=[[{"account": "acme", "date": "2026-11-01", "amount_usd": 500}]],
        ),
    ] = []
    routing_whatif: Annotated[
        list[ModelPair],
        Meta(
            description="Models to compare: what the last 7 days would have cost on another one "
            "with the same tokens.",
            examples=[[{"from_model": "claude-opus-5", "to_model": "claude-sonnet-5"}]],
        ),
    ] = []
    anomalies: Annotated[Anomalies, Meta(description="From when on spend is unusual.")] = (
        Anomalies()
    )

    def hold(self) -> timedelta:
        """Return how long a new series shows 0."""
        default = max(DEFAULT_HOLD, 2.5 * self.scrape_interval)
        return default if self.new_series_hold is None else self.new_series_hold

    def plans(self) -> Plans:
        """Return what views must know of it."""
        return Plans(
            subscriptions=tuple(one.plan_of() for one in self.subscriptions),
            budgets=tuple(one.plan_of(self.time_zone) for one in self.budgets),
            top_ups=tuple(one.plan_of() for one in self.credits),
            model_pairs=tuple(one.plan_of() for one in self.routing_whatif),
            gates=self.anomalies.gates(),
        )
