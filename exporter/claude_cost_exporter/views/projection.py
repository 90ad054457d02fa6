"""What the months to come will cost if nothing changes, one by one (floor 3)."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.calendars import locate, next_month
from claude_cost_exporter.records import NANO
from claude_cost_exporter.snapshot import Scope
from claude_cost_exporter.views.forecasting import Estimates, later_month, month_end
from claude_cost_exporter.views.outlook import outlook
from claude_cost_exporter.views.scopes import ALL
from claude_cost_exporter.views.subscriptions import fees_of_month
from claude_cost_exporter.views.windows import complete_windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

    from claude_cost_exporter.snapshot import Snapshot


NONE = Estimates(0.0, 0.0, 0.0)
"""Of an account without usage."""


class MonthAhead(NamedTuple):
    """One month of one account, in USD."""

    provider: str
    account: str
    first: date
    metered: Estimates | None
    """None where there is no history for it."""
    fees: float
    history_days: int | None = None
    """Complete days behind it; None where nothing is read, and nothing to forecast."""


def projection(snapshot: Snapshot, months: int, now: datetime) -> Iterator[MonthAhead]:
    """Yield the months of every account, the one that runs first.

    An account of which nothing is read costs its fixed fees.
    """
    subscriptions = snapshot.plans.subscriptions
    paying = {(one.provider, one.account) for one in subscriptions}
    polled = {(one.provider, one.account) for one in snapshot.polled}
    firsts = _firsts(locate(now, snapshot.time_zone).day, months)
    for who in sorted(paying | polled):
        provider, account = who
        metered = _metered(snapshot, account, firsts, now) if who in polled else repeat(NONE)
        plans = [one for one in subscriptions if (one.provider, one.account) == who]
        days = _history_days(snapshot, account, now) if who in polled else None
        for first, expected in zip(firsts, metered, strict=False):
            fees = fees_of_month(plans, first, snapshot.time_zone) / NANO
            yield MonthAhead(provider, account, first, expected, fees, days)


def _history_days(snapshot: Snapshot, account: str, now: datetime) -> int:
    view = outlook(snapshot, [Scope(account, ALL, ALL)], now)
    return view.fitted.history_days if view and view.fitted else 0


def _firsts(today: date, months: int) -> list[date]:
    """Return the first days of the month that runs and of those after it."""
    firsts = [today.replace(day=1)]
    while len(firsts) < months:
        firsts.append(next_month(firsts[-1]))
    return firsts


def _metered(
    snapshot: Snapshot, account: str, firsts: Sequence[date], now: datetime
) -> Iterator[Estimates | None]:
    """Yield what to expect of each month; of the first one, only when its days were read."""
    view = outlook(snapshot, [Scope(account, ALL, ALL)], now)
    fitted = view.fitted if view else None
    whole = {window.name for window in complete_windows(snapshot, account, now)}
    for first in firsts:
        if view is None or fitted is None:
            yield None
        elif first > view.at.today:
            yield later_month(fitted, view.at, first)
        else:
            known = "month_to_date" in whole
            yield month_end(fitted, view.spent_since(first), view.at) if known else None
