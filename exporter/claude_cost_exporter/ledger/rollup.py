"""Rolling old hour rows up to day rows; nothing is deleted, only made coarser (floor 2)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from claude_cost_exporter.ledger import tables
from claude_cost_exporter.ledger.rows import HOUR_SECONDS
from claude_cost_exporter.ledger.upsert import upsert

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

KEEP_HOURS = timedelta(days=100)
DAY_SECONDS = 86_400
SUMMED = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h", "web_searches",
          "cost")  # fmt: skip


def roll_up(connection: Connection, account_id: int, source: str, now: datetime) -> None:
    """Replace an account's hour rows of UTC days that ended 100 days ago by one row a day.

    A day whose first hours the history load of `source`, which the rows come from, has yet to
    read stays as it is.
    """
    table, series = tables.usage, tables.series
    end = int((now - KEEP_HOURS).timestamp()) // DAY_SECONDS * DAY_SECONDS
    loaded = select(tables.progress.c.covered_from).where(
        tables.progress.c.account_id == account_id, tables.progress.c.source == source
    )
    start = -(-(connection.execute(loaded).scalar() or 0) // DAY_SECONDS) * DAY_SECONDS
    ours = select(series.c.id).where(series.c.account_id == account_id)
    old = (
        (table.c.bucket_start >= start)
        & (table.c.bucket_start < end)
        & (table.c.bucket_seconds == HOUR_SECONDS)
        & table.c.series_id.in_(ours)
    )
    day = table.c.bucket_start - table.c.bucket_start % DAY_SECONDS
    sums = [func.sum(table.c[name]).label(name) for name in SUMMED]
    rate = func.max(table.c.rate_id).label("rate_id")
    columns = (day.label("bucket_start"), table.c.series_id, rate, *sums)
    query = select(*columns).where(old).group_by(day, table.c.series_id)
    rows = [dict(row) for row in connection.execute(query).mappings()]
    if not rows:
        return
    connection.execute(delete(table).where(old))
    for row in rows:
        row["bucket_seconds"] = DAY_SECONDS
    upsert(connection, table, rows, added=SUMMED)
