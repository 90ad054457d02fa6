"""What the days of a scope say about the days to come (floor 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.calendars import midnight
from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.records import NANO
from claude_cost_exporter.snapshot import Scope
from claude_cost_exporter.views.forecasting import Moment, fit, moment
from claude_cost_exporter.views.windows import usage_state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime, tzinfo

    from claude_cost_exporter.snapshot import Snapshot
    from claude_cost_exporter.views.forecasting import Fit


class Outlook(NamedTuple):
    """A scope's complete days, and where its data stand in the local calendar."""

    at: Moment
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


def outlook(
    snapshot: Snapshot, account: str, now: datetime, kind: str = "all", member: str = "all"
) -> Outlook | None:
    """Return a scope's outlook; None while the account's days of this month are not known."""
    state = usage_state(snapshot, account)
    if state is None or state.history_start is None or state.watermark is None:
        return None
    at = _data_end(min(now, state.watermark), now, snapshot.time_zone)
    if at is None:
        return None
    days = snapshot.days.get(Scope(account, kind, member), {})
    spent = {day: amount / NANO for day, amount in days.items()}
    first = state.history_start.astimezone(snapshot.time_zone).date()
    if midnight(first, snapshot.time_zone) < state.history_start:
        first += DAY
    if kind != "all":  # before its first day a member was not there, rather than idle
        first = max(first, min(days, default=at.today))
    complete = [spent.get(first + DAY * index, 0.0) for index in range((at.today - first).days)]
    return Outlook(at, complete, spent)


def _data_end(known_to: datetime, now: datetime, zone: tzinfo) -> Moment | None:
    """Return where the data end; what lies between there and `now` is still to be expected.

    Data that end shortly before midnight are whole days; older ones may not belong to this month.
    """
    at, today = moment(known_to, zone), moment(now, zone).today
    if at.today == today:
        return at
    if midnight(today, zone) - known_to <= HOUR:
        return Moment(today, 0.0)
    return at if at.today.replace(day=1) == today.replace(day=1) else None
