"""Rolling old hour rows up to day rows; nothing is deleted, only made coarser (floor 2)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from claude_cost_exporter.ledger import tables
from claude_cost_exporter.ledger.rows import HOUR_SECONDS, conflict_insert

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

KEEP_HOURS = timedelta(days=100)
DAY_SECONDS = 86_400
SUMMED = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h", "web_searches",
          "cost")  # fmt: skip


def roll_up(connection: Connection, now: datetime) -> int:
    """Replace the hour rows of UTC days that ended 100 days ago by one row a day."""
    table = tables.usage
    end = int((now - KEEP_HOURS).timestamp()) // DAY_SECONDS * DAY_SECONDS
    old = (table.c.bucket_seconds == HOUR_SECONDS) & (table.c.bucket_start < end)
    day = table.c.bucket_start - table.c.bucket_start % DAY_SECONDS
    sums = [func.sum(table.c[name]).label(name) for name in SUMMED]
    query = select(
        day.label("bucket_start"), table.c.series_id, func.max(table.c.rate_id).label("rate_id"), *sums
    ).where(old).group_by(day, table.c.series_id)  # fmt: skip
    rows = [dict(row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - documented API
    if not rows:
        return 0
    gone = connection.execute(delete(table).where(old)).rowcount
    for row in rows:
        row["bucket_seconds"] = DAY_SECONDS
    statement = conflict_insert(connection, table)
    added = {name: table.c[name] + statement.excluded[name] for name in SUMMED}
    keys = ["bucket_start", "series_id"]
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=added), rows)
    return gone
