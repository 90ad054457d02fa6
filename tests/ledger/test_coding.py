"""Claude Code in the ledger: days replaced, windows, caps, names forgotten, sums kept."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claude_cost_exporter.clock import DAY, HOUR, ManualClock
from claude_cost_exporter.ledger.base import Settings
from claude_cost_exporter.ledger.sql import SqlLedger
from claude_cost_exporter.records import CLAUDE_CODE, CodingCounts, CodingUse
from claude_cost_exporter.snapshot import GAUGES_OF_SCOPES
from tests.support.coding import CANARY, did, read

NOON = datetime(2026, 11, 10, 12, 30, tzinfo=UTC)
TODAY = NOON.date()


def opened(url, *, naming="hashed", most=100, accounts=("acme",)):
    ledger = SqlLedger(url, Settings(), ManualClock(NOON))
    for account in accounts:
        ledger.register(account, "anthropic")
        ledger.coding.name_users(account, naming, most)
    return ledger


@pytest.fixture
def ledger(url):
    """A ledger whose users are hashed."""
    ledger = opened(url)
    yield ledger
    ledger.close()


def windows(ledger, now=NOON, account="acme"):
    found = ledger.snapshot(now).coding
    return {one.window: one for one in found if one.account == account}


def costs(ledger, window="today", **options):
    return {user: cost for (user, _), cost in windows(ledger, **options)[window].user_cost.items()}


def since(first, *rows):
    return {first + DAY * n: rows for n in range((TODAY - first).days + 1)}


def test_windows_sum_their_days(ledger):
    """Today, yesterday and the month are sums by user and by model over exactly their days."""
    month = since(date(2026, 11, 1), did("u1", 10, commits=1), did("u2", 5, model="claude-y"))
    read(ledger, NOON, month | {TODAY - DAY: [did("u1", 7, lines_added=3)]})
    found = windows(ledger)
    assert costs(ledger, "today") == {"u1": 10, "u2": 5}
    assert costs(ledger, "yesterday") == {"u1": 7}
    assert costs(ledger, "month_to_date") == {"u1": 9 * 10 + 7, "u2": 9 * 5}
    assert found["month_to_date"].activity == {
        "u1": CodingCounts(sessions=10, commits=9, lines_added=3),
        "u2": CodingCounts(sessions=9),
    }
    assert found["month_to_date"].models == {
        ("claude-x", "api"): CodingUse(1000, 200, 30, 40, 97),
        ("claude-y", "api"): CodingUse(900, 180, 27, 36, 45),
    }


def test_a_read_replaces_its_day(ledger):
    """What a later read of a day does not show any more is gone; other days stay."""
    read(ledger, NOON, since(TODAY - DAY, did("u1", 10), did("u2", 5)))
    assert read(ledger, NOON, {TODAY: [did("u1", 12)]}) == 3  # u1's cost, u2 in both tables
    assert costs(ledger, "today") == {"u1": 12}
    assert costs(ledger, "yesterday") == {"u1": 10, "u2": 5}
    read(ledger, NOON, {TODAY: []})
    assert costs(ledger, "today") == {}


def test_rows_of_one_user_add_up(ledger):
    """Terminals, remote and local use of one person are one user."""
    read(ledger, NOON, {TODAY: [did("u1", 10), did("u1", 4, sessions=2), did("u1", 1)]})
    window = windows(ledger)["today"]
    assert window.user_cost == {("u1", "api"): 15}
    assert window.activity == {"u1": CodingCounts(sessions=4)}
    assert window.models[("claude-x", "api")] == CodingUse(300, 60, 9, 12, 15)


def test_subscriptions_are_kept_apart(ledger):
    """What is not billed by the token is never in one sum of money or tokens with what is."""
    rows = [did("u1", 10), did("u1", 400, customer="subscription", sessions=3)]
    read(ledger, NOON, {TODAY: rows})
    window = windows(ledger)["today"]
    assert window.user_cost == {("u1", "api"): 10, ("u1", "subscription"): 400}
    assert window.models[("claude-x", "api")].cost == 10
    assert window.models[("claude-x", "subscription")].cost == 400
    assert window.activity == {"u1": CodingCounts(sessions=4)}


def test_accounts_are_kept_apart(url):
    """A user of the same name in another account is another user."""
    ledger = opened(url, accounts=("acme", "beta"))
    read(ledger, NOON, {TODAY: [did("u1", 10)]})
    read(ledger, NOON, {TODAY: [did("u1", 3)]}, "beta")
    assert costs(ledger) == {"u1": 10}
    assert costs(ledger, account="beta") == {"u1": 3}
    ledger.close()


MIDNIGHT = NOON.replace(hour=0, minute=0)
READS = {
    "everything": ({}, NOON, {"today", "yesterday", "month_to_date"}),
    "today not yet": ({TODAY: None}, NOON, {"yesterday"}),
    "a hole": ({date(2026, 11, 4): None}, NOON, {"today", "yesterday"}),
    "the first day": ({date(2026, 11, 1): None}, NOON, {"today", "yesterday"}),
    "yesterday only to 20:00": ({TODAY - DAY: MIDNIGHT - 4 * HOUR}, NOON, {"today"}),
    "yesterday to 22:30": (
        {TODAY - DAY: MIDNIGHT - 1.5 * HOUR},
        NOON,
        {"today", "yesterday", "month_to_date"},
    ),
    "right after midnight": (
        {TODAY: None, TODAY - DAY: MIDNIGHT - HOUR / 2},
        MIDNIGHT + HOUR / 2,
        {"yesterday", "month_to_date"},
    ),
    "long after midnight": (
        {TODAY: None, TODAY - DAY: MIDNIGHT - HOUR / 2},
        MIDNIGHT + 2.5 * HOUR,
        {"yesterday"},
    ),
}


@pytest.mark.parametrize(("reads", "now", "shown"), READS.values(), ids=list(READS))
def test_a_window_needs_all_its_days(ledger, reads, now, shown):
    """A window is absent while a day of it was never read, or not to its end."""
    for day in since(date(2026, 11, 1)):
        at = reads.get(day, datetime(day.year, day.month, day.day, tzinfo=UTC) + DAY)
        if at is not None:
            read(ledger, min(at, now), {day: [did("u1", 1)]})
    assert windows(ledger, now).keys() == shown


def test_the_first_of_a_month(ledger):
    """On its first day a month is that day, and absent until it was read."""
    first = datetime(2026, 12, 1, 0, 20, tzinfo=UTC)
    read(ledger, first, {first.date() - DAY: [did("u1", 10)]})
    assert windows(ledger, first).keys() == {"yesterday"}
    read(ledger, first, {first.date(): [did("u1", 2)]})
    assert costs(ledger, "month_to_date", now=first) == {"u1": 2}


def test_t14_users_beyond_the_cap_are_other_for_ever(url):
    """T14: the dearest users get names; a member of `other` stays there, also after a restart."""
    ledger = opened(url, most=2)
    read(ledger, NOON, {TODAY: [did("u1", 1), did("u2", 30), did("u3", 20), did("u4", 2)]})
    assert costs(ledger) == {"u2": 30, "u3": 20, "other": 3}
    assert ledger.snapshot(NOON).series_dropped == dict.fromkeys(GAUGES_OF_SCOPES["coding_user"], 2)
    ledger.close()
    ledger = opened(url, most=4)
    read(ledger, NOON, {TODAY: [did("u1", 50), did("u2", 1), did("u5", 3)]})
    assert costs(ledger) == {"other": 50, "u2": 1, "u5": 3}
    assert windows(ledger)["today"].activity["other"] == CodingCounts(sessions=1)
    ledger.close()


def test_ten_thousand_users_are_a_hundred_and_one(ledger):
    """However many users a day has, the exposition and the ledger's rows stay bounded."""
    read(ledger, NOON, {TODAY: [did(f"u{n}", n) for n in range(10_000)]})
    found = costs(ledger)
    assert len(found) == 101
    assert found["u9999"] == 9999
    assert found["other"] == sum(range(9900))


