"""What the days of a scope say about the days to come (floor 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.calendars import midnight
from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.records import NANO, USAGE_SOURCE
from claude_cost_exporter.views.forecasting import Moment, fit, moment
from claude_cost_exporter.views.windows import state_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime, tzinfo

    from claude_cost_exporter.snapshot import Scope, Snapshot
    from claude_cost_exporter.views.forecasting import Fit

SOURCES = {"end_customer": "analytics"}
"""Which source tells a kind of scope, where it is not usage."""


class Outlook(NamedTuple):
    """A scope's complete days, and where its data stand in the local calendar."""

    at: Moment
    first: date
    """The first day that was read whole."""
    known_to: datetime
    """Until when every account was read, at most now."""
    days: Sequence[float]
    """USD of every complete day, oldest first, yesterday last."""
    spent: Mapping[date, float]
    """USD by day, today's included."""

    @property
    def fitted(self) -> Fit | None:
        """Return what is usual, if there is a day of history."""
        return fit(self.days)

    def spent_since(self, first: date) -> float:
        """Return the USD that were spent from a day on until now."""
        count = (self.at.today - first).days + 1
        return sum(self.spent.get(first + DAY * index, 0.0) for index in range(count))


def outlook(snapshot: Snapshot, scopes: Sequence[Scope], now: datetime) -> Outlook | None:
    """Return the outlook of the sum of scopes, over the days that are known of all of them.

    None where one has not been read. Old data may end in a month before this one.
    """
    each = [_outlook(snapshot, scope, now) for scope in scopes]
    known = [one for one in each if one is not None]
    if not known or len(known) < len(each):
        return None
    at, first = min(one.at for one in known), max(one.first for one in known)
    days = {day for one in known for day in one.spent}
    spent = {day: sum(one.spent.get(day, 0.0) for one in known) for day in days}
    # Before its first spend a scope was not there, rather than idle; who never spent is idle.
    never = first if scopes[0].kind == "all" else at.today
    begin = max(first, min((day for day, usd in spent.items() if usd), default=never))
    complete = [spent.get(begin + DAY * n, 0.0) for n in range((at.today - begin).days)]
    return Outlook(at, first, min(one.known_to for one in known), complete, spent)


def _outlook(snapshot: Snapshot, scope: Scope, now: datetime) -> Outlook | None:
    state = state_of(snapshot, scope.account, SOURCES.get(scope.kind, USAGE_SOURCE))
    if state is None or state.history_start is None or state.watermark is None:
        return None
    known_to = min(now, state.watermark)
    at = _data_end(known_to, now, snapshot.time_zone)
    first = state.history_start.astimezone(snapshot.time_zone).date()
    if midnight(first, snapshot.time_zone) + HOUR <= state.history_start:
        first += DAY
    days = snapshot.days.get(scope, {})
    return Outlook(at, first, known_to, (), {day: usd / NANO for day, usd in days.items()})


def _data_end(known_to: datetime, now: datetime, zone: tzinfo) -> Moment:
    """Return where the data end; what lies between there and `now` is still to be expected.

    Data that end shortly before midnight are whole days.
    """
    at, today = moment(known_to, zone), moment(now, zone).today
    if at.today < today and midnight(today, zone) - known_to <= HOUR:
        return Moment(today, 0.0)
    return at
