"""Replacing the bill of some days as one API tells it; each API has lines of its own (floor 2)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import insert, select

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.ledger import tables
from claude_cost_exporter.ledger.bill_days import in_force
from claude_cost_exporter.ledger.names import save
from claude_cost_exporter.ledger.upsert import upsert
from claude_cost_exporter.records import BILL, BILL_CUSTOMER, NONE, BillDimensions, BillRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection

    from claude_cost_exporter.ledger.base import BillBatch
    from claude_cost_exporter.ledger.registry import Account


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


def query_set_of(batch: BillBatch, role: str) -> str:
    """Return the query set that a read has for a role."""
    return next(one for one in batch.query_sets if role_of(one) == role)


def days_told(batch: BillBatch) -> set[date]:
    """Return the days that the bill by price has any line for."""
    return {row.day for row in batch.rows if role_of(row.query_set) == BILL}


def days_of(batch: BillBatch) -> list[date]:
    """Return the UTC days that a batch holds completely."""
    count = (batch.window.end - batch.window.start) // DAY
    first = batch.window.start.date()
    return [first + DAY * index for index in range(count)]


def replace_bill(connection: Connection, account: Account, batch: BillBatch) -> list[BillChange]:
    """Write what differs, and return it. Rows that collide are added up.

    Days whose bill is in force and now reads empty stay as they are: silence revokes nothing.
    """
    before = _stored(connection, account, batch)
    after = _incoming(account, batch)
    kept = _silent_in_force(connection, account, batch)
    ids = _series_ids(connection, account, {key for key, _ in after})
    changes, writes = [], []
    for place in {**before, **after}:
        key, day = place
        if day in kept:
            continue
        old, new = before.get(place), after.get(place, Amount(0, None))
        if new == old or (old is None and not any(new)):
            continue
        changes.append(BillChange(key, day, new.amount - (old.amount if old else 0)))
        writes.append({"day": day.toordinal(), "series_id": ids[key], **new._asdict()})
    upsert(connection, tables.bill, writes)
    return changes


def _silent_in_force(connection: Connection, account: Account, batch: BillBatch) -> set[date]:
    if not holds(batch, BILL):
        return set()
    query_set, days = query_set_of(batch, BILL), days_of(batch)
    return in_force(connection, account.id, query_set, days) - days_told(batch)


def _stored(
    connection: Connection, account: Account, batch: BillBatch
) -> dict[tuple[BillKey, date], Amount]:
    first, last = (d.toordinal() for d in (days_of(batch)[0], days_of(batch)[-1]))
    return {
        (key, day): amount
        for key, day, amount in stored_bill(connection, account.id, first, last)
        if key.query_set in batch.query_sets
    }


def stored_bill(
    connection: Connection, account_id: int, first: int, last: int, column: str = "amount"
) -> Iterator[tuple[BillKey, date, Amount]]:
    """Yield every line of the days from ordinal `first` to `last`, both included, of all APIs.

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


def begin_billing(connection: Connection, account: Account, batch: BillBatch) -> None:
    """Fix the first day that counters by end customer count: the day of their first read."""
    if account.first_bill_day is not None:
        return
    account.first_bill_day = batch.read_at.date().toordinal()
    save(connection, account, "first_bill_day")


def by_customer(
    changes: Iterable[BillChange], first: int, known_since: date
) -> Iterator[tuple[str, int]]:
    """Yield what each end customer is charged more: days from `first` on, whenever they come.

    A cap on how many there are spares those who are billed most, and no place is taken by who
    was only seen before `known_since`.
    """
    for change in sorted(changes, key=lambda change: change.amount, reverse=True):
        counts = change.day.toordinal() >= first
        if role_of(change.key.query_set) == BILL_CUSTOMER and (counts or change.day >= known_since):
            yield change.key.dimensions.end_customer or NONE, change.amount if counts else 0
