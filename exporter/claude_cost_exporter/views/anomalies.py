"""Whether what was spent in the last hour, day and week is normal (floor 3).

Estimates are compared with estimates, by the UTC hours in which money was spent: an outage of the
exporter looks like nothing here.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.clock import DAY, HOUR, floor_hour, floor_to
from claude_cost_exporter.records import NANO
from claude_cost_exporter.samples import Sample
from claude_cost_exporter.views.bands import bands
from claude_cost_exporter.views.baselines import baseline
from claude_cost_exporter.views.windows import usage_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from claude_cost_exporter.plans import Gate
    from claude_cost_exporter.snapshot import Scope, Snapshot
    from claude_cost_exporter.views.baselines import Baseline

Member = tuple[str, str]
"""Kind and id of what has bands, over all accounts."""
EVERYTHING = ("all", "all")
KINDS = ("all", "workspace", "model")


class Hours(NamedTuple):
    """USD by the hour: of whole days, of the day under way, of the hour under way."""

    past: Sequence[float]
    today: Sequence[float]
    open_usd: float
    weekday: int


def anomaly_bands(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield spend, expectation, upper end and impact of each window, after seven whole days."""
    hours = dict(_members(snapshot, now))
    known = {member: baseline(one.past, one.weekday) for member, one in hours.items()}
    if (everything := known.get(EVERYTHING)) is None:
        return
    for member, usual in known.items():
        if usual is not None:
            level = everything.today.level if member != EVERYTHING else 0.0
            yield from _bands(member, hours[member], usual, level, snapshot.plans.gates)


def _bands(
    member: Member, hours: Hours, usual: Baseline, level: float, gates: Mapping[str, Gate]
) -> Iterator[Sample]:
    now = (hours.past, hours.today, hours.open_usd)
    found = bands(usual, *now, organisation_level=level, gates=gates)
    for window, band in found.items():
        labels = (*member, window)
        yield Sample("llm_window_spend_usd", labels, band.spend)
        yield Sample("llm_window_spend_expected_usd", labels, band.expected)
        yield Sample("llm_window_spend_upper_usd", labels, band.upper)
        yield Sample("llm_window_anomaly_impact_usd", labels, band.impact)


def _members(snapshot: Snapshot, now: datetime) -> Iterator[tuple[Member, Hours]]:
    """Yield the hours of everything and of each watched member, summed over accounts."""
    parts: Mapping[Member, list[Scope]] = defaultdict(list)
    for scope in snapshot.past:
        if scope.kind in KINDS:
            parts[scope.kind, scope.member].append(scope)
    known = {scope.account for scope in parts.get(EVERYTHING, ())}
    if known == {account.account for account in snapshot.polled}:  # else not everything is known
        for member, scopes in parts.items():
            if (hours := _hours(snapshot, scopes, now)) is not None:
                yield member, hours


def _hours(snapshot: Snapshot, scopes: Sequence[Scope], now: datetime) -> Hours | None:
    """Return the sum of scopes over the time that is known of all of them."""
    series = [snapshot.past[scope] for scope in scopes]
    known_to = min(_known_to(snapshot, scope.account, now) for scope in scopes)
    start, midnight = max(each.start for each in series), floor_to(DAY, known_to)
    whole, gone = (midnight - start) // HOUR, (floor_hour(known_to) - midnight) // HOUR
    offsets = [(start - each.start) // HOUR for each in series]
    columns = [
        each.amounts[offset : offset + whole] for each, offset in zip(series, offsets, strict=True)
    ]
    if whole <= 0 or any(len(column) < whole for column in columns):
        return None
    estimates = [snapshot.estimated_hours.get(scope, {}) for scope in scopes]
    today = [
        sum(each.get(midnight + hour * HOUR, 0) for each in estimates) / NANO
        for hour in range(gone + 1)
    ]
    past = [sum(amounts) / NANO for amounts in zip(*columns, strict=True)]
    return Hours(past, today[:-1], today[-1], midnight.weekday())


def _known_to(snapshot: Snapshot, account: str, now: datetime) -> datetime:
    """Return where the data of an account end: its open hour is the one that they end in."""
    state = usage_state(snapshot, account)
    return min(now, state.watermark) if state and state.watermark else now
