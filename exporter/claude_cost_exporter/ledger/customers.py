"""What end customers were billed, by day (floor 2)."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from claude_cost_exporter.ledger import tables
from claude_cost_exporter.records import BILL_CUSTOMER, NONE
from claude_cost_exporter.snapshot import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

CUSTOMER = "end_customer"


def billed_by_customer(
    connection: Connection, names: Mapping[int, str], since: date
) -> dict[Scope, dict[date, int]]:
    """Return billed nano-USD by end customer and UTC day; no usage report knows customers."""
    bill, series = tables.bill.c, tables.bill_series.c
    query = (
        select(series.account_id, series.end_customer, bill.day, func.sum(bill.amount))
        .join_from(tables.bill, tables.bill_series)
        .where(series.query_set.startswith(f"{BILL_CUSTOMER}/"), bill.day >= since.toordinal())
        .group_by(series.account_id, series.end_customer, bill.day)
    )
    days: dict[Scope, dict[date, int]] = defaultdict(dict)
    for account_id, customer, day, amount in connection.execute(query):
        scope = Scope(names[account_id], CUSTOMER, customer or NONE)
        days[scope][date.fromordinal(day)] = amount
    return days
