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

    from claude_cost_exporter.plans import Subscription
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
    for who in sorted(paying | polled):
        plans = [one for one in subscriptions if (one.provider, one.account) == who]
        read = [who[1]] if who in polled else []
        yield from _months(MonthsOf(*who, read, plans), snapshot, months, now)


def together(snapshot: Snapshot, months: int, now: datetime) -> Iterator[MonthAhead]:
    """Yield the months of all accounts and fees, forecast as one, as the total is."""
    read = [one.account for one in snapshot.polled]
    yield from _months(MonthsOf("", "", read, snapshot.plans.subscriptions), snapshot, months, now)


class MonthsOf(NamedTuple):
    """Whose months are asked for."""

    provider: str
    account: str
    read: Sequence[str]
    """The accounts whose usage is read; with none of them nothing metered is expected."""
    fees: Sequence[Subscription]


def _months(of: MonthsOf, snapshot: Snapshot, months: int, now: datetime) -> Iterator[MonthAhead]:
    firsts = _firsts(locate(now, snapshot.time_zone).day, months)
    metered = _metered(snapshot, of.read, firsts, now) if of.read else repeat(NONE)
    days = _history_days(snapshot, of.read, now) if of.read else None
    for first, expected in zip(firsts, metered, strict=False):
        fees = fees_of_month(of.fees, first, snapshot.time_zone) / NANO
        yield MonthAhead(of.provider, of.account, first, expected, fees, days)


def _history_days(snapshot: Snapshot, accounts: Sequence[str], now: datetime) -> int:
    view = outlook(snapshot, [Scope(account, ALL, ALL) for account in accounts], now)
    return view.fitted.history_days if view and view.fitted else 0


def _firsts(today: date, months: int) -> list[date]:
    """Return the first days of the month that runs and of those after it."""
    firsts = [today.replace(day=1)]
    while len(firsts) < months:
        firsts.append(next_month(firsts[-1]))
    return firsts


def _metered(
    snapshot: Snapshot, accounts: Sequence[str], firsts: Sequence[date], now: datetime
) -> Iterator[Estimates | None]:
    """Yield what to expect of each month; of the first one, only when its days were read."""
    view = outlook(snapshot, [Scope(account, ALL, ALL) for account in accounts], now)
    fitted = view.fitted if view else None
    known = all(_is_month_known(snapshot, account, now) for account in accounts)
    for first in firsts:
        if view is None or fitted is None:
            yield None
        elif first > view.at.today:
            yield later_month(fitted, view.at, first)
        else:
            yield month_end(fitted, view.spent_since(first), view.at) if known else None


def _is_month_known(snapshot: Snapshot, account: str, now: datetime) -> bool:
    windows = complete_windows(snapshot, account, now)
    return any(window.name == "month_to_date" for window in windows)
