"""Replacing the bill of some days, and deciding when it takes over from the estimate (floor 2)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, insert, select, update

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.ledger import tables
from claude_cost_exporter.ledger.names import save
from claude_cost_exporter.ledger.upsert import upsert
from claude_cost_exporter.records import BILL, BillDimensions, BillRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection

    from claude_cost_exporter.ledger.base import BillBatch
    from claude_cost_exporter.ledger.registry import Account

SETTLING = timedelta(hours=12)
"""No day is billed earlier after its end."""
AGREEING = timedelta(hours=6)
"""Two reads at least this far apart must agree."""
PATIENCE = timedelta(hours=48)
"""Until then a bill must be at least half of the estimate."""
REVISED_FOR = timedelta(days=31)
"""Bills do not change any more after that: one read is enough."""


class BillKey(NamedTuple):
    """What makes a line of the bill: one amount a day belongs to it."""

    query_set: str
    dimensions: BillDimensions


class Amount(NamedTuple):
    """Nano-USD of one line on one day."""

    amount: int
    list_amount: int | None


class BillChange(NamedTuple):
    """By how much one line of one day has changed."""

    key: BillKey
    day: date
    amount: int


def midnight(day: date) -> datetime:
    """Return the start of a UTC day."""
    return datetime.combine(day, time(), UTC)


def role_of(query_set: str) -> str:
    """Return the part of a query set's name that says what it is for."""
    return query_set.partition("/")[0]


def api_of(query_set: str) -> str:
    """Return the part of a query set's name that says which API answered."""
    return query_set.partition("/")[2]


def holds(batch: BillBatch, role: str) -> bool:
    """Return whether a read was about a role, with or without an answer."""
    return any(role_of(one) == role for one in batch.query_sets)


def days_of(batch: BillBatch) -> list[date]:
    """Return the UTC days that a batch holds completely."""
    count = (batch.window.end - batch.window.start) // DAY
    first = batch.window.start.date()
    return [first + DAY * index for index in range(count)]


def replace_bill(connection: Connection, account: Account, batch: BillBatch) -> list[BillChange]:
    """Write what differs, and return it. Rows that collide are added up."""
    before = _stored(connection, account, batch)
    after = _incoming(account, batch)
    ids = _series_ids(connection, account, {key for key, _ in after})
    changes, writes = [], []
    for place in {**before, **after}:
        key, day = place
        old, new = before.get(place), after.get(place, Amount(0, None))
        if new == old or (old is None and not any(new)):
            continue
        changes.append(BillChange(key, day, new.amount - (old.amount if old else 0)))
        writes.append({"day": day.toordinal(), "series_id": ids[key], **new._asdict()})
    upsert(connection, tables.bill, writes)
    return changes


def _stored(
    connection: Connection, account: Account, batch: BillBatch
) -> dict[tuple[BillKey, date], Amount]:
    roles = {role_of(query_set) for query_set in batch.query_sets}
    first, last = (d.toordinal() for d in (days_of(batch)[0], days_of(batch)[-1]))
    return {
        (key, day): amount
        for key, day, amount in stored_bill(connection, account.id, first, last)
        if role_of(key.query_set) in roles
    }


def stored_bill(
    connection: Connection, account_id: int, first: int, last: int, column: str = "amount"
) -> Iterator[tuple[BillKey, date, Amount]]:
    """Yield every line of the days from ordinal `first` to `last`, both included.

    With `settled_amount` as the column it is what the lines said when they came into force.
    """
    bill, series = tables.bill, tables.bill_series
    dimensions = [series.c[name] for name in BillDimensions._fields]
    query = (
        select(bill.c.day, bill.c[column], bill.c.list_amount, series.c.query_set, *dimensions)
        .join_from(bill, series)
        .where(series.c.account_id == account_id, bill.c.day >= first, bill.c.day <= last)
    )
    for day, amount, list_amount, query_set, *values in connection.execute(query):
        key = BillKey(query_set, BillDimensions(*values))
        yield key, date.fromordinal(day), Amount(amount or 0, list_amount)


