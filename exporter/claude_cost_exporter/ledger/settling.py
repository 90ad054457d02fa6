"""When a day's bill takes over from the estimate, or from another API's bill (floor 2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select, true, update

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.ledger import bill_days, tables
from claude_cost_exporter.ledger.bills import (
    days_of,
    days_told,
    midnight,
    query_set_of,
    stored_bill,
)
from claude_cost_exporter.ledger.reading import progress
from claude_cost_exporter.ledger.upsert import upsert
from claude_cost_exporter.records import BILL, USAGE_SOURCE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date

    from sqlalchemy import Connection

    from claude_cost_exporter.ledger.base import BillBatch, Progress
    from claude_cost_exporter.ledger.registry import Account

"""The source that says which hours have been read."""
SETTLING = timedelta(hours=12)
"""No day is billed earlier after its end."""
AGREEING = timedelta(hours=6)
"""Two reads at least this far apart must agree."""
PATIENCE = timedelta(hours=48)
"""Until then a bill must be at least half of the estimate."""
REVISED_FOR = timedelta(days=31)
"""Bills do not change any more after that: one read is enough."""


class Settled(NamedTuple):
    """What one read of the bill means for its days."""

    newly: Sequence[date]
    """Days whose bill takes over now."""
    silent: Sequence[date]
    """Days that have usage, closed long ago or billed already, and no line at all in the bill."""


NOTHING = Settled((), ())


def settle(
    connection: Connection, account: Account, batch: BillBatch, changed: Collection[date]
) -> Settled:
    """Note what each day says since when, and put in force what has settled.

    Once a day is billed it stays so, and what its bill says may still change. Another API's bill
    of the same day replaces it as a whole, once that has settled, too. A bill without any line
    never says that what was used is free.
    """
    query_set = query_set_of(batch, BILL)
    days, told, now = days_of(batch), days_told(batch), int(batch.read_at.timestamp())
    known, rivals = _known(connection, account, query_set, days)
    usage = progress(connection, account.id, USAGE_SOURCE)
    writes, newly, silent = [], [], []
    for day in days:
        old = known.get(day)
        since = now if old is None or day in changed else old.unchanged_since
        billed_at = old.billed_at if old else None
        used = day not in told and _estimated(connection, account, day) > 0
        if day not in told and (used or day in rivals or not _is_read(usage, day)):
            if used and (billed_at or batch.read_at - midnight(day) - DAY >= PATIENCE):
                silent.append(day)
        elif billed_at is None and _has_settled(
            connection, account, day, query_set, since, batch.read_at
        ):
            billed_at = now
            newly.append(day)
        state = bill_days.DayBill(day, query_set, since, billed_at)
        writes.append({"account_id": account.id, **state._asdict(), "day": day.toordinal()})
    upsert(connection, tables.bill_days, writes)
    _take_over(connection, account, query_set, newly)
    in_force = [day for day, old in known.items() if day in changed and old.billed_at]
    _remember_settled(connection, account, query_set, newly, in_force)
    return Settled(newly, silent)


def _is_read(usage: Progress, day: date) -> bool:
    """Return whether all usage of a day is known."""
    start, end = usage.history_start, usage.watermark
    return (
        start is not None
        and end is not None
        and start <= midnight(day)
        and midnight(day) + DAY <= end
    )


def _known(
    connection: Connection, account: Account, query_set: str, days: Sequence[date]
) -> tuple[dict[date, bill_days.DayBill], set[date]]:
    """Return what this bill said of the days, and the days on which another one is in force."""
    states = list(bill_days.states(connection, account.id, days[0], days[-1]))
    known = {state.day: state for state in states if state.query_set == query_set}
    rivals = {s.day for s in states if s.query_set != query_set and s.billed_at is not None}
    return known, rivals


def _take_over(
    connection: Connection, account: Account, query_set: str, newly: Collection[date]
) -> None:
    """End the force of what another API says of the days."""
    table = tables.bill_days
    connection.execute(
        update(table)
        .where(table.c.account_id == account.id, table.c.query_set != query_set)
        .where(table.c.day.in_([day.toordinal() for day in newly]))
        .values(billed_at=None)
    )


def _remember_settled(
    connection: Connection,
    account: Account,
    query_set: str,
    newly: Collection[date],
    in_force: Collection[date],
) -> None:
    """Keep what lines said when they came into force, to tell a later change from it.

    Lines that arrive later than their day's bill come into force with their first amount.
    """
    table, series = tables.bill, tables.bill_series
    ours = select(series.c.id).where(
        series.c.account_id == account.id, series.c.query_set == query_set
    )
    for days, lines in ((newly, true()), (in_force, table.c.settled_amount.is_(None))):
        connection.execute(
            update(table)
            .where(table.c.day.in_([day.toordinal() for day in days]))
            .where(table.c.series_id.in_(ours), lines)
            .values(settled_amount=table.c.amount)
        )


def _has_settled(  # noqa: PLR0913, PLR0917 - whose, which bill, and the two times
    connection: Connection,
    account: Account,
    day: date,
    query_set: str,
    since: int,
    now: datetime,
) -> bool:
    age = now - midnight(day) - DAY
    agreed = now - datetime.fromtimestamp(since, UTC) >= AGREEING or age > REVISED_FOR
    if age < SETTLING or not agreed:
        return False
    return age >= PATIENCE or 2 * _billed(connection, account, day, query_set) >= _estimated(
        connection, account, day
    )


def _billed(connection: Connection, account: Account, day: date, query_set: str) -> int:
    ordinal = day.toordinal()
    return sum(
        amount.amount
        for key, _, amount in stored_bill(connection, account.id, ordinal, ordinal)
        if key.query_set == query_set
    )


def _estimated(connection: Connection, account: Account, day: date) -> int:
    hours, scopes = tables.hours, tables.scopes
    start = int(midnight(day).timestamp())
    query = (
        select(func.sum(hours.c.cost))
        .join_from(hours, scopes)
        .where(scopes.c.account_id == account.id, scopes.c.kind == "all")
        .where(hours.c.hour >= start, hours.c.hour < start + DAY.total_seconds())
    )
    return int(connection.execute(query).scalar() or 0)
