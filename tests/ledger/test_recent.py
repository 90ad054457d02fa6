"""Tokens of the last day and week: complete hours, by what they cost."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.ledger.base import Settings
from claude_cost_exporter.records import Tokens
from claude_cost_exporter.snapshot import Used
from tests.support.ledger import MODEL, Account, used

NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
TOP = NOW.replace(minute=0)


@pytest.fixture
def one(tmp_path):
    account = Account(f"sqlite:///{tmp_path}/ledger.db", Settings(), NOW)
    yield account
    account.ledger.close()


def test_complete_hours_of_a_day_and_a_week(one):
    """The open hour, and what is older than the window, do not count."""
    tokens = {TOP: 1, TOP - HOUR: 10, TOP - DAY: 100, TOP - DAY - HOUR: 1000, TOP - 8 * DAY: 10_000}
    usage = [row for hour, count in tokens.items() for row in used(hour, Tokens(count, count))]
    one.poll(NOW, *usage, back=9 * 24)
    shown = one.snapshot(NOW)
    where = MODEL._replace(workspace_id="wrkspc_a")
    assert shown.last_day == (Used("acme", where, Tokens(110, 110)),)
    assert shown.last_week == (Used("acme", MODEL, Tokens(1110, 1110)),)


def test_keys_of_one_workspace_are_one(one):
    """What is compared by workspace and model is summed over keys."""
    usage = used(TOP - HOUR, 5, key="a") + used(TOP - HOUR, 7, key="b")
    one.poll(NOW, *usage)
    assert [use.tokens.input for use in one.snapshot(NOW).last_day] == [12]
