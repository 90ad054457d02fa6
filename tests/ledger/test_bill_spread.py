"""How a bill is spread: over hours and days, lines, workspaces and end customers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.ledger.base import Names, Settings
from claude_cost_exporter.ledger.comparing import compare
from claude_cost_exporter.ledger.spread import spread
from claude_cost_exporter.pricing.rates import Rates
from claude_cost_exporter.records import NANO, BillDimensions, WorkspaceRecord
from claude_cost_exporter.snapshot import Line, Scope
from claude_cost_exporter.views.bill import billed as bills_shown
from tests.support.billed_days import (
    BOTH,
    INPUT,
    MIDNIGHT,
    TODAY,
    WHO,
    YESTERDAY,
    billed,
    read_bill,
    spend,
)
from tests.support.ledger import INPUT_NANO, MODEL, START, Account, used


def test_lines_beyond_the_cap_are_compared_as_one(tmp_path):
    """Estimate and bill of what has no line of its own are on the same line, `other`."""
    account = Account(f"sqlite:///{tmp_path}/ledger.db", Settings(series_cap=1))
    models = ("claude-x-1", "claude-y-1", "claude-z-1")
    rows = [used(MIDNIGHT - HOUR, 100, dims=MODEL._replace(model=model)) for model in models]
    account.poll(START, *(row for pair in rows for row in pair), back=48)
    bill = [billed(90 * INPUT_NANO, dimensions=INPUT._replace(model=model)) for model in models]
    for hours in (6, 13):
        read_bill(account, MIDNIGHT + hours * HOUR, *bill)
    with account.ledger._engine.connect() as connection:
        lines = compare(connection, 1, "acme", YESTERDAY, YESTERDAY).lines
    account.ledger.close()
    assert {row.line.model: (row.estimated, row.billed) for row in lines} == {
        "claude-x-1": (100 * INPUT_NANO, 90 * INPUT_NANO),
        "other": (200 * INPUT_NANO, 180 * INPUT_NANO),
    }


def test_late_usage_changes_the_hours_of_a_billed_day_not_its_sum(used_yesterday):
    """Usage that arrives after the bill moves the counters and the shape, not the day's spend."""
    account = used_yesterday
    for hours in (6, 13):
        read_bill(account, MIDNIGHT + hours * HOUR, billed(400 * INPUT_NANO))
    rows = [*used(MIDNIGHT - DAY + 20 * HOUR, 600), *used(MIDNIGHT + HOUR, 50)]
    account.poll(MIDNIGHT + 14 * HOUR, *rows, back=48)
    whole = Scope("acme", "all", "all")
    snapshot = account.snapshot(MIDNIGHT + 14 * HOUR)
    assert snapshot.days[whole][YESTERDAY] == 400 * INPUT_NANO
    assert snapshot.hours[whole][MIDNIGHT - DAY + 5 * HOUR] == 0
    assert snapshot.hours[whole][MIDNIGHT - DAY + 20 * HOUR] == 400 * INPUT_NANO
    assert snapshot.estimated_hours[whole][MIDNIGHT - DAY + 20 * HOUR] == 600 * INPUT_NANO


def test_what_no_usage_report_has_is_spread_evenly(used_yesterday):
    """Code execution has no usage: it is in the spend, a 24th in each hour, in no counter."""
    execution = BillDimensions(cost_type="code_execution")
    bill = [billed(400 * INPUT_NANO), billed(240, dimensions=execution)]
    for hours in (6, 13):
        read_bill(used_yesterday, MIDNIGHT + hours * HOUR, *bill)
    snapshot = used_yesterday.ledger.snapshot(MIDNIGHT + 13 * HOUR)
    whole = Scope("acme", "all", "all")
    assert snapshot.days[whole][YESTERDAY] == 400 * INPUT_NANO + 240
    assert snapshot.hours[whole][MIDNIGHT - DAY + 7 * HOUR] == 10
    line = Scope("acme", "line", Line("none", "code_execution", "none").member)
    assert snapshot.days[line] == {YESTERDAY: 240}
    assert "none" not in {labels[3] for labels in snapshot.counters["llm_cost_usd_total"]}


