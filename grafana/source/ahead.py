"""Figures about what is coming, and how much history stands behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.source.look import COUNT, ENOUGH, MONEY
from grafana.source.panels import About, Query, figures
from grafana.source.promql import forecast, mine, one

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import stat

HIGH, LOW, MIDDLE = "at most", "at least", "expected"


def coming(about: About, horizon: str) -> stat.Panel:
    """Return where spend is heading, with the range in which it ends eight times in ten."""
    return figures(
        about,
        MONEY,
        Query(forecast("p50", horizon), MIDDLE),
        Query(forecast("p10", horizon), LOW),
        Query(forecast("p90", horizon), HIGH),
    )


def days_of_history(legend: str = "") -> Query:
    """Return how many complete days stand behind the forecast of the newest account."""
    days = f"min({one(mine('llm_forecast_history_days'))})"
    return Query(days, legend, COUNT, ENOUGH)
