"""Calendar windows of the gauges (floor 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from claude_cost_exporter.calendars import midnight, period_around
from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.records import USAGE_SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from claude_cost_exporter.snapshot import Snapshot, SourceState


@dataclass(frozen=True, slots=True)
class CalendarWindow:
    """Calendar days from `first` up to, not including, `end`, in the configured time zone."""

    name: str
    first: date
    end: date

    def holds(self, day: date) -> bool:
        """Return whether a calendar day is in the window."""
        return self.first <= day < self.end

    def days(self) -> Iterator[date]:
        """Yield the days, first to last."""
        return (self.first + DAY * index for index in range((self.end - self.first).days))


def calendar_windows(snapshot: Snapshot, now: datetime) -> tuple[CalendarWindow, ...]:
    """Return today, yesterday, week to date, month to date and last month at `now`."""
    today = now.astimezone(snapshot.time_zone).date()
    tomorrow = today + DAY
    week, _ = period_around("week", today, snapshot.week_start)
    month, _ = period_around("month", today)
    return (
        CalendarWindow("today", today, tomorrow),
        CalendarWindow("yesterday", today - DAY, today),
        CalendarWindow("week_to_date", week, tomorrow),
        CalendarWindow("month_to_date", month, tomorrow),
        CalendarWindow("last_month", (month - DAY).replace(day=1), month),
    )


def complete_windows(snapshot: Snapshot, account: str, now: datetime) -> Iterable[CalendarWindow]:
    """Yield the windows of which every hour has been read once.

    A window that has ended must have been read to its end; one that runs must have been begun.
    """
    state = usage_state(snapshot, account)
    if state is None or state.history_start is None or state.watermark is None:
        return
    for window in calendar_windows(snapshot, now):
        start, end = (midnight(day, snapshot.time_zone) for day in (window.first, window.end))
        read_to = state.watermark + HOUR if end > now else state.watermark
        needed = start + HOUR if end > now else end
        if state.history_start < start + HOUR and read_to >= needed:
            yield window


def usage_state(snapshot: Snapshot, account: str) -> SourceState | None:
    """Return what the account's usage source did last."""
    return state_of(snapshot, account, USAGE_SOURCE)


def state_of(snapshot: Snapshot, account: str, source: str) -> SourceState | None:
    """Return what a source of an account did last."""
    states = (s for s in snapshot.sources if (s.account, s.source) == (account, source))
    return next(states, None)
