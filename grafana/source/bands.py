"""What is expected of the watched scope's spend, against what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.source.links import FORECAST
from grafana.source.look import MONEY
from grafana.source.panels import About, Query, filled, trend
from grafana.source.promql import pick

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import timeseries

WATCHED = ('scope_type="$scope_type"', 'scope="$scope"')
NORMAL = "up to here it is normal"
SPENT, EXPECTED = "spent", "expected"
WITHOUT_BAND = {
    "llm_window_spend_usd": "scope:llm_cost_usd:increase24h",
    "llm_window_spend_expected_usd": "scope:llm_cost_usd:expected24h",
    "llm_window_spend_upper_usd": "scope:llm_cost_usd:upper24h",
}
"""What the rules say about scopes that the exporter computes no band for."""


def _watched(metric: str, window: str) -> str:
    selector = pick(metric, *WATCHED, f'window="{window}"')
    fallback = f" or max({pick(WITHOUT_BAND[metric], *WATCHED)})" if window == "24h" else ""
    return f"max({selector}){fallback}"


def band(window: str, width: int, more: str = FORECAST) -> timeseries.Panel:
    """Return spend of a moving window with its expectation and the end of what is normal."""
    return filled(
        trend(
            About(
                f"Last {window} against what is expected: ${{scope:text}}",
                f"Estimated spend of the {window} before each moment. Above the band is unusual: "
                "see which model and workspace grew, and whether somebody knows why. Far below the "
                "expectation may be an outage. Choose what is watched at the top.",
                more,
                width,
            ),
            MONEY,
            Query(_watched("llm_window_spend_upper_usd", window), NORMAL),
            Query(_watched("llm_window_spend_expected_usd", window), EXPECTED),
            Query(_watched("llm_window_spend_usd", window), SPENT),
            empty="no band: of this scope only 24 h are known, once Prometheus has a week of it",
        ),
        NORMAL,
        EXPECTED,
    )
