"""The ledger as it would have looked at past hours, for the views to say what they would have said.

It is what is known now of what had happened by then: bills that came later are in it, as they are
in every sum of the ledger (floor 4).
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from claude_cost_exporter.clock import DAY, HOUR, floor_to
from claude_cost_exporter.ledger.past import ALL, LONGEST, RANKED_OVER, WATCHED, largest
from claude_cost_exporter.ledger.series import HOURS_BACK, oldest_day
from claude_cost_exporter.records import USAGE_SOURCE
from claude_cost_exporter.snapshot import HourSeries

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import date, datetime
    from typing import Any

    from claude_cost_exporter.ledger.hourly import ScopeSum
    from claude_cost_exporter.snapshot import Scope, Snapshot, SourceState

ESTIMATED_DAYS = ("all", "attributed")


class Replay:
    """Sums that grow hour by hour; `at` shows them as a snapshot."""

    def __init__(self, base: Snapshot, end: datetime, budgeted: Collection[str]) -> None:
        self._base = replace(base, in_use={}, prices=(), billed_days={}, last_day=(), last_week=())
        self._budgeted = budgeted
        self._days: dict[Scope, dict[date, int]] = defaultdict(dict)
        self._estimated_days: dict[Scope, dict[date, int]] = defaultdict(dict)
        self._hours: dict[Scope, dict[datetime, int]] = defaultdict(dict)
        self._estimated_hours: dict[Scope, dict[datetime, int]] = defaultdict(dict)
        self._whole = _WholeDays(base, end)
        self._midnight: datetime | None = None
        self._past: Mapping[Scope, HourSeries] = {}

    def add(self, hour: datetime, sums: Iterable[ScopeSum]) -> None:
        """Add what an hour cost."""
        day = hour.astimezone(self._base.time_zone).date()
        for scope, estimate, spend in sums:
            _grow(self._days[scope], day, spend)
            if scope.kind in ESTIMATED_DAYS:
                _grow(self._estimated_days[scope], day, estimate)
            if scope.kind in HOURS_BACK:
                self._hours[scope][hour] = spend
                self._estimated_hours[scope][hour] = estimate
            self._whole.add(hour, scope, estimate)

    def at(self, now: datetime) -> Snapshot:
        """Return the ledger as it would have looked when everything before this hour was read."""
        if (midnight := floor_to(DAY, now)) != self._midnight:
            self._midnight = midnight
            self._forget(now)
            self._past = dict(self._whole.until(midnight))
        seen = {scope: hour for scope, hour in self._base.first_seen.items() if hour < now}
        return replace(
            self._base,
            taken_at=now,
            sources=tuple(self._sources(now)),
            days=self._days,
            estimated_days=self._estimated_days,
            hours=self._hours,
            estimated_hours=self._estimated_hours,
            past=self._past,
            first_seen=seen,
        )

    def _sources(self, now: datetime) -> Iterator[SourceState]:
        for state in self._base.sources:
            start = state.history_start
            if state.source == USAGE_SOURCE and start is not None and start <= now:
                yield replace(state, watermark=now)

    def _forget(self, now: datetime) -> None:
        """Forget what a snapshot of `now` does not show any more."""
        today = now.astimezone(self._base.time_zone).date()
        for days in (self._days, self._estimated_days):
            _cut(days, {scope: oldest_day(today, scope.kind, self._budgeted) for scope in days})
        spends = {scope: now - HOURS_BACK[scope.kind][0] for scope in self._hours}
        estimates = {scope: now - HOURS_BACK[scope.kind][1] for scope in self._estimated_hours}
        _cut(self._hours, spends)
        _cut(self._estimated_hours, estimates)


class _WholeDays:
    """The estimates of all hours of what may be watched, to tell what is usual."""

    def __init__(self, base: Snapshot, end: datetime) -> None:
        self._first = {
            state.account: floor_to(DAY, state.history_start + DAY - timedelta(microseconds=1))
            for state in base.sources
            if state.source == USAGE_SOURCE and state.history_start is not None
        }
        self._count = {
            account: max(0, (end - first) // HOUR) for account, first in self._first.items()
        }
        self._amounts: dict[Scope, array[int]] = {}

    def add(self, hour: datetime, scope: Scope, amount: int) -> None:
        """Keep what a scope cost in an hour, when it may be watched and its day is whole."""
        first = self._first.get(scope.account)
        if first is None or hour < first or scope.kind not in (ALL, *WATCHED):
            return
        if (amounts := self._amounts.get(scope)) is None:
            amounts = array("q", bytes(8 * self._count[scope.account]))
            self._amounts[scope] = amounts
        index = (hour - first) // HOUR
        if index < len(amounts):
            amounts[index] = amount

    def until(self, midnight: datetime) -> Iterator[tuple[Scope, HourSeries]]:
        """Yield the days before a midnight of everything, and of the largest members then."""
        watched = self._watched(midnight)
        for scope, amounts in self._amounts.items():
            first = self._first[scope.account]
            start = max(first, midnight - LONGEST)
            if start < midnight and (scope.kind == ALL or scope.member in watched[scope.kind]):
                whole = amounts[(start - first) // HOUR : (midnight - first) // HOUR]
                yield scope, HourSeries(start, whole)

    def _watched(self, midnight: datetime) -> Mapping[str, set[str]]:
        spent: dict[str, dict[str, int]] = {kind: defaultdict(int) for kind in WATCHED}
        for scope, amounts in self._amounts.items():
            if scope.kind in spent:
                end = max(0, (midnight - self._first[scope.account]) // HOUR)
                lately = amounts[max(0, end - RANKED_OVER // HOUR) : end]
                if any(lately):
                    spent[scope.kind][scope.member] += sum(lately)
        return {kind: largest(spent[kind], count) for kind, count in WATCHED.items()}


def _grow(days: dict[date, int], day: date, amount: int) -> None:
    days[day] = days.get(day, 0) + amount


def _cut(sums: dict[Scope, dict[Any, int]], oldest: Mapping[Scope, Any]) -> None:
    """Forget what is older than the oldest that is shown of its scope."""
    for scope, first in oldest.items():
        kept = {at: amount for at, amount in sums[scope].items() if at >= first}
        if kept:
            sums[scope] = kept
        else:
            del sums[scope]
