"""Sums by scope over time, as a snapshot shows them (floor 2)."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from claude_cost_exporter.ledger import tables
from claude_cost_exporter.snapshot import LINE

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from claude_cost_exporter.snapshot import Scope

DAYS_SHOWN = timedelta(days=85)
SHOWN = {
    "all": (timedelta(days=32), timedelta(days=8)),
    "attributed": (timedelta(), timedelta(days=8)),
    "model": (timedelta(days=4), timedelta(days=8)),
    "workspace": (timedelta(days=4), timedelta(days=8)),
    "api_key": (timedelta(days=4), timedelta()),
}
"""How far back spend and estimate of hours are shown, by kind of scope."""
ESTIMATED_DAYS = ("all", "attributed", LINE)

Daily = dict["Scope", dict[date, int]]
Hourly = dict["Scope", dict[datetime, int]]


def last_month(today: date) -> date:
    """Return the first day of last month."""
    return (today.replace(day=1) - timedelta(days=1)).replace(day=1)


def sums_by_day(
    connection: Connection, scopes: dict[int, Scope], today: date
) -> tuple[Daily, Daily]:
    """Return spend and estimate by scope and day."""
    table, first = tables.days, last_month(today)
    query = select(table.c.scope_id, table.c.day, table.c.spend, table.c.cost).where(
        table.c.day >= min(first, today - DAYS_SHOWN).toordinal()
    )
    spend: Daily = defaultdict(dict)
    estimate: Daily = defaultdict(dict)
    for scope_id, ordinal, amount, cost in connection.execute(query):
        scope, day = scopes[scope_id], date.fromordinal(ordinal)
        spend[scope][day] = amount
        if scope.kind in ESTIMATED_DAYS and day >= first:
            estimate[scope][day] = cost
    return spend, estimate


def sums_by_hour(
    connection: Connection, scopes: dict[int, Scope], now: datetime
) -> tuple[Hourly, Hourly]:
    """Return spend and estimate by scope and hour, each as far back as its kind is shown."""
    spend: Hourly = defaultdict(dict)
    estimate: Hourly = defaultdict(dict)
    table = tables.hours.c
    for kind, (spend_back, estimate_back) in SHOWN.items():
        of_kind = [scope_id for scope_id, scope in scopes.items() if scope.kind == kind]
        spend_since, estimate_since = now - spend_back, now - estimate_back
        query = select(table.scope_id, table.hour, table.spend, table.cost).where(
            table.scope_id.in_(of_kind),
            table.hour >= int(min(spend_since, estimate_since).timestamp()),
        )
        for scope_id, epoch, amount, cost in connection.execute(query):
            scope, hour = scopes[scope_id], datetime.fromtimestamp(epoch, UTC)
            if hour >= spend_since:
                spend[scope][hour] = amount
            if hour >= estimate_since:
                estimate[scope][hour] = cost
    return spend, estimate
