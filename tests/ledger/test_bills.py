"""Bills: when one takes over from the estimate, and what may replace it."""

from __future__ import annotations

import pytest

from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.ledger.comparing import compare
from claude_cost_exporter.records import NANO, BillDimensions
from claude_cost_exporter.snapshot import Scope
from tests.support.billed_days import (
    BOTH,
    INPUT,
    MIDNIGHT,
    TODAY,
    WHO,
    YESTERDAY,
    billed,
    read_analytics,
    read_bill,
    spend,
)
from tests.support.ledger import INPUT_NANO, START, used


def test_a_bill_takes_over_when_two_reads_agree_after_twelve_hours(used_yesterday):
    """Before 12 h after the day's end, or with one read, the estimate stays in force."""
    account, estimate, bill = used_yesterday, 400 * INPUT_NANO, 300 * INPUT_NANO
    read_bill(account, MIDNIGHT + 5 * HOUR, billed(bill))
    read_bill(account, MIDNIGHT + 11.5 * HOUR, billed(bill))
    assert spend(account, START, "all", "all")[YESTERDAY] == estimate
    changes = read_bill(account, MIDNIGHT + 12 * HOUR, billed(bill))
    assert changes.newly_billed == (YESTERDAY,)
    for kind, member in (("all", "all"), ("model", "claude-x-1"), ("workspace", "wrkspc_a")):
        assert spend(account, START, kind, member)[YESTERDAY] == bill
    assert spend(account, START, "api_key", "apikey_a")[YESTERDAY] == estimate
    assert spend(account, START, "all", "all")[TODAY] == 50 * INPUT_NANO


def test_reads_that_disagree_start_the_waiting_anew(used_yesterday):
    """A bill that has just changed waits for a second read at least six hours later."""
    read_bill(used_yesterday, MIDNIGHT + 5 * HOUR, billed(200 * INPUT_NANO))
    assert not read_bill(
        used_yesterday, MIDNIGHT + 13 * HOUR, billed(300 * INPUT_NANO)
    ).newly_billed
    assert not read_bill(
        used_yesterday, MIDNIGHT + 18 * HOUR, billed(300 * INPUT_NANO)
    ).newly_billed
    assert read_bill(used_yesterday, MIDNIGHT + 19 * HOUR, billed(300 * INPUT_NANO)).newly_billed


def test_a_half_landed_bill_waits_for_two_days(used_yesterday):
    """A bill below half of the estimate takes over only 48 h after the day's end."""
    little = billed(100 * INPUT_NANO)
    for hours in (13, 20, 30, 47):
        read_bill(used_yesterday, MIDNIGHT + hours * HOUR, little, days=2)
        whole = spend(used_yesterday, START, "all", "all")
        assert whole[YESTERDAY] == 400 * INPUT_NANO
    late = read_bill(used_yesterday, MIDNIGHT + 48 * HOUR, little, days=3)
    assert YESTERDAY in late.newly_billed


def test_a_bill_in_force_never_goes_back(used_yesterday):
    """A restated bill is followed at once, up and down, and never replaced by the estimate."""
    for hours, amount in ((6, 400), (13, 400), (14, 10), (15, 500)):
        read_bill(used_yesterday, MIDNIGHT + hours * HOUR, billed(amount * INPUT_NANO))
    assert spend(used_yesterday, START, "all", "all")[YESTERDAY] == 500 * INPUT_NANO
    read_bill(used_yesterday, MIDNIGHT + 16 * HOUR, billed(10 * INPUT_NANO))
    assert spend(used_yesterday, START, "all", "all")[YESTERDAY] == 10 * INPUT_NANO


def test_a_line_that_arrives_late_is_settled_when_it_arrives(used_yesterday):
    """What a line said first is kept, also when its day's bill was in force without it."""
    late = INPUT._replace(token_type="output")
    on_time = billed(400 * INPUT_NANO)
    for hours in (6, 13):
        read_bill(used_yesterday, MIDNIGHT + hours * HOUR, on_time)
    for hours, amount in ((14, 70), (15, 90), (16, 0)):
        read_bill(used_yesterday, MIDNIGHT + hours * HOUR, on_time, billed(amount, dimensions=late))
    assert lines_of_yesterday(used_yesterday) == {
        "input": (400 * INPUT_NANO, 400 * INPUT_NANO),
        "output": (0, 70),
    }


