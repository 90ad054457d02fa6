"""Money that is fixed beforehand: fees, prepaid credit and the provider's cap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.source.links import OVERVIEW, WORKSPACES
from grafana.source.look import MONEY, NEUTRAL, SHARE, WHEN, Steps, above
from grafana.source.panels import About, Query, figures
from grafana.source.promql import METERED, MONTH, milliseconds, mine, one, total
from grafana.source.tables import Column, Key, rows

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import stat, table


CREDIT_LEFT: Steps = ((None, "red"), (100, "orange"), (500, "green"))


def subscriptions() -> table.Panel:
    """Return the configured fees."""
    fees = total(mine("llm_subscription_usd_per_month"), "provider, account, plan")
    return rows(
        About(
            "Subscriptions, per month",
            "Configured fixed fees. They are a part of spend and forecasts, and of no counter. "
            "Correct them in the configuration when seats change.",
            OVERVIEW,
            6,
        ),
        {"provider": Key("Provider"), "account": Key("Account"), "plan": Key("Plan")},
        Column("Fee", fees, MONEY),
        empty="no fixed fees are configured",
    )


def credit() -> stat.Panel:
    """Return what is left of prepaid credit, and how long it lasts."""
    balance = total(mine("llm_credit_balance_usd"))
    end = f"min({one(mine('llm_credit_exhaustion_timestamp_seconds'))})"
    return figures(
        About(
            "Prepaid credit",
            "Configured top-ups less spend, and when that reaches 0 at last week's rate. Without "
            "credit the API refuses requests: top up before.",
            OVERVIEW,
            7,
        ),
        MONEY,
        Query(balance, "left", MONEY, CREDIT_LEFT),
        Query(milliseconds(end), "lasts until", WHEN, NEUTRAL),
        empty="none is configured",
    )


def provider_cap() -> stat.Panel:
    """Return how much of what the provider allows is used."""
    limit = one(mine("llm_provider_spend_limit_usd", 'scope_type="account"', 'period="monthly"'))
    spent = one(mine("llm_spend_usd", METERED, MONTH))
    return figures(
        About(
            "Provider's own cap used",
            "This month's metered spend against the spend limit that the provider enforces. At "
            "100 % it refuses requests: have the limit raised before.",
            WORKSPACES,
            5,
        ),
        SHARE,
        Query(f"max({spent} / on (provider, account) group_left () ({limit} > 0))"),
        steps=above(0.8, 0.95),
        empty="no cap, or not readable",
    )
