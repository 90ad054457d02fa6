"""Tokens of the last day and the last week, by what they cost (floor 2)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from claude_cost_exporter.clock import DAY, HOUR, floor_hour
from claude_cost_exporter.ledger import tables
from claude_cost_exporter.ledger.past import PastHours
from claude_cost_exporter.records import ATTRIBUTION, PROBE, Dimensions, Tokens
from claude_cost_exporter.snapshot import Used

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

WEEK = timedelta(days=7)
PRICING = ("model", "service_tier", "context_window", "inference_geo", "speed")


class Recent(NamedTuple):
    """What was used lately."""

    last_day: tuple[Used, ...] = ()
    last_week: tuple[Used, ...] = ()


class Lately:
    """What is read from the ledger now and then, rather than for every snapshot."""

    def __init__(self) -> None:
        self.past, self.recent = PastHours(), RecentUse()


class RecentUse:
    """Sums rows once an hour; in between the sums are kept."""

    def __init__(self) -> None:
        self._read_at: datetime | None = None
        self._recent = Recent()

    def read(self, connection: Connection, names: Mapping[int, str], now: datetime) -> Recent:
        """Return the sums over complete hours."""
        hour = floor_hour(now - HOUR / 4)  # the last hour is complete some minutes after its end
        if hour != self._read_at:
            day = _used(connection, names, ATTRIBUTION, hour - DAY, hour, "workspace_id")
            week = _used(connection, names, PROBE, hour - WEEK, hour)
            self._recent = Recent(tuple(day), tuple(week))
            self._read_at = hour
        return self._recent


def _used(
    connection: Connection,
    names: Mapping[int, str],
    role: str,
    start: datetime,
    end: datetime,
    *more: str,
) -> Iterator[Used]:
    usage, series = tables.usage.c, tables.series.c
    dimensions = [series[name] for name in (*PRICING, *more)]
    sums = [func.sum(usage[name]) for name in (*Tokens._fields, "web_searches")]
    query = (
        select(series.account_id, *dimensions, *sums)
        .join_from(tables.usage, tables.series)
        .where(
            usage.bucket_start >= int(start.timestamp()),
            usage.bucket_start < int(end.timestamp()),
            series.role == role,
        )
        .group_by(series.account_id, *dimensions)
    )
    for account_id, *values in connection.execute(query):
        who, used = values[: len(dimensions)], values[len(dimensions) :]
        named = dict(zip((*PRICING, *more), who, strict=True))
        yield Used(names[account_id], Dimensions(**named), Tokens(*used[:-1]), used[-1])
