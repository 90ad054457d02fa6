"""Other rates for past rows: what changes, and that no counter is among it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.ledger import tables
from claude_cost_exporter.ledger.base import BillBatch, Settings
from claude_cost_exporter.ledger.reprice import Model, RepricingLedger
from claude_cost_exporter.ledger.sums import rebuild_days
from claude_cost_exporter.pricing.rates import Rates
from claude_cost_exporter.records import NANO, BillDimensions, BillRecord, Tokens, Window
from claude_cost_exporter.snapshot import Line, Scope
from tests.support.ledger import INPUT_NANO, MINUTE, MODEL, RATES, START, Account, used

MIDNIGHT = START.replace(hour=0, minute=0)
TODAY, YESTERDAY = MIDNIGHT.date(), (MIDNIGHT - DAY).date()
OTHER = MODEL._replace(model="claude-y-1")
NONE = Rates(None, 10**7, reason="unknown_model")
HALF = Rates(tuple(rate // 2 for rate in RATES.per_million), 10**7, origin="learned")


class Repriced(Account):
    """An account whose ledger can be repriced, as nobody else holds it."""

    def open(self, now) -> None:
        self.wait_until(now)
        self.ledger = RepricingLedger(self.url, self.settings, self.clock)
        self.ledger.register("acme", "anthropic")

    def reprice(self, since=TODAY - timedelta(days=400), rates=HALF, agree=lambda changes: True):
        found = []

        def decide(changes):
            found.append(changes)
            return agree(changes)

        done = self.ledger.reprice(since, lambda account, dimensions, day: rates, decide)
        return found[0] if done else None

    def tables(self):
        """Return every row, sum and counter of the ledger."""
        with self.ledger._engine.connect() as connection:
            return {
                table.name: sorted(map(tuple, connection.execute(select(table))), key=str)
                for table in (tables.usage, tables.hours, tables.days, tables.counters)
            }

    def spend(self, now, kind="all", member="all"):
        return self.ledger.snapshot(now).days.get(Scope("acme", kind, member), {})


def billed(account, at, nano):
    dimensions = BillDimensions("claude-x-1", "tokens", "input", workspace_id="wrkspc_a")
    window = Window(MIDNIGHT - DAY, MIDNIGHT)
    rows = [BillRecord("bill/legacy", YESTERDAY, dimensions, nano)]
    account.ledger.bill(BillBatch("acme", "cost", window, at, rows, ("bill/legacy",)))


@pytest.fixture
def account(url):
    """Usage of yesterday and today, counted since yesterday; searches too."""
    account = Repriced(url, Settings(), MIDNIGHT - DAY)
    account.poll(MIDNIGHT - DAY + MINUTE)
    yesterday = [*used(MIDNIGHT - DAY + 5 * HOUR, 100), *used(MIDNIGHT - 2 * HOUR, 300, searches=2)]
    account.poll(MIDNIGHT, *yesterday, back=24)
    today = [*used(MIDNIGHT + HOUR, 50), *used(MIDNIGHT + HOUR, 9, dims=OTHER, rates=NONE)]
    account.poll(START, *yesterday, *today, back=35)
    account.cost(START + 2 * MINUTE)
    yield account
    account.ledger.close()


def test_rows_and_gauges_change_and_no_counter_does(account):
    """Half the price: every sum over time halves, searches stay, counters stay to the nano."""
    now = START + 3 * MINUTE
    counters = account.snapshot(now).counters
    changes = account.reprice()
    snapshot = account.snapshot(now)
    assert snapshot.counters == counters
    assert account.spend(now) == {
        YESTERDAY: 200 * INPUT_NANO + 2 * 10**7,
        TODAY: 25 * INPUT_NANO + 9 * INPUT_NANO // 2,
    }
    for kind, member in (("workspace", "wrkspc_a"), ("api_key", "apikey_a"), ("attributed", "all")):
        assert account.spend(now, kind, member) == account.spend(now)
    line = Line("claude-x-1", "tokens", "input").member
    assert account.spend(now, "line", line) == {
        YESTERDAY: 200 * INPUT_NANO,
        TODAY: 25 * INPUT_NANO,
    }
    hours = snapshot.hours[Scope("acme", "all", "all")]
    assert hours[MIDNIGHT - DAY + 5 * HOUR] == 50 * INPUT_NANO
    assert changes.before == {
        Model("acme", "claude-x-1"): 450 * INPUT_NANO + 2 * 10**7,
        Model("acme", "claude-y-1"): 0,
    }
    assert changes.after == {
        Model("acme", "claude-x-1"): 225 * INPUT_NANO + 2 * 10**7,
        Model("acme", "claude-y-1"): 9 * INPUT_NANO // 2,
    }
    assert (changes.rows, len(changes.days), changes.billed) == (8, 2, set())


def test_counters_go_on_from_where_they_are(account):
    """What comes later counts at its own rate, what is read again does not count again."""
    before = account.cost(START + 3 * MINUTE)
    account.reprice()
    account.reopen(START + HOUR)
    again = used(MIDNIGHT + HOUR, 50)
    again += used(MIDNIGHT + HOUR, 9, dims=OTHER, rates=NONE)
    account.poll(START + HOUR, *again, back=11)
    assert account.cost(START + HOUR) == before
    account.poll(START + HOUR, *again, *used(START + HOUR, 10), back=11)
    assert account.cost(START + HOUR + MINUTE) == before + 10 * INPUT_NANO
    changed = used(MIDNIGHT + HOUR, 54) + again[2:]
    account.poll(START + HOUR, *changed, *used(START + HOUR, 10), back=11)
    assert account.cost(START + HOUR + 2 * MINUTE) == before + 12 * INPUT_NANO


def test_nothing_changes_without_consent(account):
    """A table that is refused leaves the ledger as it was, bit by bit, also after a restart."""
    before = account.tables()
    assert account.reprice(agree=lambda changes: False) is None
    assert account.tables() == before
    account.poll(START + MINUTE, *used(START, 5, rates=HALF), back=0)
    account.reopen(START + HOUR)
    assert account.spend(START + HOUR)[YESTERDAY] == 400 * INPUT_NANO + 2 * 10**7


def test_only_days_from_the_given_one_on_change(account):
    """--since is a UTC day; rows of earlier days keep their rates."""
    changes = account.reprice(since=TODAY)
    assert {day for _, day in changes.days} == {TODAY}
    assert account.spend(START)[YESTERDAY] == 400 * INPUT_NANO + 2 * 10**7
    assert account.spend(START)[TODAY] == 25 * INPUT_NANO + 9 * INPUT_NANO // 2


def test_the_same_rates_again_change_nothing(account):
    """Repricing is settled after one time: the second finds no row."""
    account.reprice()
    before = account.tables()
    again = account.reprice()
    assert (again.rows, again.days) == (0, set())
    assert account.tables() == before


def test_a_billed_day_keeps_its_bill(account):
    """Its estimate changes, its spend does not, and only its hours are weighed anew."""
    for hours in (6, 13):
        billed(account, MIDNIGHT + hours * HOUR, 5 * NANO)
    now = MIDNIGHT + 13 * HOUR
    changes = account.reprice()
    assert changes.billed == {("acme", YESTERDAY)}
    assert account.spend(now)[YESTERDAY] == 5 * NANO
    snapshot = account.snapshot(now)
    whole = Scope("acme", "all", "all")
    assert snapshot.estimated_days[whole][YESTERDAY] == 200 * INPUT_NANO + 2 * 10**7
    assert sum(snapshot.hours[whole].values()) == sum(account.spend(now).values())


def test_sums_still_belong_to_their_rows(account, url):
    """After repricing, days summed anew from hours, and hours from rows, are what is stored."""
    account.reprice()
    stored = account.tables()
    with account.ledger._engine.begin() as connection:
        rebuild_days(connection, account.ledger._day_of)
    assert [row for row in account.tables()["days"] if any(row[2:])] == [
        row for row in stored["days"] if any(row[2:])
    ]
    twin = Repriced(url.replace("ledger.db", "twin.db"), Settings(), MIDNIGHT - DAY)
    rows = [
        *used(MIDNIGHT - DAY + 5 * HOUR, 100, rates=HALF),
        *used(MIDNIGHT - 2 * HOUR, 300, searches=2, rates=HALF),
        *used(MIDNIGHT + HOUR, 50, rates=HALF),
        *used(MIDNIGHT + HOUR, 9, dims=OTHER, rates=HALF),
    ]
    twin.poll(START, *rows, back=35)
    for kind in ("all", "model", "workspace", "api_key", "token_type", "line", "attributed"):
        ours, theirs = (
            {s: days for s, days in one.ledger.snapshot(START).days.items() if s.kind == kind}
            for one in (account, twin)
        )
        assert ours == theirs
    twin.ledger.close()


def test_rolled_up_days_are_repriced_by_the_day(url):
    """A row that sums up a day with two rates gets one; its hours share by their tokens."""
    account = Repriced(url, Settings(time_zone="America/New_York"), MIDNIGHT)
    rows = [
        *used(MIDNIGHT + 2 * HOUR, Tokens(100, cache_read=1000)),
        *used(MIDNIGHT + 20 * HOUR, Tokens(300, cache_read=3000), rates=HALF),
    ]
    account.poll(MIDNIGHT + 23 * HOUR, *rows, back=23)
    account.reopen(MIDNIGHT + DAY)
    later = MIDNIGHT + 102 * DAY
    account.poll(later, *rows, back=102 * 24)
    assert {row[2] for row in account.tables()["usage"]} == {86_400}
    before = account.cost(later)
    changes = account.reprice()
    whole = 200 * INPUT_NANO + 2000 * INPUT_NANO // 10
    mixed = (100 + 150) * INPUT_NANO + (1000 + 1500) * INPUT_NANO // 10
    assert dict(changes.before) == {Model("acme", "claude-x-1"): mixed}
    assert dict(changes.after) == {Model("acme", "claude-x-1"): whole}
    stored = account.tables()
    assert sum(row[-1] for row in stored["usage"]) == 2 * whole
    with account.ledger._engine.connect() as connection:
        names = {
            row.id: (row.kind, row.member) for row in connection.execute(select(tables.scopes))
        }
    sums = {}
    for scope, _, cost, spend, _ in stored["hours"]:
        assert cost == spend
        sums[names[scope]] = sums.get(names[scope], 0) + cost
    assert (
        sums["all", "all"] == sums["model", "claude-x-1"] == sums["workspace", "wrkspc_a"] == whole
    )
    assert sum(value for (kind, _), value in sums.items() if kind == "line") == whole
    assert account.cost(later) == before
    account.ledger.close()


@pytest.mark.parametrize("new", [RATES, HALF])
def test_what_had_no_price_gets_one(url, new):
    """A row without a price has one afterwards: in gauges, not in counters."""
    account = Repriced(url, Settings(), START)
    account.poll(START, *used(START, 0))
    account.poll(START + 5 * MINUTE, *used(START, 40, rates=NONE))
    counters = account.snapshot(START + 9 * MINUTE).counters
    account.reprice(rates=new)
    assert account.spend(START)[TODAY] == 40 * new.per_million[0] // 10**6
    assert account.snapshot(START + 9 * MINUTE).counters == counters
    account.ledger.close()


def test_a_price_can_be_taken_away(account):
    """Rates that are None leave no cost of tokens behind."""
    account.reprice(rates=NONE)
    assert account.spend(START) == {YESTERDAY: 2 * 10**7, TODAY: 0}
