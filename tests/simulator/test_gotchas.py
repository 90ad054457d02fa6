"""Traps of the Admin API that are no other file's matter, each under its number."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from claude_cost_exporter.simulator import faults
from claude_cost_exporter.simulator.money import FEMTO_PER_NANO
from claude_cost_exporter.simulator.ratecard import billed_rates_of

DAY = timedelta(days=1)
TODAY = datetime(2026, 11, 24, tzinfo=UTC)
FIELDS = {
    "uncached_input_tokens": 0,
    "output_tokens": 1,
    "cache_read_input_tokens": 2,
}


def test_g6_cache_writes_are_nested_and_of_two_kinds(steady):
    """G6: the flat field of the Messages API does not exist; 5m and 1h are told apart."""
    (day,) = steady.usage(TODAY - DAY, TODAY, "1d", ("model",))
    for row in day["results"]:
        assert "cache_creation_input_tokens" not in row
        assert set(row["cache_creation"]) == {
            "ephemeral_1h_input_tokens",
            "ephemeral_5m_input_tokens",
        }
    kinds = [set(row["cache_creation"].values()) for row in day["results"]]
    assert any(len(values) == 2 for values in kinds)


def test_g7_ungrouped_tiers_collapse(steady):
    """G7: without service_tier in the groups, batch and standard of a model are one row."""
    haiku = ["claude-haiku-4-5-20251001"]
    (plain,) = steady.usage(TODAY - DAY, TODAY, "1d", ("model",), models=haiku)
    (tiers,) = steady.usage(TODAY - DAY, TODAY, "1d", ("model", "service_tier"), models=haiku)
    assert len(plain["results"]) == 1
    assert {row["service_tier"] for row in tiers["results"]} == {"standard", "batch"}
    assert plain["results"][0]["output_tokens"] == sum(
        row["output_tokens"] for row in tiers["results"]
    )


def test_g11_estimate_and_bill_are_the_same_money(steady):
    """G11: priced usage and the cost report describe one and the same spend of a day."""
    estimated = steady.simulator.truth(TODAY - DAY, TODAY).cost * FEMTO_PER_NANO
    assert steady.simulator.invoice(date(2026, 11, 23), date(2026, 11, 24)).amount == estimated


@pytest.mark.parametrize("path", ["usage", "cost", "analytics_cost", "claude_code"])
def test_g14_contradicting_pages_can_be_simulated(steady, path):
    """G14: a page may claim that more follows without a token, or carry a stray one."""
    start = "2026-11-20" if path == "claude_code" else "2026-11-20T00:00:00Z"
    endpoint = {"usage": "usage_messages", "cost": "cost_report"}.get(path, path)

    def no_token(page):
        page.update(has_more=True, next_page=None)

    def stray_token(page):
        page.update(has_more=False, next_page="page_stray")

    for edit, expected in ((no_token, (True, None)), (stray_token, (False, "page_stray"))):
        steady.simulator.faults.add(faults.edited(edit), endpoint=endpoint)
        page = steady.get(path, ("starting_at", start))
        assert (page["has_more"], page["next_page"]) == expected


def test_g16_default_workspace_is_in_both_reports(steady):
    """G16: usage of the default workspace appears, in usage and in cost, as null."""
    (usage,) = steady.usage(TODAY - DAY, TODAY, "1d", ("workspace_id",))
    (cost,) = steady.costs(TODAY - DAY, TODAY)
    for day in (usage, cost):
        assert None in {row["workspace_id"] for row in day["results"]}


@pytest.mark.parametrize("name", ["credits", "balance", "invoices", "billing"])
def test_g17_there_is_no_balance(steady, name):
    """G17: no endpoint tells a balance, credits or invoices."""
    steady.refused(f"/v1/organizations/{name}", status=404)


def test_g19_implied_prices_are_the_price_card(steady):
    """G19: billed cents divided by tokens are the list price, for every row of a model."""
    day, groups = TODAY - DAY, ("model", "service_tier", "inference_geo", "speed")
    tokens = Counter()
    for row in steady.usage(day, TODAY, "1d", groups)[0]["results"]:
        for field in FIELDS:
            tokens[tuple(row[name] for name in groups), field] += row[field]
    cents = Counter()
    found = steady.analytics("cost", day, TODAY, "1d", (*groups, "token_type"))
    for row in (r["group"] | r["cost"] for r in found):
        key = (row["model"], row["service_tier"], row["inference_geo"] or "not_available")
        cents[(*key, row["speed"]), row["token_type"]] += Decimal(row["amount"])
    for (combination, field), count in tokens.items():
        rate = billed_rates_of(*combination, day.date())[FIELDS[field]]
        assert cents[combination, field] * 10**7 == count * rate
    assert len({combination for combination, _ in tokens}) > 5
