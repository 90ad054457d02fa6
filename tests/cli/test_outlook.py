"""All of where the spend is heading, in the /metrics of one simulated organisation."""

from __future__ import annotations

import re

import pytest

from claude_cost_exporter.catalogue.outlook import OUTLOOK
from tests.support.simulated import Simulated

PLANS = """
subscriptions: [{provider: anthropic, account: sim, plan: team, seats: 5, price_usd: 25}]
budgets:
  - {name: month, amount_usd: 20000}
  - {name: day, amount_usd: 50, period: day, scope_type: model, scope: claude-opus-5-5}
credits: [{account: sim, date: 2026-10-20, amount_usd: 15000}]
routing_whatif: [{from_model: claude-opus-5-5, to_model: claude-sonnet-5-5}]
"""
LINE = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)")


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Every sample as (family, labels) -> value, after forty days of history."""
    simulated = Simulated(tmp_path_factory.mktemp("outlook"), history="40d", more=PLANS)
    simulated.poll()
    while simulated.poller.load_history():
        pass
    simulated.wait(hours=1)
    simulated.poll()
    text = simulated.text()
    simulated.close()
    found = {}
    for line in text.splitlines():
        if match := LINE.fullmatch(line):
            family, labels, value = match.groups()
            found[family, frozenset(re.findall(r'(\w+)="([^"]*)"', labels or ""))] = float(value)
    return found


def one(shown, family, **labels):
    wanted = set(labels.items())
    (value,) = [v for (name, has), v in shown.items() if name == family and wanted <= has]
    return value


def test_every_family_is_exposed(shown):
    """A month that will not exceed its budget has no exhaustion date; all else is there."""
    families = {name for name, _ in shown}
    assert {metric.name for metric in OUTLOOK} - families == set()


def test_forecasts_hold_what_is_spent_and_the_fees(shown):
    """The month will cost more than it has cost, and its fees are in it."""
    spent = one(shown, "llm_spend_usd", kind="metered", window="month_to_date")
    month = {
        name: one(shown, "llm_forecast_spend_usd", horizon="month_end", estimate=name,
                  method="weekday_ewma")
        for name in ("p10", "p50", "p90")
    }  # fmt: skip
    assert spent + 125 < month["p10"] < month["p50"] < month["p90"]
    total = one(shown, "llm_total_forecast_spend_usd", horizon="month_end", estimate="p50",
                method="weekday_ewma")  # fmt: skip
    assert total == pytest.approx(month["p50"])


def test_budgets_and_credit_follow_spend(shown):
    """What a budget has spent, and what credit has lost, is what the spend gauges say."""
    metered = one(shown, "llm_spend_usd", kind="metered", window="month_to_date")
    fees = one(shown, "llm_spend_usd", kind="subscription", window="month_to_date")
    assert one(shown, "llm_budget_spent_usd", budget="month") == pytest.approx(metered + fees)
    today = one(shown, "llm_model_spend_usd", model="claude-opus-5-5", window="today")
    assert one(shown, "llm_budget_spent_usd", budget="day") == pytest.approx(today)
    assert one(shown, "llm_credit_balance_usd") < 15000 - metered


def test_another_model_is_compared_by_the_same_tokens(shown):
    """A week on a model of a fifth of the price costs less than that week did."""
    rerouted = one(shown, "llm_routing_whatif_usd")
    week = one(shown, "llm_burn_rate_usd_per_day", window="7d") * 7
    assert 0 < rerouted < week


def test_caches_are_used_and_pay_off(shown):
    """Hit ratios are shares, and a write is paid back within a few reads."""
    ratios = [value for (name, _), value in shown.items() if name == "llm_cache_hit_ratio"]
    reads = [value for (name, _), value in shown.items() if name == "llm_cache_break_even_reads"]
    assert ratios
    assert all(0 <= ratio <= 1 for ratio in ratios)
    assert all(0.2 < count < 1.2 for count in reads)
