"""Every view over 50 scopes in several accounts, with budgets and a ledger of 400 days."""

from __future__ import annotations

import time
from array import array
from collections import defaultdict
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING

from benchmarks.figures import Figure
from claude_cost_exporter.assemble import Fits
from claude_cost_exporter.calendars import WorkingDays
from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.plans import Budget, Plans
from claude_cost_exporter.records import NANO
from claude_cost_exporter.snapshot import AccountState, HourSeries, Scope, Snapshot, SourceState
from claude_cost_exporter.views import view_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, timedelta

ACCOUNTS = ("a", "b", "c")
MEMBERS = (
    ("all", "all"),
    *(("workspace", f"w{n}") for n in range(20)),
    *(("model", f"m{n}") for n in range(10)),
    *(("api_key", f"k{n}") for n in range(19)),
)
WATCHED = ("all", "workspace", "model")
NOW = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
MIDNIGHT = NOW.replace(hour=0, minute=0)
DAYS, WATCHED_DAYS = 400, 84


def figures() -> Iterator[Figure]:
    """Measure the first publication, which fits every baseline, and one that follows."""
    snapshot, fits = _snapshot(Random(1)), Fits()  # noqa: S311 - a simulation, not a secret
    yield Figure("first_views_of_50_scopes", _publish(fits, snapshot), "s", 0.3)
    yield Figure("views_of_50_scopes", _publish(fits, snapshot), "s", 0.3)


def _publish(fits: Fits, snapshot: Snapshot) -> float:
    begin = time.process_time()
    list(view_all(fits.fill(snapshot), NOW))
    return time.process_time() - begin


def _snapshot(random: Random) -> Snapshot:
    scopes = [Scope(account, *member) for account in ACCOUNTS for member in MEMBERS]
    spent = {scope: _hours(random) for scope in scopes}
    first = MIDNIGHT - DAYS * DAY
    return Snapshot(
        taken_at=NOW,
        accounts=tuple(AccountState("anthropic", account) for account in ACCOUNTS),
        sources=tuple(
            SourceState("anthropic", account, "usage", watermark=NOW, history_start=first)
            for account in ACCOUNTS
        ),
        days={scope: _by_day(hours) for scope, hours in spent.items()},
        hours={scope: _newest(hours, 32 * DAY) for scope, hours in spent.items()},
        estimated_hours={scope: _newest(hours, 8 * DAY) for scope, hours in spent.items()},
        past={
            scope: HourSeries(MIDNIGHT - WATCHED_DAYS * DAY, _past(hours))
            for scope, hours in spent.items()
            if scope.kind in WATCHED
        },
        plans=Plans(budgets=tuple(_budgets())),
    )


def _hours(random: Random) -> dict[datetime, int]:
    first = MIDNIGHT - DAYS * DAY
    count = (NOW - first) // HOUR + 1
    return {first + n * HOUR: int(random.expovariate(1) * NANO) for n in range(count)}


def _by_day(hours: dict[datetime, int]) -> dict[date, int]:
    days: dict[date, int] = defaultdict(int)
    for hour, amount in hours.items():
        days[hour.date()] += amount
    return dict(days)


def _newest(hours: dict[datetime, int], back: timedelta) -> dict[datetime, int]:
    return {hour: amount for hour, amount in hours.items() if hour >= NOW - back}


def _past(hours: dict[datetime, int]) -> array[int]:
    first = MIDNIGHT - WATCHED_DAYS * DAY
    return array("q", (amount for hour, amount in hours.items() if first <= hour < MIDNIGHT))


def _budgets() -> Iterator[Budget]:
    working_days = WorkingDays()
    levels = {"soft": 0.5, "warn": 0.8, "hard": 1.0}
    for kind, member in MEMBERS[:20]:
        yield Budget(member, 1000 * NANO, "month", kind, member, levels, working_days)
