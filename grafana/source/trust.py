"""The strip on top of every dashboard: whether its numbers can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.source import promql
from grafana.source.links import HEALTH, RECONCILIATION
from grafana.source.look import (
    BAD,
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


ESTIMABLE = 'cost_type=~"tokens|web_search"'
"""The kinds of cost that have an estimate; others are billed only."""
LITTLE_USD = 10
"""Weeks that cost less have cents for a ratio: the alert LLMBilledRatioOff leaves them out."""
UNKNOWN = -1
"""An age that there is not, so that no answer looks like one that is bad."""
TRUTH = ('class=~"health|truth"', 'severity!="info"')
"""Alerts that say that numbers are wrong, and not that they are high."""


def data_age() -> str:
    """Return how old the oldest selected account's usage is, in seconds; without any, UNKNOWN."""
    watermark = promql.mine("llm_source_data_watermark_timestamp_seconds", 'source="usage"')
    return f"time() - min({promql.one(watermark)}) or vector({UNKNOWN})"


def firing(*matchers: str) -> str:
    """Return how many alerts of the shipped rules fire."""
    alerts = promql.pick("ALERTS", 'alertname=~"LLM.+"', 'alertstate="firing"', *matchers)
    return promql.or_zero(f"count({alerts})")


def bill_ratio() -> str:
    """Return billed divided by estimated, over the last seven billed days, as the alert does."""
    week = ('window="last_7_closed_days"', ESTIMABLE)
    billed, estimated = (
        promql.total(promql.mine(f"llm_{truth}_spend_usd", *week))
        for truth in ("billed", "estimated")
    )
    return f"{billed} / ({estimated} > {LITTLE_USD})"


def trust() -> stat.Panel:
    """Return the checks that every number on the dashboard depends on."""
    failing = f"count({promql.one(promql.mine('llm_source_up'))} == 0)"
    unpriced = promql.total(promql.grown(promql.mine("llm_unpriced_tokens_total")))
    unknown = words({str(UNKNOWN): ("unknown", BAD)})
    return figures(
        About(
            "Can these numbers be trusted?",
            "All green: yes. Old data: see Exporter health. Failing sources: their last values "
            "are still shown. Unpriced tokens are missing from every amount: set a price. A bill "
            "beyond 5 % of the estimate: see Reconciliation. Alerts are those of the shipped "
            "rules about the exporter and its prices; those about spend are on Forecast and "
            "anomalies. While the exporter is down, the age is unknown and the rest is missing.",
            RECONCILIATION,
            20,
        ),
        COUNT,
        Query(data_age(), "Age of the data", DURATION, above(OLD, STALE), unknown),
        Query(promql.or_zero(failing), "Sources failing", COUNT, above(1)),
        Query(promql.or_zero(unpriced), "Unpriced tokens", TOKENS, above(1)),
        Query(bill_ratio(), "Billed / estimated, 7 d", RATIO, BILL_RATIO),
        Query(firing(*TRUTH), "Alerts firing", COUNT, above(1)),
    )
