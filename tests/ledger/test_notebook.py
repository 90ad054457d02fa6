"""Facts that sources write down: by account, over restarts, beside how far they have read."""

from __future__ import annotations

from datetime import timedelta

from tests.support.ledger import START, used


def test_a_fact_outlives_a_restart(account):
    """What was written down is there after a restart, and may be written anew."""
    notebook = account.ledger.notebook("acme")
    assert notebook.get("since") is None
    notebook.set("since", "today")
    account.reopen(START + timedelta(hours=1))
    notebook = account.ledger.notebook("acme")
    assert notebook.get("since") == "today"
    notebook.set("since", "tomorrow")
    assert notebook.get("since") == "tomorrow"


def test_accounts_have_notebooks_of_their_own(account):
    """A fact of one account is none of another, and no longest name is too long."""
    longest = "a" * 64
    account.ledger.register(longest, "anthropic")
    account.ledger.notebook(longest).set("since", "today")
    assert account.ledger.notebook(longest).get("since") == "today"
    assert account.ledger.notebook("acme").get("since") is None


def test_it_knows_how_far_a_source_has_been_read(account):
    """A source can learn up to when it was read, and whether it ever was."""
    notebook = account.ledger.notebook("acme")
    assert notebook.read_to("usage") is None
    account.poll(START, *used(START, 100))
    assert notebook.read_to("usage") == START
