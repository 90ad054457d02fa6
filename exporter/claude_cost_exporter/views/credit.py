"""What is left of prepaid credit, and until when (floor 3)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from claude_cost_exporter.calendars import locate
from claude_cost_exporter.records import NANO
from claude_cost_exporter.samples import Sample
from claude_cost_exporter.snapshot import Scope
from claude_cost_exporter.views.burn import complete_hours
from claude_cost_exporter.views.outlook import outlook
from claude_cost_exporter.views.prepaid import bought, runway

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from claude_cost_exporter.plans import TopUp
    from claude_cost_exporter.snapshot import Snapshot

WEEK_HOURS = 7 * 24
WEEK_DAYS = 7


def credit(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield balance and end of each account's credit, where all its spend since is known."""
    today = locate(now, snapshot.time_zone).day
    by_account: dict[str, list[TopUp]] = defaultdict(list)
    for one in bought(snapshot.plans.top_ups, today):
        by_account[one.account].append(one)
    for account, top_ups in by_account.items():
        since = min(one.day for one in top_ups)
        view = outlook(snapshot, [Scope(account, "all", "all")], now)
        week = complete_hours(snapshot, account, now)[-WEEK_HOURS:]
        if view is None or view.first > since:
            continue
        who = (snapshot.provider_of(account), account)
        spent = round(view.spent_since(since) * NANO)
        left = runway(top_ups, spent, sum(week) / WEEK_DAYS, now)
        yield Sample("llm_credit_balance_usd", who, left.balance / NANO)
        if left.exhausted_at is not None and len(week) == WEEK_HOURS:
            ends = int(left.exhausted_at.timestamp())
            yield Sample("llm_credit_exhaustion_timestamp_seconds", who, ends)
