"""The provider's limits in the ledger: replaced, kept for workspaces that were not read, aged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from claude_cost_exporter.clock import HOUR, ManualClock
from claude_cost_exporter.ledger.base import Names, Settings
from claude_cost_exporter.ledger.sql import SqlLedger
from claude_cost_exporter.records import (
    NANO,
    LimitsRecord,
    OrganizationRecord,
    RateLimit,
    SpendLimit,
    WorkspaceRecord,
)
from tests.support.ledger import START, used

NOW = datetime(2026, 11, 10, 12, 30, tzinfo=UTC)
ACCOUNT = SpendLimit("account", "", "monthly", 9000 * NANO)
TIER = SpendLimit("usage_tier", "", "monthly", 200_000 * NANO)


def rate(workspace="", value=4000, models="claude-opus-5", limiter="requests_per_minute"):
    return RateLimit(workspace, models, limiter, value)


@pytest.fixture
def ledger(url):
    """A ledger with two accounts."""
    ledger = SqlLedger(url, Settings(), ManualClock(NOW))
    for account in ("acme", "beta"):
        ledger.register(account, "anthropic")
    yield ledger
    ledger.close()


def store(ledger, spend=(), rates=(), read=("",), at=NOW, account="acme"):
    found = LimitsRecord(tuple(spend), tuple(rates), frozenset(read))
    ledger.limits.replace(account, found, at)


def shown(ledger, at=NOW, account="acme"):
    """Return the limits on spend and on rates."""
    snapshot = ledger.snapshot(at)
    return set(snapshot.spend_limits.get(account, ())), set(snapshot.rate_limits.get(account, ()))


def test_spend_limits_are_replaced_as_a_whole(ledger):
    """A limit that is not listed any more is gone; another account's stay."""
    store(ledger, [ACCOUNT, TIER])
    store(ledger, [TIER], account="beta")
    raised = ACCOUNT._replace(amount=9500 * NANO)
    store(ledger, [raised])
    assert shown(ledger) == ({raised}, set())
    assert shown(ledger, account="beta") == ({TIER}, set())


def test_rates_of_workspaces_that_were_not_read_stay(ledger):
    """Each read replaces the rates of the workspaces that it is about."""
    store(
        ledger,
        rates=[rate(), rate("wrkspc_a", 5), rate("wrkspc_b", 6)],
        read=("", "wrkspc_a", "wrkspc_b"),
    )
    store(ledger, rates=[rate(value=8000)], read=("", "wrkspc_b"))
    assert shown(ledger)[1] == {rate(value=8000), rate("wrkspc_a", 5)}


def test_the_lower_of_two_limits_binds(ledger):
    """Two limits on the same thing are one series, with the value that is reached first."""
    store(ledger, [ACCOUNT, ACCOUNT._replace(amount=NANO)], [rate(value=7), rate(value=9)])
    assert shown(ledger) == ({ACCOUNT._replace(amount=NANO)}, {rate(value=7)})


def test_old_limits_are_not_shown(ledger):
    """A limit that could not be read for two days may have changed, and is absent."""
    store(ledger, [ACCOUNT], [rate("wrkspc_a")], ("wrkspc_a",))
    later = NOW + timedelta(days=2)
    assert shown(ledger, later) == ({ACCOUNT}, {rate("wrkspc_a")})
    assert shown(ledger, later + HOUR) == (set(), set())


def test_limits_survive_a_restart(ledger, url):
    """What was read last is shown again at once."""
    store(ledger, [ACCOUNT], [rate()])
    ledger.close()
    again = SqlLedger(url, Settings(), ManualClock(NOW))
    assert shown(again) == ({ACCOUNT}, {rate()})
    again.close()


def test_the_default_workspace_has_one_name(account):
    """A limit on the default workspace is under the name that its usage has."""
    account.poll(START, *used(START, 5, ws="default"))
    default = WorkspaceRecord("wrkspc_default", "Default", is_default=True)
    account.ledger.name("acme", Names(OrganizationRecord("org", "Acme"), [default]), START)
    workspace = SpendLimit("workspace", "wrkspc_default", "monthly", NANO)
    store(account.ledger, [workspace], [rate("wrkspc_default")], ("wrkspc_default",), START)
    assert shown(account.ledger, START) == (
        {workspace._replace(scope="default")},
        {rate("default")},
    )
    store(account.ledger, read=("wrkspc_default",), at=START)
    assert shown(account.ledger, START) == (set(), set())
