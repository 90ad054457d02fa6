"""An organisation with a discount and a model that nobody lists, from its first poll on."""

from __future__ import annotations

import re
from datetime import date

import pytest

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.records import NANO
from claude_cost_exporter.simulator.switches import Availability, Switches
from claude_cost_exporter.snapshot import LINE, Line
from tests.support.simulated import Simulated

SCENARIO = "discount,unknown_model"
STEP_HOURS = 2
LAST_DAY = date(2026, 11, 8)
FEMTO_PER_NANO = 1_000_000
PRICE = re.compile(r"llm_price_usd_per_million_tokens\{(.*)\} (\S+)")
LYRA_RATES = {
    "input": 7.0,
    "output": 34.0,
    "cache_read": 0.28,
    "cache_write_5m": 8.6,
    "cache_write_1h": 13.8,
}
"""USD per million tokens before the discount: the simulator's own card."""


def prices(text):
    """Return the exposed rates by model, token type and origin, of the plainest rows."""
    names = ("service_tier", "speed", "inference_geo", "model", "token_type", "origin")
    found = {}
    for labels, value in PRICE.findall(text):
        by_name = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        *plain, model, token_type, origin = (by_name[name] for name in names)
        if plain[:2] == ["standard", "standard"] and plain[2] != "us":
            found[model, token_type, origin] = float(value)
    return found


class Observed:
    """Six days, and what was seen at each step."""

    def __init__(self, folder, switches) -> None:
        self.simulated = Simulated(folder, SCENARIO, switches=switches, poll="3600s")
        self.books, self.counters, self.priced = [], [], None
        while self.simulated.clock.now().date() <= LAST_DAY:
            self.step()
        self.snapshot = self.simulated.snapshot()
        self.text = self.simulated.text()

    def step(self) -> None:
        self.simulated.poll()
        now, book = self.simulated.clock.now(), self.simulated.exporter.prices.current
        if not self.books or self.books[-1][1] is not book:
            self.books.append((now, book))
            if len(self.books) == 2:
                self.priced = prices(self.simulated.text())
                before = self.simulated.counter()
                self.simulated.poller._schedules.clear()
                self.simulated.poll()
                assert self.simulated.counter() == before
        self.counters.append(self.simulated.counter())
        self.simulated.wait(hours=STEP_HOURS)

    def estimated(self, day):
        """Return estimated nano-USD of tokens by model label."""
        sums = {}
        for scope, days in self.snapshot.estimated_days.items():
            if scope.kind == LINE and Line.of(scope).cost_type == "tokens":
                model = Line.of(scope).model
                sums[model] = sums.get(model, 0) + days.get(day, 0)
        return sums


@pytest.fixture(
    scope="module",
    params=[Switches(), Switches(analytics=Availability.NOT_FOUND)],
    ids=["analytics", "legacy"],
)
def observed(request, tmp_path_factory):
    """Six days in the words of either API."""
    seen = Observed(tmp_path_factory.mktemp("learning"), request.param)
    yield seen
    seen.simulated.close()


def test_an_unlisted_model_is_priced_by_its_first_billed_day(observed):
    """From the poll on that saw its first day billed, every rate is within 1 % of what is paid."""
    first_billed = min(
        day for day in observed.snapshot.billed_days["sim"] if day > date(2026, 11, 3)
    )
    assert observed.books[1][0].date() == date(2026, 11, 5)
    assert first_billed == date(2026, 11, 4)
    shown = {key[1]: rate for key, rate in observed.priced.items() if key[0] == "claude-lyra-1"}
    assert {key[2] for key in observed.priced if key[0] == "claude-lyra-1"} == {"learned"}
    assert shown == {
        kind: pytest.approx(0.85 * rate, rel=0.01) for kind, rate in LYRA_RATES.items()
    }


def test_the_discount_is_one_entry_after_three_settled_days(observed):
    """15 %, for the account, without a finding; list models are then shown as learned."""
    assert [len(book.learned) for _, book in observed.books] == [0, 5, 6]
    general = observed.books[-1][1].learned[0]
    assert (general.account, general.model, str(general.factor)) == ("sim", None, "0.85")
    assert observed.books[-1][0].date() == date(2026, 11, 8)
    assert prices(observed.text)["claude-sonnet-5-5", "output", "learned"] == 8.5


def test_estimates_agree_with_the_invoice_once_learned(observed):
    """A whole day of the unlisted model, estimated within 1 % of what it is charged."""
    day = date(2026, 11, 7)
    invoice = observed.simulated.simulator.invoice(day, day + DAY).by("model", "cost_type")
    charged = invoice["claude-lyra-1", "tokens"] / FEMTO_PER_NANO
    assert observed.estimated(day)["claude-lyra-1"] == pytest.approx(charged, rel=0.01)
    assert charged > NANO


def test_no_counter_ever_jumped(observed):
    """Counters only grow, nothing was restated, and accepting a book moved none of them."""
    assert observed.counters == sorted(observed.counters)
    restated = observed.snapshot.counters.get("llm_cost_restated_usd_total", {})
    assert sum(restated.values()) == 0
