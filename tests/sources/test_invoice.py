"""The bill, read from the simulator by both APIs: every billed day equals the invoice."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from claude_cost_exporter.clock import DAY, HOUR, floor_hour
from claude_cost_exporter.simulator import Switches
from claude_cost_exporter.snapshot import Line, Scope
from tests.support.simulated import Simulated

START = datetime(2026, 10, 2, tzinfo=UTC)
EVERYTHING = (
    "discount,unknown_model,priority,blocked,code_execution,sessions,price_change,late_bill,"
    "restated_bill,customers"
)
SOURCE = {"legacy": "cost", "analytics": "analytics"}
NANO = 10**6
"""Femto-USD of a nano-USD: the simulator's unit, and ours."""
CENT = 10**7
"""Nano-USD of a cent."""


class Billing:
    """One organisation whose bill is read a few times a day."""

    def __init__(self, folder, scenario, api, days, *, polls=2, history=4, **options) -> None:
        self.api, self.first_day = api, START - history * DAY
        options |= {"poll": "3600s", "history": f"{history}d", "api": api}
        self.simulated = Simulated(folder, scenario, start=START, **options)
        self.live(days, polls)

    def live(self, days, polls=2) -> None:
        for _ in range(days * polls):
            self.simulated.poll()
            while self.simulated.poller.load_history():
                pass
            self.simulated.wait(hours=24 / polls)

    def start_anew(self, api=None) -> None:
        """Restart, with another API if one is given, and read everything that is due."""
        self.api = self.simulated.options["api"] = api or self.api
        self.simulated.restart()
        self.simulated.poll()

    def invoice(self):
        """Return what the API in use showed at its last poll."""
        at = self.simulated.source(SOURCE[self.api]).at
        read = self.simulated.exporter.ledger.progress("sim", SOURCE[self.api]).watermark
        name = {"legacy": "cost_report", "analytics": "analytics"}[self.api]
        return self.simulated.simulator.invoice(
            self.first_day.date(), read.date(), as_of=at, api=name
        )

    def days(self):
        """Return the billed days of the invoice; a successor's history begins before its first."""
        billed = self.simulated.snapshot().billed_days["sim"]
        return frozenset(day for day in billed if day >= self.first_day.date())

    def spent(self, kind):
        """Return best-known nano-USD of billed days by member."""
        snapshot, billed = self.simulated.snapshot(), self.days()
        sums = Counter()
        for scope, by_day in snapshot.days.items():
            if scope.kind == kind:
                sums[scope.member] += sum(by_day.get(day, 0) for day in billed)
        return {member: amount for member, amount in sums.items() if amount}

    def charged(self, *dimensions):
        """Return charged nano-USD of billed days by a dimension of the invoice."""
        billed, sums = self.days(), Counter()
        for charge in self.invoice():
            if charge.day in billed:
                key = tuple(getattr(charge, name) for name in dimensions)
                sums[key if len(key) > 1 else key[0]] += charge.amount
        return {key: femto / NANO for key, femto in sums.items() if femto}


@pytest.fixture
def billing(tmp_path, capsys):
    """Return a maker of organisations; each is closed in the end, and learned without a defect."""
    made = []

    def make(scenario, api, days, **options):
        made.append(Billing(tmp_path, scenario, api, days, **options))
        return made[-1]

    yield make
    for one in made:
        one.simulated.close()
    assert "no prices were learned" not in capsys.readouterr().out


def to_the_nano_dollar(amounts):
    """Expect amounts, each row of a report rounded once."""
    return pytest.approx(amounts, abs=50)