def test_a_user_called_other(url):
    """A user who is called like the collecting label is counted with what it collects."""
    ledger = opened(url, naming="shown", most=1)
    read(ledger, NOON, {TODAY: [did("u1", 10), did("other", 5), did("u2", 2)]})
    assert costs(ledger) == {"u1": 10, "other": 7}
    ledger.close()


def test_unchanged_reads_cost_nothing(ledger):
    """While no row changes, the very same sums are shown again; a change replaces them."""
    days = since(date(2026, 11, 1), did("u1", 10), did("u2", 5))
    read(ledger, NOON, days)
    before = windows(ledger)
    assert read(ledger, NOON + HOUR, days) == 0
    after = windows(ledger, NOON + HOUR)
    assert all(after[name] is before[name] for name in before)
    read(ledger, NOON + HOUR, {TODAY: [did("u1", 11)]})
    assert costs(ledger, now=NOON + HOUR) == {"u1": 11}


def test_a_failed_write_leaves_everything(ledger):
    """When a day cannot be written, the days before it are as they were, and so are the sums."""
    read(ledger, NOON, {TODAY: [did("u1", 10)]})
    with pytest.raises(OverflowError):
        read(ledger, NOON, {TODAY - DAY: [did("u2", 1)], TODAY: [did("u3", 2**63)]})
    assert windows(ledger).keys() == {"today"}
    assert costs(ledger) == {"u1": 10}
    read(ledger, NOON, {TODAY: [did("u3", 7)]})
    assert costs(ledger) == {"u3": 7}


