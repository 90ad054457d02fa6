"""Configured budgets: how far each is, where its period will end, when it is spent (floor 3).

Budgets of everything, a provider or an account include fixed fees, day by day. The spend of the
last hours, for burn alerts, does not. End customers are known by whole UTC days only, so that their
budgets are of UTC days.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.calendars import locate, midnight, stretch
from claude_cost_exporter.clock import DAY, HOUR, floor_hour, hours_until
from claude_cost_exporter.records import NANO
from claude_cost_exporter.samples import Sample
from claude_cost_exporter.snapshot import hours_shown
from claude_cost_exporter.views.budgeting import (
    course,
    current_period,
    days_that_count,
    exhaustion,
    progress,
)
from claude_cost_exporter.views.forecasting import expected_days, period_end
from claude_cost_exporter.views.outlook import outlook
from claude_cost_exporter.views.scopes import Members, covers, limit_of, scope_of
from claude_cost_exporter.views.subscriptions import fees_between
from claude_cost_exporter.views.windows import usage_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from claude_cost_exporter.calendars import Stretch
    from claude_cost_exporter.plans import Budget, Subscription
    from claude_cost_exporter.snapshot import Scope, Snapshot
    from claude_cost_exporter.views.forecasting import Fit
    from claude_cost_exporter.views.outlook import Outlook
    from claude_cost_exporter.views.scopes import Found

BURN_WINDOWS = {"1h": 1, "6h": 6, "24h": 24, "72h": 72}
BURNT_PERIOD = "month"
WEEK = 7 * DAY
CUSTOMER = "end_customer"


class State(NamedTuple):
    """A budget at one moment, with what its scope has spent and will spend."""

    budget: Budget
    labels: tuple[str, ...]
    """Budget, scope type and scope."""
    scopes: tuple[Scope, ...]
    limit: int
    period: Stretch
    fees: Sequence[Subscription]
    view: Outlook


def budgets(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield every budget that has a limit, and its course where its scope's days are known."""
    members = Members.of(snapshot)
    in_utc = replace(snapshot, time_zone=UTC)
    for budget in snapshot.plans.budgets:
        by_the_day = budget.scope_type == CUSTOMER
        found = scope_of(budget, snapshot, members)
        yield from _budget(budget, found, in_utc if by_the_day else snapshot, now)