@pytest.mark.parametrize("api", SOURCE)
def test_billed_days_equal_the_invoice(billing, api):
    """With everything at once, days, models and workspaces cost what the provider charges."""
    one = billing(EVERYTHING, api, 13)
    one.start_anew()
    assert len(one.days()) >= 12
    snapshot = one.simulated.snapshot()
    by_day = snapshot.days[Scope("sim", "all", "all")]
    found = {day: by_day[day] for day in one.days()}
    assert found == to_the_nano_dollar(one.charged("day"))
    assert one.spent("workspace") == to_the_nano_dollar(one.charged("workspace_id"))
    if api == "analytics":
        assert one.spent("api_key") == to_the_nano_dollar(one.charged("api_key_id"))
    lines = Counter()
    for member, amount in one.spent("line").items():
        line = Line.of(Scope("sim", "line", member))
        lines[line.cost_type, line.token_type] += amount
    assert dict(lines) == to_the_nano_dollar(one.charged("cost_type", "token_type"))
    models = one.charged("model")
    if api == "legacy":  # a web search has no model there
        models = Counter()
        for (model, token_type), amount in one.charged("model", "token_type").items():
            models[model if token_type != "none" else "none"] += amount
    assert one.spent("model") == to_the_nano_dollar(models)


@pytest.mark.parametrize("api", SOURCE)
def test_g19_at_list_prices_bill_and_estimate_agree(billing, api):
    """G19: without a discount every line of the bill is the estimate, to a millionth of it."""
    one = billing("steady", api, 2, history=8)
    ratios = [
        float(line.rsplit(" ", 1)[1])
        for line in one.simulated.text().splitlines()
        if line.startswith("llm_billed_to_estimated_ratio{")
    ]
    assert len(ratios) > 20
    assert ratios == pytest.approx([1.0] * len(ratios), rel=1e-6)


@pytest.mark.parametrize("api", SOURCE)
def test_g16_the_default_workspace_has_one_name(billing, api):
    """G16: null in one API and an id that no list has in the other are the same workspace."""
    one = billing("steady", api, 2, switches=Switches(default_workspace_readable=False))
    spent = one.spent("workspace")
    assert spent["default"] > 0
    assert spent == to_the_nano_dollar(one.charged("workspace_id"))


@pytest.mark.parametrize("api", SOURCE)
def test_g11_a_billed_day_replaces_its_estimate(billing, api):
    """G11: estimate and bill of one day are never added up, and never go into a counter."""
    one = billing("discount", api, 3)
    family = "llm_cost_usd_total"
    before = one.simulated.counter(family)
    one.simulated.wait(minutes=1)
    assert one.simulated.counter(family) == before
    scope = Scope("sim", "all", "all")
    snapshot = one.simulated.snapshot()
    for day in one.days():
        assert snapshot.days[scope][day] < 0.9 * snapshot.estimated_days[scope][day]


@pytest.mark.parametrize("api", SOURCE)
def test_g12_tokens_that_are_not_billed_make_the_bill_smaller(billing, api):
    """G12: refused requests are in the estimate only; the bill is taken as it is."""
    one = billing("blocked", api, 3)
    found = one.spent("all")["all"]
    assert found == to_the_nano_dollar(sum(one.charged("day").values()))
    scope = Scope("sim", "all", "all")
    estimates = one.simulated.snapshot().estimated_days[scope]
    assert found < sum(estimates[day] for day in one.days()) - CENT


def test_g13_dated_and_undated_ids_are_one_model(billing):
    """G13: usage has claude-haiku-4-5-20251001 and the bill claude-haiku-4-5: one line, both."""
    one = billing("steady", "legacy", 2, history=8)
    text = one.simulated.text()
    assert 'ratio{account="sim",model="claude-haiku-4-5",' in text
    assert "20251001" not in text


def test_g10_a_restated_day_is_replaced_also_by_nothing(billing):
    """G10: on day 20 all of Haiku of a day is credited; the stored line becomes 0."""
    one = billing("restated_bill", "analytics", 21, polls=1)
    one.start_anew()
    day = (START + 5 * DAY).date()
    haiku = Scope("sim", "model", "claude-haiku-4-5")
    snapshot = one.simulated.snapshot()
    assert day in one.days()
    assert snapshot.days[haiku][day] == 0 < snapshot.days[haiku][day - timedelta(days=1)]
    assert one.spent("all")["all"] == to_the_nano_dollar(sum(one.charged("day").values()))


