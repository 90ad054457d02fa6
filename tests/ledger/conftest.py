"""An empty ledger for each test, and one with usage that can be billed."""

from __future__ import annotations

import pytest

from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.ledger.base import Settings
from tests.support.billed_days import MIDNIGHT
from tests.support.ledger import START, Account, used


@pytest.fixture
def url(tmp_path):
    """The URL of a SQLite ledger that does not exist yet."""
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture
def account(url):
    """An account on an empty ledger."""
    account = Account(url, Settings())
    yield account
    account.ledger.close()


@pytest.fixture
def used_yesterday(account):
    """Yesterday: 100 input tokens at 05:00 and 300 at 20:00; 50 today."""
    rows = [
        *used(MIDNIGHT - DAY + 5 * HOUR, 100),
        *used(MIDNIGHT - DAY + 20 * HOUR, 300),
        *used(MIDNIGHT + HOUR, 50),
    ]
    account.poll(START, *rows, back=48)
    return account
