"""Bills of the days before START, read into a ledger by hand."""

from __future__ import annotations

from datetime import UTC, datetime

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.ledger.base import BillBatch
from claude_cost_exporter.records import BillDimensions, BillRecord, Window
from claude_cost_exporter.snapshot import Scope
from tests.support.ledger import START

TODAY = START.date()
YESTERDAY = TODAY - DAY
MIDNIGHT = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC)
INPUT = BillDimensions("claude-x-1", "tokens", "input", workspace_id="wrkspc_a")
WHO = BillDimensions("claude-x-1", workspace_id="wrkspc_a", api_key_id="apikey_a")
BOTH = ("bill/analytics", "bill_who/analytics")


def billed(amount, day=YESTERDAY, dimensions=INPUT, query_set="bill/legacy"):
    return BillRecord(query_set, day, dimensions, amount)


def read_bill(account, at, *rows, days=1, query_sets=("bill/legacy",)):
    """Read the bill of the last `days` closed days."""
    end = datetime(at.year, at.month, at.day, tzinfo=UTC)
    batch = BillBatch("acme", "cost", Window(end - days * DAY, end), at, list(rows), query_sets)
    return account.ledger.bill(batch)


def spend(account, now, kind, member):
    return account.snapshot(now).days.get(Scope("acme", kind, member), {})


def read_analytics(account, at, amount):
    rows = [
        billed(amount, dimensions=INPUT._replace(workspace_id=""), query_set=BOTH[0]),
        billed(amount, dimensions=WHO, query_set=BOTH[1]),
    ]
    return read_bill(account, at, *rows, query_sets=BOTH)