def _budget(budget: Budget, found: Found, snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    limit = limit_of(budget, found, snapshot)
    if limit is None:
        return
    labels = (budget.name, budget.scope_type, found.label)
    yield from _settings(budget, labels, limit)
    period = current_period(budget, now, snapshot.time_zone, snapshot.week_start)
    view = outlook(snapshot, found.scopes, now)
    first = locate(period.start, snapshot.time_zone).day
    if view is None or view.first > first or view.known_to < period.start:
        return
    fees = _fees(budget, snapshot)
    state = State(budget, labels, found.scopes, limit, period, fees, view)
    yield from _progress(state, snapshot, now)
    yield from _recent(state, snapshot, now)
    yield from _ahead(state, snapshot, now)
    if budget.period == BURNT_PERIOD and budget.scope_type != CUSTOMER:  # who has no hours
        yield from _burn(state, snapshot, now)


def _settings(budget: Budget, labels: tuple[str, ...], limit: int) -> Iterator[Sample]:
    yield Sample("llm_budget_info", (*labels, budget.period, budget.team), 1)
    yield Sample("llm_budget_limit_usd", (*labels, budget.period), limit / NANO)
    for level, share in budget.levels.items():
        yield Sample("llm_budget_threshold_ratio", (budget.name, level), share)


def _fees(budget: Budget, snapshot: Snapshot) -> Sequence[Subscription]:
    """Return the fixed fees that are part of a budget."""
    paid = snapshot.plans.subscriptions
    return [one for one in paid if covers(budget, one.provider, one.account)]


def _spent_fees(state: State, snapshot: Snapshot, now: datetime) -> int:
    span = state.period._replace(end=now)
    return fees_between(state.fees, span, snapshot.time_zone)


def _progress(state: State, snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    first = locate(state.period.start, snapshot.time_zone).day
    spent = round(state.view.spent_since(first) * NANO) + _spent_fees(state, snapshot, now)
    days = days_that_count(state.budget.working_days, state.period, snapshot.time_zone)
    at = progress(state.limit, spent, days, state.period, now)
    labels = (*state.labels, state.budget.period)
    yield Sample("llm_budget_spent_usd", labels, spent / NANO)
    yield Sample("llm_budget_elapsed_ratio", labels, at.elapsed_ratio)
    yield Sample("llm_budget_daily_allowance_usd", labels, at.daily_allowance / NANO)
    if state.limit:
        yield Sample("llm_budget_used_ratio", labels, at.used_ratio)
        if (pace := at.pace_ratio) is not None:
            yield Sample("llm_budget_pace_ratio", labels, pace)


def _recent(state: State, snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield the spend of today and of the seven days before it, as far as they were read."""
    zone = snapshot.time_zone
    today = locate(now, zone).day
    read_today = state.view.known_to >= midnight(today, zone)
    if state.budget.scope_type == CUSTOMER or not read_today:
        return
    windows = (("today", today, today + DAY), ("last_7_days", today - WEEK, today))
    for window, first, end in windows:
        if state.view.first > first:
            continue
        span = stretch(first, end, zone)
        days = (first + DAY * index for index in range((end - first).days))
        metered = sum(state.view.spent.get(day, 0.0) for day in days)
        fees = fees_between(state.fees, span._replace(end=min(span.end, now)), zone) / NANO
        labels = (*state.labels, state.budget.period, window)
        yield Sample("llm_budget_recent_spend_usd", labels, metered + fees)


def _ahead(state: State, snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield where the period will end, and when the limit will be reached if it will be."""
    fitted, view, zone = state.view.fitted, state.view, snapshot.time_zone
    if fitted is None:
        return
    first, end = (locate(moment, zone).day for moment in state.period)
    labels = (*state.labels, state.budget.period)
    fees = fees_between(state.fees, state.period, zone) / NANO
    estimates = period_end(fitted, view.spent_since(first), view.at, end - DAY).plus(fees)
    for name, value in estimates._asdict().items():
        yield Sample("llm_budget_forecast_usd", (*labels, name), value)
    reached = _exhaustion(state, fitted, snapshot, now)
    # A limit that refunds have undone, or will undo, is not reached.
    if reached is not None and estimates.p50 * NANO >= state.limit:
        yield Sample("llm_budget_exhaustion_timestamp_seconds", labels, int(reached.timestamp()))


def _exhaustion(state: State, fitted: Fit, snapshot: Snapshot, now: datetime) -> datetime | None:
    """Return when the limit is reached, by what was spent and is to come, day by day."""
    zone = snapshot.time_zone
    day, end = (locate(moment, zone).day for moment in state.period)
    spent = dict(state.view.spent)
    to_come = dict(expected_days(fitted, state.view.at, end - DAY))
    while day < end:
        whole = stretch(day, day + DAY, zone)
        until = max(whole.start, min(now, whole.end))
        for course_of, span in (
            (spent, whole._replace(end=until)),
            (to_come, whole._replace(start=until)),
        ):
            fees = fees_between(state.fees, span, zone) / NANO
            course_of[day] = course_of.get(day, 0.0) + fees
        day += DAY
    return exhaustion(state.limit / NANO, course(state.period, spent, to_come, now, zone))


def _burn(state: State, snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield the month's spend of the last hours by its limit; the open hour counts as it is."""
    if not state.limit:
        return
    hours = _last_hours(snapshot, state, now)
    for window, count in BURN_WINDOWS.items():
        if len(hours) < count:
            continue
        spent = max(hours[-2:]) if count == 1 else sum(hours[-count:])
        labels = (*state.labels, window)
        yield Sample("llm_budget_window_spend_ratio", labels, spent / state.limit)


def _last_hours(snapshot: Snapshot, state: State, now: datetime) -> list[int]:
    """Return nano-USD of the last hours, the one in which the data end last.

    At most 72, and no more than were read, and are shown, of every scope. What was spent before the
    period began is no part of its limit.
    """
    each = [_hours_of(snapshot, scope, state.period.start, now) for scope in state.scopes]
    newest_first = zip(*(reversed(hours) for hours in each), strict=False)
    return [sum(amounts) for amounts in newest_first][::-1]


def _hours_of(snapshot: Snapshot, scope: Scope, since: datetime, now: datetime) -> list[int]:
    state = usage_state(snapshot, scope.account)
    if state is None or state.history_start is None or state.watermark is None:
        return []
    end = floor_hour(min(now, state.watermark)) + HOUR
    oldest = max(state.history_start, now - hours_shown(scope.kind))
    count = min((end - oldest) // HOUR, max(BURN_WINDOWS.values()))
    spent = snapshot.hours.get(scope, {})
    starts = hours_until(end, count)
    return [spent.get(start, 0) if start >= since else 0 for start in starts]
