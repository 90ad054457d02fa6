"""An empty ledger for each test."""

from __future__ import annotations

import pytest

from claude_cost_exporter.ledger.base import Settings
from tests.support.ledger import Account


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
