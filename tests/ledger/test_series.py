"""Sums by day, as a snapshot shows them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.ledger.base import Settings
from claude_cost_exporter.plans import Plans, TopUp
from claude_cost_exporter.records import NANO, Window
from claude_cost_exporter.snapshot import Scope
from claude_cost_exporter.views.credit import credit
from tests.support.ledger import INPUT_NANO, Account, used
from tests.support.months import values

NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
TOP = NOW.replace(minute=0)
FIRST = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture
def old(tmp_path):
    """Return an account that used something on the first of 2025, and now."""
    account = Account(f"sqlite:///{tmp_path}/ledger.db", Settings(), NOW)
    account.poll(NOW, *used(TOP, 10))
    account.load(NOW, Window(FIRST, TOP - 3 * HOUR), *used(FIRST, 1))
    yield account
    account.ledger.close()


def test_every_day_of_an_account_is_shown(old):
    """Of its models only the last days are."""
    days = old.snapshot(NOW).days
    today = NOW.date()
    assert set(days[Scope("acme", "all", "all")]) == {FIRST.date(), today}
    assert set(days[Scope("acme", "model", "claude-x-1")]) == {today}


def test_days_of_members_are_shown_as_far_back_as_they_are_needed(tmp_path):
    """Forecasts of budgets look back twelve weeks; gauges have no use of more than last month."""
    settings = Settings(budgeted=frozenset({"model"}))
    account = Account(f"sqlite:///{tmp_path}/ledger.db", settings, NOW)
    account.poll(NOW, *used(TOP, 10))
    days_back = [45, 84, 90]
    usage = [row for back in days_back for row in used(TOP - back * DAY, 1)]
    account.load(NOW, Window(TOP - 100 * DAY, TOP - 3 * HOUR), *usage)
    days = account.snapshot(NOW).days
    account.ledger.close()
    assert {
        kind: sorted((NOW.date() - day).days for day in days[Scope("acme", kind, member)])
        for kind, member in (("model", "claude-x-1"), ("api_key", "apikey_a"))
    } == {"model": [0, 45, 84], "api_key": [0, 45]}


def test_credit_of_the_year_before_last_is_still_spent(old):
    """What was spent since a top-up lessens the balance, however long ago."""
    plans = Plans(top_ups=(TopUp("acme", date(2025, 1, 1), 100 * NANO),))
    snapshot = replace(old.snapshot(NOW), plans=plans)
    balance = values(credit(snapshot, NOW), "llm_credit_balance_usd")
    spent = 11 * INPUT_NANO / NANO
    assert balance == {("anthropic", "acme"): pytest.approx(100 - spent, abs=1e-9)}
