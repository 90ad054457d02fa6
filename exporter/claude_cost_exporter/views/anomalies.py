"""Whether what was spent in the last hour, day and week is normal (floor 3).

Estimates are compared with estimates, by the UTC hours in which money was spent: an outage of the
exporter looks like nothing here.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.clock import DAY, HOUR, floor_hour, floor_to, hours_until
from claude_cost_exporter.records import NANO
from claude_cost_exporter.samples import Sample
from claude_cost_exporter.views.bands import bands
from claude_cost_exporter.views.baselines import HOURS, baseline
from claude_cost_exporter.views.forecasting import WEEK
from claude_cost_exporter.views.windows import usage_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from claude_cost_exporter.snapshot import HourSeries, Scope, Snapshot
    from claude_cost_exporter.usual import Baseline

Member = tuple[str, str]
"""Kind and id of what has bands, over all accounts."""
Day = tuple[str, str, datetime]
"""A member and a UTC midnight."""
EVERYTHING = ("all", "all")
KINDS = ("all", "workspace", "model")


class Part(NamedTuple):
    """A member over all accounts, and up to when it is known in every one of them."""

    member: Member
    scopes: Sequence[Scope]
    known_to: datetime

    @property
    def midnight(self) -> datetime:
        """Return when the day under way began."""
        return floor_to(DAY, self.known_to)

    @property
    def day(self) -> Day:
        """Return the day under way."""
        return (*self.member, self.midnight)


class Past(NamedTuple):
    """What a day is judged by: the hours before its midnight, of each account."""

    midnight: datetime
    series: Sequence[HourSeries]


def anomaly_bands(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield spend, expectation, upper end and impact of each window, after seven whole days."""
    parts = {part.member: part for part in _parts(snapshot, now)}
    known = {member: snapshot.baselines.get(part.day) for member, part in parts.items()}
    if (everything := known.get(EVERYTHING)) is None:
        return
    for member, usual in known.items():
        if usual is not None:
            level = everything.today.level if member != EVERYTHING else 0.0
            yield from _bands(snapshot, parts[member], usual, level)


def pasts(snapshot: Snapshot, now: datetime) -> Iterator[tuple[Day, Past]]:
    """Yield what the baseline of each watched member's day is made of."""
    for part in _parts(snapshot, now):
        yield part.day, Past(part.midnight, [snapshot.past[scope] for scope in part.scopes])


def fitted(past: Past) -> Baseline | None:
    """Return what the day is judged by: the whole days that are known of every account."""
    start = max(each.start for each in past.series)
    whole = (past.midnight - start) // HOUR
    if whole <= 0:
        return None
    columns = []
    for each in past.series:
        offset = (start - each.start) // HOUR
        columns.append(each.amounts[offset : offset + whole])
    if any(len(column) < whole for column in columns):
        return None
    hours = [sum(amounts) / NANO for amounts in zip(*columns, strict=True)]
    return baseline(hours, past.midnight.weekday())


def _bands(snapshot: Snapshot, part: Part, usual: Baseline, level: float) -> Iterator[Sample]:
    *complete, open_usd = _last_week(snapshot, part)
    today = (floor_hour(part.known_to) - part.midnight) // HOUR
    split = len(complete) - today
    now = (complete[:split], complete[split:], open_usd)
    found = bands(usual, *now, organisation_level=level, gates=snapshot.plans.gates)
    for window, band in found.items():
        labels = (*part.member, window)
        yield Sample("llm_window_spend_usd", labels, band.spend)
        yield Sample("llm_window_spend_expected_usd", labels, band.expected)
        yield Sample("llm_window_spend_upper_usd", labels, band.upper)
        yield Sample("llm_window_anomaly_impact_usd", labels, band.impact)


def _parts(snapshot: Snapshot, now: datetime) -> Iterator[Part]:
    """Yield everything and each watched member, once everything is known."""
    scopes: Mapping[Member, list[Scope]] = defaultdict(list)
    for scope in snapshot.past:
        if scope.kind in KINDS:
            scopes[scope.kind, scope.member].append(scope)
    known = {scope.account for scope in scopes.get(EVERYTHING, ())}
    if known == {account.account for account in snapshot.polled}:
        for member, each in scopes.items():
            ends = (_known_to(snapshot, scope.account, now) for scope in each)
            yield Part(member, each, min(ends))


def _known_to(snapshot: Snapshot, account: str, now: datetime) -> datetime:
    """Return where the data of an account end: its open hour is the one that they end in."""
    state = usage_state(snapshot, account)
    return min(now, state.watermark) if state and state.watermark else now


def _last_week(snapshot: Snapshot, part: Part) -> list[float]:
    """Return USD by the hour, the open one last."""
    hours = hours_until(floor_hour(part.known_to) + HOUR, WEEK * HOURS)
    columns = [_estimates(snapshot, scope, hours) for scope in part.scopes]
    return [sum(amounts) / NANO for amounts in zip(*columns, strict=True)]


def _estimates(snapshot: Snapshot, scope: Scope, hours: Sequence[datetime]) -> Iterator[int]:
    """Yield estimates as they are now; the past, read a while ago, has those from before."""
    fresh, past = snapshot.estimated_hours.get(scope, {}), snapshot.past[scope]
    first = (hours[0] - past.start) // HOUR
    for index, hour in enumerate(hours, first):
        known = past.amounts[index] if 0 <= index < len(past.amounts) else 0
        yield fresh.get(hour, known)
