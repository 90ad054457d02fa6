"""What this month and the next will cost, by account and in total (floor 3)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from claude_cost_exporter.records import NANO
from claude_cost_exporter.samples import Sample
from claude_cost_exporter.views.burn import complete_hours
from claude_cost_exporter.views.forecasting import (
    month_end,
    next_month,
    replayed_errors,
    run_rate,
    run_rate_month_end,
    run_rate_next_month,
)
from claude_cost_exporter.views.outlook import outlook
from claude_cost_exporter.views.windows import complete_windows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from claude_cost_exporter.snapshot import Snapshot
    from claude_cost_exporter.views.forecasting import Estimates

RUN_RATE, EWMA = "run_rate_7d", "weekday_ewma"
MONTH_END, NEXT_MONTH = "month_end", "next_month"

Forecast = dict[tuple[str, str, str], float]
"""USD by horizon, method and estimate."""


def forecasts(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield where each account and all of them together are heading, fixed fees included.

    A total is shown when every account has its part in it.
    """
    parts: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for account in snapshot.accounts:
        who = (account.provider, account.account)
        for labels, value in forecast(snapshot, account.account, now).items():
            parts[labels].append(value)
            yield Sample("llm_forecast_spend_usd", (*who, *labels), value)
    for labels, values in parts.items():
        if len(values) == len(snapshot.accounts):
            yield Sample("llm_total_forecast_spend_usd", labels, sum(values))


def forecast(snapshot: Snapshot, account: str, now: datetime) -> Forecast:
    """Return what an account will have spent; what there is no history for is absent."""
    view = outlook(snapshot, account, now)
    if view is None:
        return {}
    found: Forecast = {}
    whole = {window.name for window in complete_windows(snapshot, account, now)}
    spent = view.spent_since(view.at.today.replace(day=1)) if "month_to_date" in whole else None
    rate = run_rate([amount / NANO for amount in complete_hours(snapshot, account, now)])
    if rate is not None:
        found[NEXT_MONTH, RUN_RATE, "p50"] = run_rate_next_month(rate, view.at)
        if spent is not None:
            found[MONTH_END, RUN_RATE, "p50"] = run_rate_month_end(rate, spent, view.at)
    if (fitted := view.fitted) is not None:
        found |= _estimates(NEXT_MONTH, next_month(fitted, view.at))
        if spent is not None:
            found |= _estimates(MONTH_END, month_end(fitted, spent, view.at))
    return found


def _estimates(horizon: str, estimates: Estimates) -> Forecast:
    return {(horizon, EWMA, name): value for name, value in estimates._asdict().items()}


def forecast_quality(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield how many days a forecast rests on, and how wrong its method was on them."""
    for account in snapshot.accounts:
        who = (account.provider, account.account)
        if (view := outlook(snapshot, account.account, now)) is None:
            continue
        yield Sample("llm_forecast_history_days", who, len(view.days))
        for (horizon, method), error in replayed_errors(view.days, view.at.today).items():
            yield Sample("llm_forecast_error_ratio", (*who, horizon, method), error)
