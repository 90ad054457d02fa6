"""Spend by calendar window, from the sums of the ledger (floor 3)."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from claude_cost_exporter.clock import HOUR, floor_hour
from claude_cost_exporter.records import NANO
from claude_cost_exporter.samples import Sample
from claude_cost_exporter.snapshot import Scope
from claude_cost_exporter.views.windows import calendar_windows, complete_windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date, datetime

    from claude_cost_exporter.snapshot import AccountState, Snapshot
    from claude_cost_exporter.views.windows import CalendarWindow

FAMILY_OF_KIND = {
    "model": "llm_model_spend_usd",
    "workspace": "llm_workspace_spend_usd",
    "api_key": "llm_api_key_spend_usd",
    "token_type": "llm_token_type_spend_usd",
}
SETTLED = timedelta(hours=1)


def spend(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield metered spend in total and by one dimension each, for every complete window."""
    oldest = min(window.first for window in calendar_windows(snapshot, now))
    scopes = _by_account(snapshot, oldest)
    for account in snapshot.accounts:
        who = (account.provider, account.account)
        for window in complete_windows(snapshot, account.account, now):
            whole = Scope(account.account, "all", "all")
            total = _sum(snapshot.days.get(whole, {}), window)
            yield Sample("llm_spend_usd", (*who, "metered", window.name), total / NANO)
            for scope in scopes[account.account]:
                if (family := FAMILY_OF_KIND.get(scope.kind)) is not None:
                    amount = _sum(snapshot.days[scope], window) / NANO
                    yield Sample(family, (*who, scope.member, window.name), amount)


def _by_account(snapshot: Snapshot, oldest: date) -> Mapping[str, list[Scope]]:
    """Return the scopes with usage since the oldest day of any window."""
    scopes: dict[str, list[Scope]] = defaultdict(list)
    for scope, days in snapshot.days.items():
        if max(days) >= oldest:
            scopes[scope.account].append(scope)
    return scopes


def _sum(days: Mapping[date, int], window: CalendarWindow) -> int:
    return sum(days.get(day, 0) for day in window.days())


def unattributed(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield what workspaces and keys do not explain, over hours closed for more than an hour."""
    for account in snapshot.accounts:
        who = (account.provider, account.account)
        for window in complete_windows(snapshot, account.account, now):
            gap = _gap(snapshot, account, window, now)
            yield Sample("llm_unattributed_spend_usd", (*who, window.name), gap / NANO)


def _gap(snapshot: Snapshot, account: AccountState, window: CalendarWindow, now: datetime) -> int:
    """Return probe minus attribution, without the hours that still move."""
    total, explained = (Scope(account.account, kind, "all") for kind in ("all", "attributed"))
    zone, first_open, gap = snapshot.time_zone, floor_hour(now - SETTLED), 0
    for sign, scope in ((1, total), (-1, explained)):
        gap += sign * _sum(snapshot.estimated_days.get(scope, {}), window)
        for hour, amount in snapshot.estimated_hours.get(scope, {}).items():
            if hour + HOUR > first_open and window.holds(hour.astimezone(zone).date()):
                gap -= sign * amount
    return gap
