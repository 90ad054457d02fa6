"""Rows of the Claude Code report as the API gives them, and as the ledger takes them."""

from __future__ import annotations

from datetime import UTC, datetime, time

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.ledger.base import CodingBatch
from claude_cost_exporter.records import (
    CLAUDE_CODE,
    CodingCounts,
    CodingDay,
    CodingRecord,
    CodingUse,
    Window,
)

CANARY = "canary.person@acme.example"
TOOLS = {
    "edit_tool": {"accepted": 45, "rejected": 5},
    "write_tool": {"accepted": 8, "rejected": 1},
    "a_tool_of_next_year": {"accepted": 2, "rejected": 0},
}


def api_row(day, *, email=CANARY, key=None, amount=141, model="claude-opus-5", **changes):
    """Return one row: 5 sessions, 1,543 lines added, 892 removed, 12 commits, 2 pull requests."""
    actor = {"type": "user_actor", "email_address": email}
    if key is not None:
        actor = {"type": "api_actor", "api_key_name": key}
    tokens = {"input": 100_000, "output": 35_000, "cache_read": 10_000, "cache_creation": 5_000}
    return {
        "date": f"{day}T00:00:00Z",
        "actor": actor,
        "organization_id": "dc9f6c26-b22c-4831-8d01-0446bada88f1",
        "customer_type": "api",
        "terminal_type": "vscode",
        "core_metrics": {
            "num_sessions": 5,
            "lines_of_code": {"added": 1543, "removed": 892},
            "commits_by_claude_code": 12,
            "pull_requests_by_claude_code": 2,
        },
        "tool_actions": TOOLS,
        "model_breakdown": [
            {
                "model": model,
                "tokens": tokens,
                "estimated_cost": {"currency": "USD", "amount": amount},
            }
        ],
        **changes,
    }


def api_page(*rows, next_page=None):
    return {"data": list(rows), "has_more": next_page is not None, "next_page": next_page}


def did(user, cost=0, *, customer="api", model="claude-x", sessions=1, **counts):
    """Return what one user did on a day: sessions, and one model of some cost."""
    use = {model: CodingUse(100, 20, 3, 4, cost)}
    return CodingRecord(user, customer, CodingCounts(sessions, **counts), use)


def read(ledger, at, days, account="acme"):
    """Store days (date -> rows) as one read at a moment."""
    first, last = min(days), max(days)
    start = datetime.combine(first, time(), UTC)
    end = datetime.combine(last, time(), UTC) + DAY
    rows = [CodingDay(day, tuple(done)) for day, done in days.items()]
    return ledger.coding.upsert(CodingBatch(account, CLAUDE_CODE, Window(start, end), at, rows))
