"""From snapshot and usage to a report (floor 4)."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING

from claude_cost_exporter.catalogue import OTHER
from claude_cost_exporter.records import (
    ATTRIBUTION,
    NO_API_KEY,
    PROBE,
    Tokens,
    TokenType,
    model_label,
)
from claude_cost_exporter.report import model
from claude_cost_exporter.report.budgets import budget_states
from claude_cost_exporter.report.samples import Found
from claude_cost_exporter.views import budgets, credit, forecast, spend, subscriptions
from claude_cost_exporter.views.efficiency import cache_hit_ratio
from claude_cost_exporter.views.windows import calendar_windows, usage_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from claude_cost_exporter.ledger.used import UsedOfDay
    from claude_cost_exporter.snapshot import Snapshot
    from claude_cost_exporter.views.windows import CalendarWindow

WINDOWS = {"day": "today", "week": "week_to_date", "month": "month_to_date"}
"""The window of the gauges that is the running period of each kind."""
DIMENSIONS = ("model", "workspace", "api_key", "token_type")
SPENT = (spend.spend, subscriptions.subscription_spend)
AHEAD = (
    subscriptions.monthly_fees,
    forecast.forecasts,
    forecast.forecast_quality,
    budgets.budgets,
    credit.credit,
)

Member = tuple[str, str]
"""Account and id."""


def window_of(snapshot: Snapshot, period: str, now: datetime) -> CalendarWindow:
    """Return the calendar window of the day, week or month that runs.

    Of a snapshot that was taken at the end of a month, it is that month.
    """
    windows = calendar_windows(snapshot, snapshot.taken_at)
    name = WINDOWS[period] if snapshot.taken_at >= now else "last_month"
    return next(window for window in windows if window.name == name)


def build(
    snapshot: Snapshot, used: Sequence[UsedOfDay], period: str, by: Sequence[str], now: datetime
) -> model.Report:
    """Return the report of a period; `used` is what was used in it.

    Of a month that is over it does not tell what was ahead then.
    """
    at, is_over = snapshot.taken_at, snapshot.taken_at < now
    views = SPENT if is_over else (*SPENT, *AHEAD)
    found = Found(chain.from_iterable(view(snapshot, at) for view in views))
    window = window_of(snapshot, period, now)
    read = {account.account for account in snapshot.polled}
    used = [one for one in used if one.account in read]
    accounts = tuple(_accounts(snapshot, found, used, window.name))
    return model.Report(
        now,
        _data_until(snapshot),
        str(snapshot.time_zone),
        model.Period(period, window.first, window.end, is_over),
        accounts,
        _total(accounts),
        {kind: tuple(_shares(snapshot, found, used, kind, window.name)) for kind in by},
        sum(map(_unpriced, used)),
        tuple(_forecasts(found)),
        tuple(budget_states(found)),
        tuple(_subscriptions(found)),
        tuple(_credit(found)),
    )


def _subscriptions(found: Found) -> Iterator[model.Subscription]:
    for (provider, account, plan), fee in found.of("llm_subscription_usd_per_month"):
        yield model.Subscription(provider, account, plan, fee)


def _credit(found: Found) -> Iterator[model.Credit]:
    for (provider, account), left in found.of("llm_credit_balance_usd"):
        ends = found.moment("llm_credit_exhaustion_timestamp_seconds", provider, account)
        yield model.Credit(provider, account, left, ends)


def _data_until(snapshot: Snapshot) -> datetime | None:
    """Return up to where the usage of every account has been read."""
    states = [usage_state(snapshot, account.account) for account in snapshot.polled]
    marks = [state.watermark if state else None for state in states]
    known = [mark for mark in marks if mark is not None]
    return min(known) if known and len(known) == len(marks) else None


def _accounts(
    snapshot: Snapshot, found: Found, used: Iterable[UsedOfDay], window: str
) -> Iterator[model.AccountSpend]:
    tokens: dict[str, list[Tokens]] = defaultdict(list)
    for one in used:
        if one.role == PROBE:
            tokens[one.account].append(one.tokens)
    read = {(account.provider, account.account) for account in snapshot.polled}
    paying = {(one.provider, one.account) for one in snapshot.plans.subscriptions}
    for who in sorted(read | paying):
        metered = found.get("llm_spend_usd", *who, "metered", window) if who in read else 0.0
        fees = found.get("llm_spend_usd", *who, "subscription", window) or 0.0
        state = usage_state(snapshot, who[1]) if who in read else None
        yield model.AccountSpend(
            *who,
            who in read,
            metered,
            fees,
            None if metered is None else metered + fees,
            _counts(tokens[who[1]] if who in read else ()),
            who in read and (state is None or state.is_loading),
            state.history_start if state else None,
        )


def _total(accounts: Iterable[model.AccountSpend]) -> float | None:
    totals = [one.total_usd for one in accounts]
    known = [total for total in totals if total is not None]
    return sum(known) if len(known) == len(totals) else None


def _shares(
    snapshot: Snapshot, found: Found, used: Iterable[UsedOfDay], kind: str, window: str
) -> Iterator[model.Share]:
    """Yield the members with usage, those with the largest spend first."""
    amounts = {
        (account, member): value
        for (_, account, member, name), value in found.of(spend.FAMILY_OF_KIND[kind])
        if name == window
    }
    tokens: dict[Member, list[Tokens]] = defaultdict(list)
    for one in used:
        for member, count in _members(kind, one):
            place = (one.account, member)
            beyond = (one.account, OTHER)  # of more members than the cap, all the rest
            tokens[beyond if place not in amounts and beyond in amounts else place].append(count)
    names = _names(snapshot, kind)
    seen = {place for place, amount in amounts.items() if amount} | tokens.keys()
    for place in sorted(seen, key=lambda one: (-amounts.get(one, 0.0), one)):
        account, member = place
        name = names.get(place, "")
        yield model.Share(
            snapshot.provider_of(account),
            account,
            member,
            name,
            amounts.get(place),
            _counts(tokens[place]),
        )


def _members(kind: str, one: UsedOfDay) -> Iterator[tuple[str, Tokens]]:
    """Yield what of a kind the usage belongs to, by the query that feeds its gauge."""
    if kind == "model" and one.role == PROBE:
        yield model_label(one.dimensions.model), one.tokens
    elif kind == "token_type" and one.role == PROBE:
        for index, count in enumerate(one.tokens):
            if count:
                name = Tokens._fields[index]
                yield name, Tokens(**{name: count})
    elif kind in ("workspace", "api_key") and one.role == ATTRIBUTION:
        yield getattr(one.dimensions, f"{kind}_id"), one.tokens


def _names(snapshot: Snapshot, kind: str) -> Mapping[Member, str]:
    if kind == "workspace":
        return {(one.account, one.workspace_id): one.name for one in snapshot.workspaces}
    if kind == "api_key":
        known = {(one.account, one.api_key_id): one.name for one in snapshot.api_keys}
        return known | {(a.account, NO_API_KEY): "(no API key)" for a in snapshot.accounts}
    return {}


def _counts(rows: Sequence[Tokens]) -> model.TokenCounts:
    total = Tokens(*map(sum, zip(*rows, strict=True))) if rows else Tokens()
    return model.TokenCounts(*total, total.total, cache_hit_ratio(rows))


def _unpriced(one: UsedOfDay) -> int:
    """Return the tokens that have no price, of the query that knows all of them."""
    if one.role != PROBE:
        return 0
    rates = one.rates.per_million or (None,) * len(TokenType)
    return sum(count for count, rate in zip(one.tokens, rates, strict=True) if rate is None)


def _forecasts(found: Found) -> Iterator[model.Forecast]:
    """Yield the total first, then each account."""
    rows: dict[tuple[str, str, str], dict[str, float]] = defaultdict(dict)
    for (horizon, method, estimate), value in found.of("llm_total_forecast_spend_usd"):
        rows["", horizon, method][estimate] = value
    for (_, *labels, estimate), value in found.of("llm_forecast_spend_usd"):
        account, horizon, method = labels
        rows[account, horizon, method][estimate] = value
    days = {who[1]: int(count) for who, count in found.of("llm_forecast_history_days")}
    days[""] = min(days.values(), default=0)
    for (account, horizon, method), values in sorted(rows.items()):
        p10, p50, p90 = (values.get(name) for name in ("p10", "p50", "p90"))
        if p50 is not None:
            yield model.Forecast(account, horizon, method, p10, p50, p90, days.get(account, 0))
