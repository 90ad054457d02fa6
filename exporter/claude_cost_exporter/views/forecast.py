"""What this month and the next will cost, by account and in total (floor 3)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from claude_cost_exporter.records import NANO
from claude_cost_exporter.samples import Sample
from claude_cost_exporter.views.burn import complete_hours
from claude_cost_exporter.views.forecasting import (
    Estimates,
    month_end,
    next_month,
    replayed_errors,
    run_rate,
    run_rate_month_end,
    run_rate_next_month,
)
from claude_cost_exporter.views.outlook import outlook

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from claude_cost_exporter.snapshot import Snapshot
    from claude_cost_exporter.views.outlook import Outlook

RUN_RATE, EWMA = "run_rate_7d", "weekday_ewma"
MONTH_END, NEXT_MONTH = "month_end", "next_month"

Forecast = dict[tuple[str, str, str], float]
"""USD by horizon, method and estimate."""


def forecasts(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield where each account and all of them together are heading, fixed fees included."""
    total: Forecast = defaultdict(float)
    known = 0
    for account in snapshot.accounts:
        ahead = forecast(snapshot, account.account, now)
        known += bool(ahead)
        for labels, value in ahead.items():
            total[labels] += value
            who = (account.provider, account.account)
            yield Sample("llm_forecast_spend_usd", (*who, *labels), value)
    if known == len(snapshot.accounts):
        for labels, value in total.items():
            yield Sample("llm_total_forecast_spend_usd", labels, value)