def lines_of_yesterday(account):
    """Return what `reconcile` compares: billed and settled nano-USD by type of token."""
    with account.ledger._engine.connect() as connection:
        lines = compare(connection, 1, "acme", YESTERDAY, YESTERDAY).lines
    return {row.line.token_type: (row.billed, row.settled) for row in lines}


def test_switching_the_api_replaces_the_bill(used_yesterday):
    """The other API's answer replaces the first one's once it has settled: nothing counts twice."""
    account = used_yesterday
    for hours in (6, 13):
        read_bill(account, MIDNIGHT + hours * HOUR, billed(400 * INPUT_NANO))
    for hours, newly in ((14, ()), (20, (YESTERDAY,))):
        assert (
            read_analytics(account, MIDNIGHT + hours * HOUR, 390 * INPUT_NANO).newly_billed == newly
        )
    for kind, member in (("all", "all"), ("workspace", "wrkspc_a"), ("api_key", "apikey_a")):
        assert spend(account, START, kind, member)[YESTERDAY] == 390 * INPUT_NANO
    for _ in range(2):
        read_bill(account, MIDNIGHT + 21 * HOUR, billed(400 * INPUT_NANO))
    for kind, member in (("all", "all"), ("workspace", "wrkspc_a"), ("api_key", "apikey_a")):
        assert spend(account, START, kind, member)[YESTERDAY] == 400 * INPUT_NANO


def test_a_half_landed_bill_of_another_api_does_not_replace_a_whole_one(used_yesterday):
    """What is in force stays in force, to the nano-dollar, while the other API still fills up."""
    account = used_yesterday
    for hours in (6, 13):
        read_analytics(account, MIDNIGHT + hours * HOUR, 390 * INPUT_NANO)
    for hours, landed in ((14, 0), (15, 200), (18, 300), (22, 400)):
        rows = [billed(landed * INPUT_NANO)] if landed else []
        assert not read_bill(account, MIDNIGHT + hours * HOUR, *rows).newly_billed
        assert spend(account, START, "all", "all")[YESTERDAY] == 390 * INPUT_NANO
    read_bill(account, MIDNIGHT + 27 * HOUR, billed(400 * INPUT_NANO), days=2)
    assert spend(account, START, "all", "all")[YESTERDAY] == 390 * INPUT_NANO
    assert lines_of_yesterday(account) == {"input": (390 * INPUT_NANO, 390 * INPUT_NANO)}


def test_lines_of_another_api_are_settled_when_it_comes_into_force(used_yesterday):
    """A change of the API is no change of the bill: what lines say then is what they said first."""
    account = used_yesterday
    for hours in (6, 13):
        read_bill(account, MIDNIGHT + hours * HOUR, billed(400 * INPUT_NANO))
    for hours in (14, 16, 22):
        amount = 380 if hours == 14 else 390
        read_analytics(account, MIDNIGHT + hours * HOUR, amount * INPUT_NANO)
    assert lines_of_yesterday(account) == {"input": (390 * INPUT_NANO, 390 * INPUT_NANO)}
    read_analytics(account, MIDNIGHT + 23 * HOUR, 300 * INPUT_NANO)
    assert lines_of_yesterday(account) == {"input": (300 * INPUT_NANO, 390 * INPUT_NANO)}


def test_rows_that_collide_are_added_up(used_yesterday):
    """Two rows with equal dimensions are two amounts, not one twice written."""
    twins = [billed(150 * INPUT_NANO), billed(250 * INPUT_NANO)]
    for hours in (6, 13):
        read_bill(used_yesterday, MIDNIGHT + hours * HOUR, *twins)
    assert spend(used_yesterday, START, "all", "all")[YESTERDAY] == 400 * INPUT_NANO


def test_a_line_that_disappears_is_zero(used_yesterday):
    """A day that was read completely holds what was read, nothing from before."""
    other = billed(70, dimensions=INPUT._replace(model="claude-y-1"))
    for hours, rows in ((6, [billed(400 * INPUT_NANO), other]), (13, [billed(400 * INPUT_NANO)])):
        read_bill(used_yesterday, MIDNIGHT + hours * HOUR, *rows)
    read_bill(used_yesterday, MIDNIGHT + 20 * HOUR, billed(400 * INPUT_NANO))
    assert spend(used_yesterday, START, "all", "all")[YESTERDAY] == 400 * INPUT_NANO