def test_days_of_the_bill_are_utc_in_every_time_zone(tmp_path):
    """Elsewhere a billed UTC day lies in two calendar days; their sum is the bill."""
    account = Account(f"sqlite:///{tmp_path}/ledger.db", Settings(time_zone="America/New_York"))
    rows = [*used(MIDNIGHT - DAY + HOUR, 100), *used(MIDNIGHT - DAY + 20 * HOUR, 300)]
    account.poll(START, *rows, back=48)
    for hours in (6, 13):
        read_bill(account, MIDNIGHT + hours * HOUR, billed(800 * INPUT_NANO))
    days = spend(account, START, "all", "all")
    assert days == {YESTERDAY - DAY: 200 * INPUT_NANO, YESTERDAY: 600 * INPUT_NANO}
    line = Scope("acme", "line", Line("claude-x-1", "tokens", "input").member)
    assert account.snapshot(START).days[line] == {YESTERDAY: 800 * INPUT_NANO}
    account.ledger.close()


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "UTC", "America/Los_Angeles"])
def test_last_month_of_the_bill_is_there_at_every_months_end(tmp_path, zone):
    """November is last month in UTC until December is over, also where January has begun."""
    account = Account(f"sqlite:///{tmp_path}/ledger.db", Settings(time_zone=zone))
    now = datetime(2026, 12, 31, 23, tzinfo=UTC)
    rows = [billed(NANO, now.date() - DAY * index) for index in range(1, 62)]
    for at in (now - 8 * HOUR, now - HOUR):
        read_bill(account, at, *rows, days=62)
    samples = bills_shown(account.snapshot(now), now)
    account.ledger.close()
    found = {s.labels[3]: s.value for s in samples if s.metric == "llm_billed_spend_usd"}
    assert found["last_month"] == 30


def test_customers_count_from_the_first_read_on(account):
    """End customers are counters: history counts 0, days from the first read on count once."""
    family = "llm_end_customer_billed_usd_total"

    def read(at, *rows):
        read_bill(account, at, *rows, query_sets=("bill_customer/analytics",))
        return account.counter(at, family)

    def cost(amount, day, who="uprof_1"):
        dimensions = BillDimensions(end_customer=who)
        return billed(amount, day, dimensions, "bill_customer/analytics")

    assert read(START, cost(100, YESTERDAY)) == {("uprof_1",): 0}
    tomorrow = START + DAY
    rows = [cost(130, YESTERDAY), cost(7, TODAY), cost(5, TODAY, "")]
    read(tomorrow, *rows)
    assert read(tomorrow + timedelta(minutes=5), *rows) == {("uprof_1",): 7, ("none",): 5}
    assert read(tomorrow + timedelta(minutes=9), *rows) == {("uprof_1",): 7, ("none",): 5}


def test_a_cap_on_customers_spares_who_is_billed_most(tmp_path):
    """Places are not taken by customers of long ago, and not in the order of the rows."""
    account = Account(f"sqlite:///{tmp_path}/ledger.db", Settings(series_cap=2))
    query_set = "bill_customer/analytics"
    seen = (("small", 5, 1), ("big", 900, 1), ("gone", 10_000, 40), ("middle", 70, 2))
    rows = [
        billed(amount, TODAY - back * DAY, BillDimensions(end_customer=who), query_set)
        for who, amount, back in seen
    ]
    read_bill(account, START, *rows, days=45, query_sets=(query_set,))
    found = account.counter(START, "llm_end_customer_billed_usd_total")
    account.ledger.close()
    assert found.keys() == {("big",), ("middle",), ("other",)}


def test_customers_count_from_their_own_first_read(account):
    """Days that another API billed before customers were ever read do not rush in at once."""
    family = "llm_end_customer_billed_usd_total"
    read_bill(account, START - 20 * DAY, billed(100, TODAY - 25 * DAY))
    dimensions = BillDimensions(end_customer="uprof_1")
    row = billed(100, YESTERDAY, dimensions, "bill_customer/analytics")
    read_bill(account, START, row, query_sets=("bill_customer/analytics",))
    later = START + timedelta(minutes=5)
    account.counter(START, family)
    assert account.counter(later, family) == {("uprof_1",): 0}


