"""What this month and the next will cost, by account and in total (floor 3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from claude_cost_exporter.calendars import locate
from claude_cost_exporter.calendars import next_month as first_of_next_month
from claude_cost_exporter.records import NANO
from claude_cost_exporter.samples import Sample
from claude_cost_exporter.snapshot import Scope
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
from claude_cost_exporter.views.scopes import ALL
from claude_cost_exporter.views.subscriptions import fees_of_month
from claude_cost_exporter.views.windows import complete_windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from claude_cost_exporter.plans import Subscription
    from claude_cost_exporter.snapshot import Snapshot
    from claude_cost_exporter.views.forecasting import Estimates

RUN_RATE, EWMA = "run_rate_7d", "weekday_ewma"
MONTH_END, NEXT_MONTH = "month_end", "next_month"

History = tuple[Sequence[float], date]
"""USD of complete days, and the day after the last of them."""
Forecast = dict[tuple[str, str, str], float]
"""USD by horizon, method and estimate."""


def forecasts(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield where each account and all of them together are heading, fixed fees included.

    All together are forecast as one, as their budget is: ranges of accounts do not add up.
    """
    subscriptions = snapshot.plans.subscriptions
    for one in snapshot.polled:
        fees = [fee for fee in subscriptions if fee.account == one.account]
        for labels, value in _forecast(snapshot, [one.account], fees, now).items():
            yield Sample("llm_forecast_spend_usd", (one.provider, one.account, *labels), value)
    accounts = [one.account for one in snapshot.polled]
    for labels, value in _forecast(snapshot, accounts, subscriptions, now).items():
        yield Sample("llm_total_forecast_spend_usd", labels, value)


def _forecast(
    snapshot: Snapshot, accounts: Sequence[str], paid: Sequence[Subscription], now: datetime
) -> Forecast:
    """Return what accounts will have spent; what there is no history of all for is absent."""
    view = outlook(snapshot, [Scope(account, ALL, ALL) for account in accounts], now)
    if view is None or view.at.month_end < locate(now, snapshot.time_zone).day:
        return {}
    at, fitted, rate = view.at, view.fitted, _run_rate(snapshot, accounts, now)
    metered: Forecast = {}
    if all(_month_to_date(snapshot, account, now) for account in accounts):
        spent = view.spent_since(at.today.replace(day=1))
        if rate is not None:
            metered[MONTH_END, RUN_RATE, "p50"] = run_rate_month_end(rate, spent, at)
        if fitted is not None:
            metered |= _estimates(MONTH_END, month_end(fitted, spent, at))
    if rate is not None:
        metered[NEXT_MONTH, RUN_RATE, "p50"] = run_rate_next_month(rate, at)
    if fitted is not None:
        metered |= _estimates(NEXT_MONTH, next_month(fitted, at))
    fees = _fees(snapshot, now, paid)
    return {labels: value + fees[labels[0]] for labels, value in metered.items()}


def _month_to_date(snapshot: Snapshot, account: str, now: datetime) -> bool:
    """Return whether all that an account has spent in this month was read."""
    return any(one.name == "month_to_date" for one in complete_windows(snapshot, account, now))


def _run_rate(snapshot: Snapshot, accounts: Sequence[str], now: datetime) -> float | None:
    """Return the USD a day of accounts together, None without the hours of one."""
    each = [
        run_rate([amount / NANO for amount in complete_hours(snapshot, account, now)])
        for account in accounts
    ]
    known = [rate for rate in each if rate is not None]
    return sum(known) if len(known) == len(each) else None


def _fees(
    snapshot: Snapshot, now: datetime, subscriptions: Sequence[Subscription]
) -> Mapping[str, float]:
    """Return the fixed fees in USD by horizon."""
    today = now.astimezone(snapshot.time_zone).date()
    months = {MONTH_END: today, NEXT_MONTH: first_of_next_month(today)}
    return {
        horizon: fees_of_month(subscriptions, month, snapshot.time_zone) / NANO
        for horizon, month in months.items()
    }


def _estimates(horizon: str, estimates: Estimates) -> Forecast:
    return {(horizon, EWMA, name): value for name, value in estimates._asdict().items()}


def forecast_quality(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield how many days a forecast rests on, and how wrong its method was on them."""
    for account in snapshot.polled:
        who = (account.provider, account.account)
        if (view := outlook(snapshot, [Scope(account.account, ALL, ALL)], now)) is None:
            continue
        yield Sample("llm_forecast_history_days", who, len(view.days))
        for method, error in snapshot.forecast_errors.get(account.account, {}).items():
            yield Sample("llm_forecast_error_ratio", (*who, *method), error)


def histories(snapshot: Snapshot, now: datetime) -> Iterator[tuple[str, History]]:
    """Yield by account the days on which past forecasts can be judged."""
    for account in snapshot.polled:
        view = outlook(snapshot, [Scope(account.account, ALL, ALL)], now)
        if view is not None:
            yield account.account, (view.days, view.at.today)


def past_errors(history: History) -> Mapping[tuple[str, str], float]:
    """Return how wrong each horizon's methods were."""
    return replayed_errors(*history)