def test_g2_a_bill_that_takes_22_hours_to_land_is_waited_for(billing):
    """G2: read four times a day while it grows, no day is in force before its bill is whole."""
    one = billing("steady", "legacy", 0, history=1, switches=Switches(cost_delay_hours=22))
    everything, waited = Scope("sim", "all", "all"), set()
    for _ in range(16):
        one.simulated.poll()
        one.simulated.wait(hours=6)
        snapshot = one.simulated.snapshot()
        in_force = snapshot.billed_days.get("sim", frozenset())
        for day in in_force:
            whole = one.simulated.simulator.invoice(day, day + DAY).amount / NANO
            assert snapshot.days[everything][day] == to_the_nano_dollar(whole)
        waited.add((one.simulated.clock.now() - 2 * DAY).date() in in_force)
    assert waited == {False, True}


def test_g3_today_is_estimated_and_yesterday_billed(billing):
    """G3: a day's bill comes hours later; until then its estimate is in force, never 0."""
    one = billing("steady", "legacy", 3)
    today = one.simulated.clock.now().date()
    one.simulated.poll()
    snapshot = one.simulated.snapshot()
    scope = Scope("sim", "all", "all")
    assert not {today, today - DAY} & one.days()
    assert today - 2 * DAY in one.days()
    for day in (today, today - DAY):
        assert snapshot.days[scope].get(day, 0) == snapshot.estimated_days[scope].get(day, 0)
    assert snapshot.days[scope][today - DAY] > 0


def test_changing_the_api_moves_no_counter_and_counts_nothing_twice(billing):
    """From legacy to analytics and back: days equal the invoice, counters go on as they were."""
    one = billing("discount,customers,late_bill", "legacy", 4)
    families = ("llm_cost_usd_total", "llm_tokens_total", "llm_api_key_cost_usd_total")
    customers = "llm_end_customer_billed_usd_total"
    assert one.simulated.counter(customers) == 0
    changed = one.simulated.clock.now()
    for api in ("analytics", "legacy", "analytics"):
        one.simulated.poll()
        before = [one.simulated.counter(family) for family in families]
        one.start_anew(api)
        assert [one.simulated.counter(family) for family in families] == before
        assert one.spent("all")["all"] == to_the_nano_dollar(sum(one.charged("day").values()))
        one.live(2)
        one.simulated.poll()
        assert one.spent("all")["all"] == to_the_nano_dollar(sum(one.charged("day").values()))
    polled = one.simulated.source("usage").at
    used = one.simulated.simulator.truth(START, floor_hour(polled) + HOUR, polled, visible=True)
    one.simulated.wait(minutes=5)
    assert one.simulated.counter("llm_tokens_total") == used.tokens
    invoice = one.invoice()
    charged = sum(charge.amount for charge in invoice if charge.day >= changed.date()) / NANO
    assert one.simulated.counter(customers) == to_the_nano_dollar(charged)


def test_customers_are_counted_from_their_bill(billing):
    """Each end customer's counter is what was billed for it since the first read."""
    one = billing("customers,late_bill", "analytics", 4)
    one.start_anew()
    one.simulated.wait(minutes=5)
    charged = Counter()
    for charge in one.invoice():
        if charge.day >= START.date():
            charged[charge.user_profile_id] += charge.amount / NANO
    family = one.simulated.snapshot().counters["llm_end_customer_billed_usd_total"]
    assert {labels[2]: amount for labels, amount in family.items()} == to_the_nano_dollar(charged)
    assert len(charged) > 30


def test_a_successor_reads_again_what_may_still_change(billing):
    """However short the history: days that the other API billed get their late lines, too."""
    one = billing("late_bill", "legacy", 8, history=1)
    before = one.days()
    one.start_anew("analytics")
    one.live(4)
    one.simulated.poll()
    charged = one.charged("day")
    spent = one.simulated.snapshot().days[Scope("sim", "all", "all")]
    assert before & charged.keys()
    assert {day: spent[day] for day in charged} == to_the_nano_dollar(charged)
