"""Billed beside estimated, over UTC days whose bill is in force (floor 3)."""

from __future__ import annotations

from collections import defaultdict
from itertools import takewhile
from typing import TYPE_CHECKING

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.records import NANO
from claude_cost_exporter.samples import Sample
from claude_cost_exporter.snapshot import LINE, Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date, datetime

    from claude_cost_exporter.snapshot import Snapshot

RECENT_DAYS = 7

Sums = dict[str, list[int]]
"""Name -> [billed, estimated] in nano-USD."""


def closed_windows(billed: frozenset[date], now: datetime) -> Mapping[str, tuple[date, ...]]:
    """Return the UTC days of each window; a window with a day that is not billed is left out.

    Days are not billed in their order. A window that runs ends with the newest day up to which
    none is missing.
    """
    month = now.date().replace(day=1)
    last_month = (month - DAY).replace(day=1)
    windows = {
        "last_7_closed_days": _newest_run(billed, RECENT_DAYS),
        "month_to_date_closed": tuple(takewhile(billed.__contains__, _days(month, now.date()))),
        "last_month": _days(last_month, month - DAY),
    }
    return {name: days for name, days in windows.items() if days and billed.issuperset(days)}


def _newest_run(billed: frozenset[date], length: int) -> tuple[date, ...]:
    """Return the newest days in a row that are all billed, or none."""
    runs = (_days(last - (length - 1) * DAY, last) for last in sorted(billed, reverse=True))
    return next((run for run in runs if billed.issuperset(run)), ())


def _days(first: date, last: date) -> tuple[date, ...]:
    return tuple(first + DAY * index for index in range((last - first).days + 1))


def billed(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield both truths by type of cost, over the same days."""
    for account in snapshot.accounts:
        who = (account.provider, account.account)
        lines = _lines(snapshot, account.account)
        windows = closed_windows(snapshot.billed_days.get(account.account, frozenset()), now)
        for window, days in windows.items():
            by_type: Sums = defaultdict(lambda: [0, 0])
            for line, amounts in lines.items():
                _add(by_type[line.cost_type], amounts, days)
            for cost_type, (charged, estimated) in by_type.items():
                labels = (*who, cost_type, window)
                yield Sample("llm_billed_spend_usd", labels, charged / NANO)
                yield Sample("llm_estimated_spend_usd", labels, estimated / NANO)


def ratios(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield billed divided by estimated of every line that has both."""
    for account in snapshot.accounts:
        windows = closed_windows(snapshot.billed_days.get(account.account, frozenset()), now)
        days = windows.get("last_7_closed_days", ())
        for line, amounts in _lines(snapshot, account.account).items():
            pair = [0, 0]
            _add(pair, amounts, days)
            if pair[1]:
                labels = (account.provider, account.account, line.model, line.token_type)
                yield Sample("llm_billed_to_estimated_ratio", labels, pair[0] / pair[1])


ByDay = tuple["Mapping[date, int]", "Mapping[date, int]"]


def _lines(snapshot: Snapshot, account: str) -> Mapping[Line, ByDay]:
    """Return billed and estimated nano-USD by UTC day of every line of an account."""
    return {
        Line.of(scope): (days, snapshot.estimated_days.get(scope, {}))
        for scope, days in snapshot.days.items()
        if scope.account == account and scope.kind == LINE
    }


def _add(pair: list[int], amounts: ByDay, days: Iterable[date]) -> None:
    for index, by_day in enumerate(amounts):
        pair[index] += sum(by_day.get(day, 0) for day in days)
