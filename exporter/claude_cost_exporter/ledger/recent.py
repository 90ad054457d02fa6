"""Tokens of the last day and the last week, by what they cost (floor 2).

Windows end where the complete hours of an account end, and are absent until all of them were read.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from claude_cost_exporter.clock import DAY, floor_hour
from claude_cost_exporter.ledger import tables
from claude_cost_exporter.ledger.past import PastHours
from claude_cost_exporter.records import ATTRIBUTION, PROBE, USAGE_SOURCE, Dimensions, Tokens
from claude_cost_exporter.snapshot import Used

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date, datetime

    from sqlalchemy import Connection

    from claude_cost_exporter.ledger.series import Daily, Hourly
    from claude_cost_exporter.snapshot import SourceState

    Stretches = Mapping[str, tuple[datetime, datetime]]

WEEK = timedelta(days=7)
PRICING = ("model", "service_tier", "context_window", "inference_geo", "speed")


class Recent(NamedTuple):
    """What was used lately."""

    last_day: tuple[Used, ...] = ()
    last_week: tuple[Used, ...] = ()


class Sums(NamedTuple):
    """Spend and estimate by scope, over days and over hours."""

    days: Daily
    estimated_days: Daily
    hours: Hourly
    estimated_hours: Hourly


class Lately:
    """What is read from the ledger when something was written, rather than for every snapshot."""

    def __init__(self) -> None:
        self.past, self.recent = PastHours(), RecentUse()
        self._sums: Sums | None = None
        self._summed_for: tuple[date, datetime] | None = None

    def forget(self) -> None:
        """Read sums anew: something may have been written."""
        self._sums = None

    def sums(
        self, today: date, now: datetime, read: Callable[[], tuple[Daily, Daily, Hourly, Hourly]]
    ) -> Sums:
        """Return the sums; days and hours also move with the calendar."""
        moment = (today, floor_hour(now))
        if self._sums is None or self._summed_for != moment:
            self._sums, self._summed_for = Sums(*read()), moment
        return self._sums


class RecentUse:
    """Sums rows once an hour, or when more has been read; in between the sums are kept."""

    def __init__(self) -> None:
        self._read_for: Stretches = {}
        self._recent = Recent()

    def read(
        self,
        connection: Connection,
        names: Mapping[int, str],
        sources: Iterable[SourceState],
        now: datetime,
    ) -> Recent:
        """Return the sums over complete hours."""
        stretches = _stretches(sources, now)
        if stretches != self._read_for:
            day = _last(DAY, connection, names, stretches, ATTRIBUTION, "workspace_id")
            week = _last(WEEK, connection, names, stretches, PROBE)
            self._recent, self._read_for = Recent(tuple(day), tuple(week)), stretches
        return self._recent


def _stretches(sources: Iterable[SourceState], now: datetime) -> Stretches:
    """Return by account the stretch of complete hours that were read, cut to a week."""
    found = {one.account: one.complete_hours(now) for one in sources if one.source == USAGE_SOURCE}
    return {name: (max(of[0], of[1] - WEEK), of[1]) for name, of in found.items() if of}


def _last(
    length: timedelta,
    connection: Connection,
    names: Mapping[int, str],
    stretches: Stretches,
    role: str,
    *more: str,
) -> Iterator[Used]:
    """Yield what was used lately in the accounts of which all of it was read."""
    by_end: dict[datetime, dict[int, str]] = defaultdict(dict)
    for account_id, name in names.items():
        start, end = stretches.get(name, (None, None))
        if start and end and start <= end - length:
            by_end[end][account_id] = name
    for end, ending in by_end.items():
        yield from _used(connection, ending, role, (end - length, end), *more)


def _used(
    connection: Connection,
    names: Mapping[int, str],
    role: str,
    span: tuple[datetime, datetime],
    *more: str,
) -> Iterator[Used]:
    usage, series = tables.usage.c, tables.series
    start, end = (int(moment.timestamp()) for moment in span)
    counts = (*Tokens._fields, "web_searches")
    by_series = (
        select(usage.series_id, *(func.sum(usage[name]).label(name) for name in counts))
        .where(usage.bucket_start >= start, usage.bucket_start < end)
        .where(usage.series_id.in_(tables.series_of(names, role)))
        .group_by(usage.series_id)
        .subquery()
    )
    dimensions = [series.c[name] for name in (*PRICING, *more)]
    query = (
        select(series.c.account_id, *dimensions, *(func.sum(by_series.c[name]) for name in counts))
        .join_from(by_series, series, by_series.c.series_id == series.c.id)
        .group_by(series.c.account_id, *dimensions)
    )
    for account_id, *values in connection.execute(query):
        who, used = values[: len(dimensions)], values[len(dimensions) :]
        named = dict(zip((*PRICING, *more), who, strict=True))
        yield Used(names[account_id], Dimensions(**named), Tokens(*used[:-1]), used[-1])
