"""Sums by scope over time, as a snapshot shows them (floor 2)."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from claude_cost_exporter.ledger import tables
from claude_cost_exporter.snapshot import HOURS_OF_MEMBERS_SHOWN, HOURS_SHOWN, LINE

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from claude_cost_exporter.snapshot import Scope

WHOLE = "all"
"""The kind of scope of which every day is shown: credit is what was spent since it was bought."""
FORECAST_DAYS = timedelta(days=85)
"""How far back days are shown of other kinds that have a budget. Last month is always shown whole:
keys may be thousands, and most of them are in no budget."""
HOURS_BACK = {
    "all": (HOURS_SHOWN, timedelta(days=8)),
    "attributed": (timedelta(), timedelta(days=8)),
    "model": (HOURS_OF_MEMBERS_SHOWN, timedelta(days=8)),
    "workspace": (HOURS_OF_MEMBERS_SHOWN, timedelta(days=8)),
    "api_key": (HOURS_OF_MEMBERS_SHOWN, timedelta()),
}
"""How far back spend and estimate of hours are shown, by kind of scope."""
ESTIMATED_DAYS = ("all", "attributed", LINE)

Daily = dict["Scope", dict[date, int]]
Hourly = dict["Scope", dict[datetime, int]]


def last_month(today: date) -> date:
    """Return the first day of last month."""
    return (today.replace(day=1) - timedelta(days=1)).replace(day=1)


def oldest_day(today: date, kind: str, budgeted: Collection[str] = ()) -> date:
    """Return the first day that is shown of a kind of scope."""
    if kind == WHOLE:
        return date.min
    first = last_month(today)
    return min(first, today - FORECAST_DAYS) if kind in budgeted else first


def sums_by_day(
    connection: Connection, scopes: dict[int, Scope], today: date, budgeted: Collection[str] = ()
) -> tuple[Daily, Daily]:
    """Return spend and estimate by scope and day."""
    spend: Daily = defaultdict(dict)
    estimate: Daily = defaultdict(dict)
    table, first = tables.days.c, last_month(today)
    for kind, scope_ids in _by_kind(scopes).items():
        query = select(table.scope_id, table.day, table.spend, table.cost).where(
            table.scope_id.in_(scope_ids),
            table.day >= oldest_day(today, kind, budgeted).toordinal(),
        )
        for scope_id, ordinal, amount, cost in connection.execute(query).all():
            scope, day = scopes[scope_id], date.fromordinal(ordinal)
            spend[scope][day] = amount
            if kind in ESTIMATED_DAYS and day >= first:
                estimate[scope][day] = cost
    return spend, estimate


def _by_kind(scopes: dict[int, Scope]) -> dict[str, list[int]]:
    kinds: dict[str, list[int]] = defaultdict(list)
    for scope_id, scope in scopes.items():
        kinds[scope.kind].append(scope_id)
    return kinds


def sums_by_hour(
    connection: Connection, scopes: dict[int, Scope], now: datetime
) -> tuple[Hourly, Hourly]:
    """Return spend and estimate by scope and hour, each as far back as its kind is shown."""
    spend: Hourly = defaultdict(dict)
    estimate: Hourly = defaultdict(dict)
    table = tables.hours.c
    by_kind = _by_kind(scopes)
    for kind, (spend_back, estimate_back) in HOURS_BACK.items():
        spend_since, estimate_since = now - spend_back, now - estimate_back
        query = select(table.scope_id, table.hour, table.spend, table.cost).where(
            table.scope_id.in_(by_kind[kind]),
            table.hour >= int(min(spend_since, estimate_since).timestamp()),
        )
        for scope_id, epoch, amount, cost in connection.execute(query).all():
            scope, hour = scopes[scope_id], datetime.fromtimestamp(epoch, UTC)
            if hour >= spend_since:
                spend[scope][hour] = amount
            if hour >= estimate_since:
                estimate[scope][hour] = cost
    return spend, estimate