def test_progress_is_that_of_the_days(ledger):
    """What was read counts as read up to now, and history reaches to the first day."""
    read(ledger, NOON, since(TODAY - DAY, did("u1", 1)))
    progress = ledger.progress("acme", CLAUDE_CODE)
    assert progress.watermark == progress.last_success == NOON
    assert progress.history_start == MIDNIGHT - DAY


def on_disk(folder):
    return b"".join(path.read_bytes() for path in folder.iterdir())


@pytest.mark.parametrize("then", ["hashed", "off"])
def test_names_are_forgotten_when_they_may_not_be_shown_any_more(url, tmp_path, then):
    """When names are hashed from now on, no byte of one stays, and the days are read anew."""
    ledger = opened(url, naming="shown")
    read(ledger, NOON, since(date(2026, 11, 1), did(CANARY, 10), did("u1", 1)))
    assert CANARY in costs(ledger, "month_to_date")
    ledger.close()
    assert CANARY.encode() in on_disk(tmp_path)
    ledger = opened(url, naming=then)
    assert windows(ledger) == {}
    assert ledger.progress("acme", CLAUDE_CODE).watermark is None
    assert CANARY.encode() not in on_disk(tmp_path)
    read(ledger, NOON, {TODAY: [did("u1", 3)]})
    assert costs(ledger) == {"u1": 3}
    ledger.close()


def test_nothing_is_forgotten_while_names_stay_as_they_are(url):
    """A restart with the same setting keeps every day."""
    ledger = opened(url)
    read(ledger, NOON, {TODAY: [did("u1", 10)]})
    ledger.close()
    ledger = opened(url)
    assert costs(ledger) == {"u1": 10}
    ledger.close()


def test_an_account_that_is_not_configured_shows_nothing(url):
    """Old figures of an account that is no longer read are not shown as today's."""
    ledger = opened(url, accounts=("acme", "beta"))
    read(ledger, NOON, {TODAY: [did("u1", 10)]}, "beta")
    ledger.close()
    ledger = opened(url)
    assert ledger.snapshot(NOON).coding == ()
    ledger.close()


USERS = st.sampled_from(["u1", "u2", "u3", "u4"])
ROWS = st.builds(
    did,
    USERS,
    st.integers(0, 10**9),
    customer=st.sampled_from(["api", "subscription"]),
    model=st.sampled_from(["claude-x", "claude-y"]),
    sessions=st.integers(0, 9),
)
READ = st.tuples(st.integers(0, 9), st.lists(ROWS, max_size=5))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reads=st.lists(READ, max_size=12), most=st.integers(1, 4))
def test_nothing_is_lost_or_counted_twice(ledger, reads, most):
    """After any reads in any order every sum is that of the last read of each day."""
    account = f"acme{len(ledger.owners())}"
    ledger.register(account, "anthropic")
    ledger.coding.name_users(account, "hashed", most)
    last = since(date(2026, 11, 1))
    read(ledger, NOON, last, account)
    for back, rows in reads:
        read(ledger, NOON, {TODAY - DAY * back: rows}, account)
        last[TODAY - DAY * back] = tuple(rows)
    window = windows(ledger, account=account)["month_to_date"]
    rows = [row for rows in last.values() for row in rows]
    for customer in ("api", "subscription"):
        money = sum(use.cost for row in rows for use in row.models.values()
                    if row.customer_type == customer)  # fmt: skip
        for sums in (window.user_cost, {k: use.cost for k, use in window.models.items()}):
            assert sum(v for (_, who), v in sums.items() if who == customer) == money
    assert sum(one.sessions for one in window.activity.values()) == sum(
        row.counts.sessions for row in rows
    )
    assert len(window.activity) <= most + 1


def test_old_days_are_kept_and_not_shown(ledger):
    """A window has its own days only, however long the ledger is."""
    read(ledger, NOON, {TODAY - timedelta(days=n): [did("u1", 1)] for n in range(400)})
    assert costs(ledger, "month_to_date") == {"u1": 10}
