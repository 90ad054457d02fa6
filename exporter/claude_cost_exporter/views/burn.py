"""How fast money is spent, over complete hours (floor 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_cost_exporter.clock import HOUR, hours_until
from claude_cost_exporter.records import NANO
from claude_cost_exporter.samples import Sample
from claude_cost_exporter.snapshot import HOURS_SHOWN, Scope
from claude_cost_exporter.views.windows import usage_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from claude_cost_exporter.snapshot import Snapshot

WINDOWS = {"1h": 1, "24h": 24, "7d": 7 * 24, "30d": 30 * 24}
LONGEST = max(WINDOWS.values())
HOURS_A_DAY = 24


def burn_rates(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield USD a day over the last complete hours, for every window that was read as a whole."""
    for account in snapshot.accounts:
        hours = complete_hours(snapshot, account.account, now)
        for window, count in WINDOWS.items():
            if len(hours) >= count:
                per_day = sum(hours[-count:]) / NANO * HOURS_A_DAY / count
                labels = (account.provider, account.account, window)
                yield Sample("llm_burn_rate_usd_per_day", labels, per_day)


def complete_hours(snapshot: Snapshot, account: str, now: datetime) -> Sequence[int]:
    """Return best-known nano-USD of the last hours that are over and were read, oldest first.

    At most 30 days. Where data are old, they end where the data end.
    """
    state = usage_state(snapshot, account)
    complete = state.complete_hours(now) if state else None
    if complete is None:
        return ()
    start, end = complete
    first = max(start, end - LONGEST * HOUR, now - HOURS_SHOWN)
    known = snapshot.hours.get(Scope(account, "all", "all"), {})
    count = min(int((end - first) / HOUR), LONGEST)
    return [known.get(hour, 0) for hour in hours_until(end, count)]