def _incoming(account: Account, batch: BillBatch) -> dict[tuple[BillKey, date], Amount]:
    rows: dict[tuple[BillKey, date], Amount] = {}
    for record in batch.rows:
        dimensions = record.dimensions
        workspace = account.workspace(dimensions.workspace_id)
        dimensions = dimensions._replace(workspace_id=workspace)
        place = (BillKey(record.query_set, dimensions), record.day)
        rows[place] = _sum(rows.get(place), record)
    return rows


def _sum(twin: Amount | None, record: BillRecord) -> Amount:
    if twin is None:
        return Amount(record.amount, record.list_amount)
    lists = (twin.list_amount, record.list_amount)
    known = [one for one in lists if one is not None]
    return Amount(twin.amount + record.amount, sum(known) if len(known) == len(lists) else None)


def _series_ids(
    connection: Connection, account: Account, wanted: Iterable[BillKey]
) -> dict[BillKey, int]:
    table = tables.bill_series

    def known() -> dict[BillKey, int]:
        columns = [table.c[name] for name in ("id", "query_set", *BillDimensions._fields)]
        rows = connection.execute(select(*columns).where(table.c.account_id == account.id))
        return {BillKey(row[1], BillDimensions(*row[2:])): row[0] for row in rows}

    ids = known()
    new = [key for key in wanted if key not in ids]
    if new:
        connection.execute(
            insert(table),
            [
                {"account_id": account.id, "query_set": key.query_set, **key.dimensions._asdict()}
                for key in new
            ],
        )
        ids = known()
    return ids


def settle(
    connection: Connection, account: Account, batch: BillBatch, changed: set[date]
) -> list[date]:
    """Note what each day says since when; return the days whose bill takes over now.

    Once a bill is in force it stays; what it says may still change.
    """
    query_set = next(one for one in batch.query_sets if role_of(one) == BILL)
    table, now = tables.bill_days, int(batch.read_at.timestamp())
    known = {
        row.day: row
        for row in connection.execute(select(table).where(table.c.account_id == account.id))
    }
    writes, newly = [], []
    for day in days_of(batch):
        old = known.get(day.toordinal())
        since = now if old is None or day in changed else old.unchanged_since
        billed_at = old.billed_at if old else None
        if billed_at is None and _has_settled(connection, account, day, since, batch.read_at):
            billed_at = now
            newly.append(day)
        writes.append({
            "account_id": account.id,
            "day": day.toordinal(),
            "query_set": query_set,
            "unchanged_since": since,
            "billed_at": billed_at,
        })  # fmt: skip
    upsert(connection, table, writes)
    _remember_settled(connection, account, days_of(batch))
    return newly


def _remember_settled(connection: Connection, account: Account, days: Iterable[date]) -> None:
    """Keep what lines said when they came into force, to tell a later change from it.

    Lines that arrive late come into force with their first amount.
    """
    table, series, states = tables.bill, tables.bill_series, tables.bill_days
    ours = select(series.c.id).where(series.c.account_id == account.id)
    in_force = select(states.c.day).where(
        states.c.account_id == account.id,
        states.c.billed_at.is_not(None),
        states.c.day.in_([day.toordinal() for day in days]),
    )
    connection.execute(
        update(table)
        .where(table.c.day.in_(in_force), table.c.series_id.in_(ours))
        .where(table.c.settled_amount.is_(None))
        .values(settled_amount=table.c.amount)
    )


def _has_settled(
    connection: Connection, account: Account, day: date, since: int, now: datetime
) -> bool:
    age = now - midnight(day) - DAY
    agreed = now - datetime.fromtimestamp(since, UTC) >= AGREEING or age > REVISED_FOR
    if age < SETTLING or not agreed:
        return False
    return age >= PATIENCE or 2 * _billed(connection, account, day) >= _estimated(
        connection, account, day
    )


def _billed(connection: Connection, account: Account, day: date) -> int:
    ordinal = day.toordinal()
    return sum(
        amount.amount
        for key, _, amount in stored_bill(connection, account.id, ordinal, ordinal)
        if role_of(key.query_set) == BILL
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


def begin_billing(connection: Connection, account: Account, batch: BillBatch) -> None:
    """Fix the first day that counters by end customer count: the day of their first read."""
    if account.first_bill_day is not None:
        return
    account.first_bill_day = batch.read_at.date().toordinal()
    save(connection, account, "first_bill_day")