def test_old_days_need_one_read(account):
    """A day that ended 31 days ago is not revised any more: its first read is in force."""
    day = YESTERDAY - 40 * DAY
    changes = read_bill(account, START, billed(100, day=day), days=45)
    assert day in changes.newly_billed
    assert YESTERDAY not in changes.newly_billed


@pytest.mark.parametrize("api", ["legacy", "analytics"])
def test_a_bill_without_lines_never_makes_usage_free(used_yesterday, api):
    """However often a bill reads empty, a day with usage keeps its estimate, and it is said."""
    for hours in (6, 13, 30, 47, 60, 100, 24 * 40):
        at = MIDNIGHT + hours * HOUR
        changes = read_bill(used_yesterday, at, days=45, query_sets=(f"bill/{api}",))
        assert YESTERDAY not in changes.newly_billed
        assert (YESTERDAY in changes.silent) == (hours >= 48)
        assert YESTERDAY - DAY not in changes.silent
    assert spend(used_yesterday, START, "all", "all")[YESTERDAY] == 400 * INPUT_NANO
    last = billed(1, query_set=f"bill/{api}")
    changes = read_bill(used_yesterday, at, last, days=45, query_sets=(f"bill/{api}",))
    assert (changes.newly_billed, changes.silent) == ((YESTERDAY,), (TODAY,))


def test_a_day_without_usage_and_without_lines_is_billed_as_nothing(account):
    """Nothing was used and nothing is charged: that day is closed like any other."""
    account.poll(START, *used(MIDNIGHT + HOUR, 50), back=48)
    for hours in (6, 13):
        changes = read_bill(account, MIDNIGHT + hours * HOUR)
    assert (changes.newly_billed, changes.silent) == ((YESTERDAY,), ())


@pytest.mark.parametrize("role", ["bill", "bill_who"])
def test_a_bill_in_force_that_reads_empty_stays(used_yesterday, role):
    """Silence revokes nothing: all amounts stay, for every scope, until there are lines again."""
    account = used_yesterday
    for hours in (6, 13):
        read_analytics(account, MIDNIGHT + hours * HOUR, 390 * INPUT_NANO)
    left = [] if role == "bill" else [billed(1, dimensions=WHO, query_set=BOTH[1])]
    for hours in (14, 21, 90):
        at = MIDNIGHT + hours * HOUR
        assert YESTERDAY in read_bill(account, at, *left, days=5, query_sets=BOTH).silent
        for kind, member in (("all", "all"), ("workspace", "wrkspc_a"), ("api_key", "apikey_a")):
            assert spend(account, START, kind, member)[YESTERDAY] == 390 * INPUT_NANO
    read_analytics(account, MIDNIGHT + 15 * HOUR, 380 * INPUT_NANO)
    assert spend(account, START, "all", "all")[YESTERDAY] == 380 * INPUT_NANO


def test_an_empty_bill_does_not_replace_another_apis(account):
    """After a change of the API an empty answer leaves in force what the first one said."""
    account.poll(START, *used(MIDNIGHT + HOUR, 50), back=48)
    execution = BillDimensions(cost_type="code_execution")
    for hours in (6, 13):
        read_bill(account, MIDNIGHT + hours * HOUR, billed(7, dimensions=execution), days=2)
    for hours in (14, 21, 90):
        read_bill(account, MIDNIGHT + hours * HOUR, days=5, query_sets=BOTH)
    assert spend(account, START, "all", "all")[YESTERDAY] == 7


def test_spend_in_force_is_in_the_file(used_yesterday):
    """After a restart the bill is still in force, and NANO is the unit."""
    for hours in (6, 13):
        read_bill(used_yesterday, MIDNIGHT + hours * HOUR, billed(5 * NANO))
    used_yesterday.reopen(MIDNIGHT + 14 * HOUR)
    snapshot = used_yesterday.ledger.snapshot(MIDNIGHT + 14 * HOUR)
    assert snapshot.billed_days == {"acme": frozenset({YESTERDAY})}
    assert snapshot.days[Scope("acme", "all", "all")][YESTERDAY] == 5 * NANO
