"""Whether the estimate is right: the bill, what nobody explains, prices and corrections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.source import trust, variables
from grafana.source.board import Line, dashboard
from grafana.source.links import HEALTH, MODELS, OVERVIEW, RECONCILIATION, WORKSPACES
from grafana.source.look import (
    BILL_RATIO,
    DAY,
    DURATION,
    MONEY,
    NEUTRAL,
    RATIO,
    TOKENS,
    UNIT_COST,
    above,
    around,
)
from grafana.source.panels import About, Query, bars, figures, hourly, trend
from grafana.source.promql import grown, mine, or_zero, per_day, total
from grafana.source.tables import Column, Key, rows

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import bargauge, stat, table, timeseries
    from grafana_foundation_sdk.models.dashboard import Dashboard

CLOSED = 'window="month_to_date_closed"'
MODEL = 'model=~"$model"'
NOTHING = "none in this time range"
NO_BILL = "not billed yet"
TOKENS_ONLY = 'token_type!="none"'
UNPRICED = mine("llm_unpriced_tokens_total", MODEL)
RESTATED = mine("llm_cost_restated_usd_total")
QUARTER = 90 * DAY
"""Seconds. Packaged prices that were checked longer ago make the alert LLMPriceCatalogueOld."""


def _figures() -> list[stat.Panel]:
    windows = {"this month": CLOSED, "7 days": 'window="last_7_closed_days"'}
    both = [
        Query(total(mine(f"llm_{truth}_spend_usd", window)), f"{truth}, {name}")
        for name, window in windows.items()
        for truth in ("billed", "estimated")
    ]
    truths = About(
        "Billed days",
        "The bill and the estimate over the same closed UTC days. This month's bill so far is "
        "what the invoice will begin with; it is there once its first day has been billed.",
        OVERVIEW,
        8,
    )
    ratio = About(
        "Billed / estimated, 7 days",
        "Tokens and web search, of weeks above $10. 100 % is the list price, or your contract's if "
        "it is configured or learned. A steady 85 % is a discount: enter it as an override. "
        "Anything else: see by model below.",
        RECONCILIATION,
        5,
    )
    loose = About(
        "Unattributed, month",
        "The organisation's total less what workspaces and keys explain. A few dollars are "
        "rounding and timing; more is usage that no workspace owns.",
        WORKSPACES,
        4,
    )
    missing = About(
        "Unpriced",
        "Tokens of this time range that no price is known for. Their cost is in no amount here, "
        "so budgets do not see them: add an override.",
        MODELS,
        3,
    )
    checked = About(
        "Prices last checked",
        "How long ago the newest packaged price was compared with its source. Update the exporter "
        "when that is more than 90 days.",
        HEALTH,
        4,
    )
    unattributed = total(mine("llm_unattributed_spend_usd", 'window="month_to_date"'))
    age = "time() - max(llm_price_catalogue_verified_timestamp_seconds)"
    return [
        figures(truths, MONEY, *both, empty=NO_BILL),
        figures(ratio, RATIO, Query(trust.bill_ratio()), steps=BILL_RATIO, empty=NO_BILL),
        figures(loose, MONEY, Query(unattributed), steps=around(-5, 5)),
        figures(
            missing,
            TOKENS,
            Query(or_zero(total(grown(UNPRICED)))),
            steps=above(1),
        ),
        figures(checked, DURATION, Query(age), steps=above(QUARTER / 2, QUARTER)),
    ]


def _by_day() -> list[timeseries.Panel]:
    staircase = About(
        "This month so far, billed and estimated",
        "Tokens and web search of the month's billed days, added up: each step is a day whose bill "
        "came, and the gap is what the estimate has got wrong so far. The days one by one are in "
        "`claude-cost-exporter reconcile`.",
        OVERVIEW,
    )
    ratio = About(
        "Billed / estimated over 7 days",
        "A slow move is a changed mix, a step a changed price or discount.",
        MODELS,
    )
    compared = (CLOSED, trust.ESTIMABLE)
    return [
        trend(
            staircase,
            MONEY,
            Query(total(mine("llm_billed_spend_usd", *compared)), "billed"),
            Query(total(mine("llm_estimated_spend_usd", *compared)), "estimated"),
            empty=NO_BILL,
        ),
        trend(
            ratio,
            RATIO,
            Query(trust.bill_ratio(), "billed / estimated"),
            steps=BILL_RATIO,
            empty=NO_BILL,
        ),
    ]


def _tables() -> list[table.Panel | bargauge.Panel]:
    windows = About(
        "Billed and estimated by kind of cost",
        "code_execution and session_usage are billed and cannot be estimated, so they have no "
        "estimate. The other two should agree.",
        OVERVIEW,
    )
    ratios = About(
        "Billed / estimated by model and token type",
        "The bar that leaves 100 % says which price is wrong. Learned prices bring it back within "
        "days; an override does so at once.",
        MODELS,
    )
    by = "account, window, cost_type"
    ratio = mine("llm_billed_to_estimated_ratio", MODEL, TOKENS_ONLY)
    return [
        rows(
            windows,
            {
                "account": Key("Account"),
                "window": Key("Days"),
                "cost_type": Key("Kind"),
            },
            Column("Billed", total(mine("llm_billed_spend_usd"), by), MONEY),
            Column("Estimated", total(mine("llm_estimated_spend_usd"), by), MONEY),
            empty=NO_BILL,
        ),
        bars(
            ratios,
            RATIO,
            Query(f"max by (model, token_type) ({ratio})", "{{model}} {{token_type}}"),
            steps=BILL_RATIO,
            empty=NO_BILL,
            full=1.2,
        ),
    ]


def _unexplained() -> list[timeseries.Panel]:
    loose = About(
        "Unattributed by window",
        "Should hover about 0. A lasting surplus is usage outside of every workspace; a lasting "
        "deficit is a key that reads two organisations.",
        WORKSPACES,
        8,
    )
    missing = About(
        "Unpriced tokens by model and reason, per day",
        "unknown_model: the exporter is older than the model, so update it or add an override. "
        "Tiers that are paid by commitment have no price per token.",
        MODELS,
        8,
    )
    vague = About(
        "Ambiguously priced tokens, per day",
        "Priced at the lower of two bands because the report does not say which one applies: the "
        "estimate may be too low by the difference.",
        MODELS,
        8,
    )
    ambiguous = mine("llm_price_ambiguous_tokens_total", MODEL)
    unattributed = total(mine("llm_unattributed_spend_usd"), "window")
    return [
        trend(loose, MONEY, Query(unattributed, "{{window}}")),
        trend(
            missing,
            TOKENS,
            hourly(per_day(UNPRICED, "model, reason"), "{{model}}: {{reason}}"),
            stacked=True,
            empty=NOTHING,
        ),
        trend(
            vague,
            TOKENS,
            hourly(per_day(ambiguous, "model, token_type"), "{{model}} {{token_type}}"),
            stacked=True,
            empty=NOTHING,
        ),
    ]


def _prices() -> list[table.Panel | timeseries.Panel]:
    rates = About(
        "Prices in force, and where they come from",
        "list is the packaged price, learned comes from your own bill, override from your "
        "configuration. Compare overrides with the contract.",
        MODELS,
        18,
    )
    corrections = About(
        "Restatements, per day",
        "The provider's corrections of hours that had been closed for more than an hour. Counters "
        "do not fall; a large down means that they stand above the ledger for a while.",
        HEALTH,
        6,
    )
    labels = {
        "model": "Model",
        "token_type": "Token type",
        "origin": "Origin",
        "service_tier": "Tier",
        "speed": "Speed",
        "inference_geo": "Region",
        "context_window": "Context",
        "account": "Account",
    }
    price = mine("llm_price_usd_per_million_tokens", MODEL)
    return [
        rows(
            rates,
            {label: Key(title) for label, title in labels.items()},
            Column("Per Mtok", f"max by ({', '.join(labels)}) ({price})", UNIT_COST),
            empty="no tokens of the last days have a price",
        ),
        trend(
            corrections,
            MONEY,
            hourly(per_day(RESTATED, "direction"), "{{direction}}"),
            steps=NEUTRAL,
            empty=NOTHING,
        ),
    ]


def build() -> Dashboard:
    """Return the dashboard that compares the estimate with the bill."""
    return dashboard(
        RECONCILIATION,
        "Whether the estimate is right: the bill, what nobody explains, prices, corrections.",
        [variables.provider(), variables.account(), variables.models()],
        Line(4, _figures()),
        Line(9, _by_day()),
        Line(10, _tables()),
        Line(8, _unexplained(), "What is missing or vague"),
        Line(10, _prices(), "Prices and corrections"),
    )
