"""Which API's bill counts for a day; both may be known, and one is in force (floor 2)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from claude_cost_exporter.ledger import tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection


class DayBill(NamedTuple):
    """What is known about one day's bill as one API tells it."""

    day: date
    query_set: str
    unchanged_since: int
    billed_at: int | None
    """Null: it is not in force."""


def states(connection: Connection, account_id: int, first: date, last: date) -> Iterator[DayBill]:
    """Yield what each API said of the days from `first` to `last`, both included."""
    table = tables.bill_days
    columns = (table.c[name] for name in DayBill._fields)
    query = select(*columns).where(
        table.c.account_id == account_id,
        table.c.day.between(first.toordinal(), last.toordinal()),
    )
    for ordinal, *rest in connection.execute(query):
        yield DayBill(date.fromordinal(ordinal), *rest)


def in_force(
    connection: Connection, account_id: int, query_set: str, days: Sequence[date]
) -> set[date]:
    """Return those of the days, oldest first, on which this bill is in force."""
    return {
        state.day
        for state in states(connection, account_id, days[0], days[-1])
        if state.query_set == query_set and state.billed_at is not None
    }


def bills_that_count(
    connection: Connection, account_id: int, first: date, last: date
) -> Mapping[date, DayBill]:
    """Return each day's bill that is in force or, where none is, the one that changed last."""
    found = states(connection, account_id, first, last)
    ranked = sorted(found, key=lambda one: (one.billed_at is not None, one.unchanged_since))
    return {one.day: one for one in ranked}