def name(account, *workspaces):
    found = [WorkspaceRecord(workspace, "Some name") for workspace in workspaces]
    account.ledger.name("acme", Names(workspaces=found), START)


def read_by_workspace(account, *workspaces):
    """Read a bill of 70 for each workspace, often enough to settle."""
    rows = [
        billed(70, dimensions=WHO._replace(workspace_id=one), query_set=BOTH[1])
        for one in workspaces
    ]
    price = billed(70 * len(rows), dimensions=INPUT._replace(workspace_id=""), query_set=BOTH[0])
    for hours in (6, 13):
        read_bill(account, MIDNIGHT + hours * HOUR, price, *rows, query_sets=BOTH)


def use(account, *workspaces):
    """Use workspaces yesterday, as the legacy report names them, for a few nano-dollars."""
    free = Rates((1, 1, 1, 1, 1), 0)
    rows = [used(MIDNIGHT - 5 * HOUR, 100, ws=one, rates=free) for one in workspaces]
    account.poll(START, *(row for pair in rows for row in pair), back=48)


@pytest.mark.parametrize(
    ("listed", "in_use", "other"),
    [
        (True, ("wrkspc_a", "default"), "default"),
        (False, ("wrkspc_a", "default"), "wrkspc_hidden"),
        (True, ("wrkspc_a",), "wrkspc_hidden"),
        (True, ("wrkspc_a", "default", "wrkspc_hidden"), "wrkspc_hidden"),
    ],
    ids=["default", "nothing is listed", "default is not used", "it has usage of its own"],
)
def test_an_unlisted_workspace_is_the_default_one(account, listed, in_use, other):
    """One id that is billed and in no list is the default workspace if it alone can be."""
    if listed:
        name(account, "wrkspc_a")
    use(account, *in_use)
    read_by_workspace(account, "wrkspc_a", "wrkspc_hidden")
    assert spend(account, START, "workspace", other)[YESTERDAY] == 70
    assert spend(account, START, "workspace", "wrkspc_a") == {YESTERDAY: 70}


def test_the_legacy_report_never_tells_the_default_workspace(account):
    """There the default workspace is null: an unlisted id is a new workspace, and stays one."""
    name(account, "wrkspc_a")
    use(account, "wrkspc_a", "default")
    rows = [
        billed(70, dimensions=INPUT._replace(workspace_id=one))
        for one in ("wrkspc_a", "default", "wrkspc_new")
    ]
    for hours in (6, 13):
        read_bill(account, MIDNIGHT + hours * HOUR, *rows)
    assert spend(account, START, "workspace", "wrkspc_new") == {YESTERDAY: 70}
    assert spend(account, START, "workspace", "default") == {YESTERDAY: 70}


def test_a_list_corrects_a_wrong_guess(account):
    """An id that was taken for the default workspace's is its own once a list names it."""
    name(account, "wrkspc_a")
    use(account, "wrkspc_a", "default")
    read_by_workspace(account, "wrkspc_a", "wrkspc_new")
    assert spend(account, START, "workspace", "default") == {YESTERDAY: 70}
    name(account, "wrkspc_a", "wrkspc_new")
    read_by_workspace(account, "wrkspc_a", "wrkspc_new")
    account.reopen(MIDNIGHT + 14 * HOUR)
    read_by_workspace(account, "wrkspc_a", "wrkspc_new")
    assert spend(account, START, "workspace", "default") == {YESTERDAY: 0}
    assert spend(account, START, "workspace", "wrkspc_new") == {YESTERDAY: 70}


@given(
    total=st.integers(-(10**15), 10**15),
    shape=st.lists(st.integers(0, 10**12), min_size=1, max_size=25),
)
def test_spreading_loses_nothing(total, shape):
    """Whatever the shape, the parts add up to the total, and an idle hour gets nothing."""
    parts = spread(total, shape)
    assert sum(parts) == total
    if sum(shape):
        assert all(part == 0 for part, weight in zip(parts, shape, strict=True) if not weight)
