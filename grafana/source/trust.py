"""The strip on top of every dashboard: whether its numbers can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.source import promql
from grafana.source.links import HEALTH, RECONCILIATION
from grafana.source.look import (
    BILL_RATIO,
    COUNT,
    DURATION,
    GOOD,
    RATIO,
    SIMULATED,
    TOKENS,
    above,
    words,
)
from grafana.source.panels import About, Query, figures

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import stat

OLD, STALE = 900, 3600
"""Seconds. Usage is minutes old; after an hour the alert LLMDataStale fires."""


def simulated() -> stat.Panel:
    """Return the banner that says whether the data are real."""
    return figures(
        About(
            "Data",
            "SIMULATED means that the exporter runs on its own simulator (`demo`): nothing here "
            "costs anything, so do not act on it. Start the exporter with a key for real data.",
            HEALTH,
            4,
        ),
        COUNT,
        Query(
            "max(claude_cost_exporter_simulated)",
            mappings=words({"0": ("real", GOOD), "1": ("SIMULATED", SIMULATED)}),
        ),
        steps=above(1),
        empty="no exporter",
        loud=True,
    )


def data_age() -> str:
    """Return how old the oldest selected account's usage is, in seconds."""
    watermark = promql.mine("llm_source_data_watermark_timestamp_seconds", 'source="usage"')
    return f"time() - min({promql.one(watermark)})"


def bill_ratio() -> str:
    """Return billed divided by estimated, over the last seven billed days."""
    week = 'window="last_7_closed_days"'
    billed = promql.total(promql.mine("llm_billed_spend_usd", week))
    return f"{billed} / ({promql.total(promql.mine('llm_estimated_spend_usd', week))} > 0)"


def trust() -> stat.Panel:
    """Return the checks that every number on the dashboard depends on."""
    failing = f"count({promql.one(promql.mine('llm_source_up'))} == 0)"
    unpriced = promql.total(promql.grown(promql.mine("llm_unpriced_tokens_total")))
    firing = 'count(ALERTS{alertname=~"LLM.+", alertstate="firing"})'
    return figures(
        About(
            "Can these numbers be trusted?",
            "All green: yes. Old data: see Exporter health. Failing sources: their last values "
            "are still shown. Unpriced tokens are missing from every amount: set a price. A bill "
            "beyond 5 % of the estimate: see Reconciliation. Alerts are those of the shipped "
            "rules.",
            RECONCILIATION,
            20,
        ),
        COUNT,
        Query(data_age(), "Age of the data", DURATION, above(OLD, STALE)),
        Query(promql.or_zero(failing), "Sources failing", COUNT, above(1)),
        Query(promql.or_zero(unpriced), "Unpriced tokens", TOKENS, above(1)),
        Query(bill_ratio(), "Billed / estimated, 7 d", RATIO, BILL_RATIO),
        Query(promql.or_zero(firing), "Alerts firing", COUNT, above(1)),
    )
