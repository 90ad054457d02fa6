"""The legacy cost report: cents, groups, what is not billed, rows that look alike."""

from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.simulator import Switches
from claude_cost_exporter.simulator.money import usd
from tests.simulator.conftest import TODAY
from tests.support.cost_report import rows, starting, total

ROW = {
    "amount": str,
    "context_window": str,
    "cost_type": str,
    "currency": str,
    "description": str,
    "inference_geo": str,
    "model": str,
    "service_tier": str,
    "token_type": str,
    "workspace_id": str,
}
DIMENSIONS = tuple(name for name in ROW if name not in {"amount", "description"})
TOKEN_TYPES = {
    "uncached_input_tokens": "input",
    "output_tokens": "output",
    "cache_read_input_tokens": "cache_read",
    "cache_creation.ephemeral_5m_input_tokens": "cache_write_5m",
    "cache_creation.ephemeral_1h_input_tokens": "cache_write_1h",
}


def test_shape(steady):
    """A page has the bucket envelope, and a row exactly the documented fields."""
    page = steady.get("cost", *starting(TODAY - DAY), ("group_by[]", "description"))
    assert set(page) == {"data", "has_more", "next_page"}
    (bucket,) = page["data"]
    assert set(bucket) == {"starting_at", "ending_at", "results"}
    row = next(row for row in bucket["results"] if row["cost_type"] == "tokens")
    assert {name: type(value) for name, value in row.items()} == ROW | {"workspace_id": type(None)}
    assert row["currency"] == "USD"


def test_amounts_equal_the_invoice(steady):
    """A closed day's rows add up to the invoice exactly, dimension by dimension."""
    days = steady.costs(TODAY - 31 * DAY, TODAY)
    invoice = steady.simulator.invoice(date(2026, 10, 24), date(2026, 11, 24))
    assert total(days) == invoice.usd > 1000
    by_kind = Counter()
    for row in rows(days):
        kind = (row["cost_type"], TOKEN_TYPES.get(row["token_type"], "none"))
        by_kind[kind] += Decimal(row["amount"]) / 100
    expected = invoice.by("cost_type", "token_type")
    assert by_kind == {kind: usd(femto) for kind, femto in expected.items()}


def test_g5_amounts_are_cents(steady):
    """G5: the amounts are cents, a hundred times the dollars that the same tokens cost."""
    days = steady.costs(TODAY - DAY, TODAY)
    cents = sum(Decimal(row["amount"]) for row in rows(days))
    truth = steady.simulator.truth(TODAY - DAY, TODAY)
    assert cents == Decimal(truth.cost) / 10**7


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bucket_width", "1h"),
        ("group_by[]", "model"),
        ("group_by[]", "api_key_id"),
        ("limit", "32"),
        ("limit", "0"),
        ("workspace_ids[]", "wrkspc_1"),
        ("models[]", "claude-opus-5-5"),
        ("page", "page_x"),
    ],
)
def test_wrong_parameters(steady, name, value):
    """There is one width, there are two groups and no filters; everything else is a 400."""
    assert name in steady.refused("cost", *starting(TODAY - DAY), (name, value))["message"]


def test_without_groups(steady):
    """Without groups a day is one amount and everything else is null."""
    (row,) = rows(steady.costs(TODAY - DAY, group_by=()))
    assert {name for name, value in row.items() if value is not None} == {"amount", "currency"}
    assert total(steady.costs(TODAY - DAY)) == Decimal(row["amount"]) / 100


def test_by_workspace(steady):
    """By workspace only, there is one row each, and null is the default workspace."""
    found = rows(steady.costs(TODAY - DAY, group_by=("workspace_id",)))
    workspaces = [row["workspace_id"] for row in found]
    assert len(set(workspaces)) == len(workspaces) == 4
    assert None in workspaces
    assert all(row["cost_type"] is None and row["description"] is None for row in found)


def test_null_workspace_without_grouping_by_it(steady):
    """Grouped by description only, every workspace_id is null and sums stay the same."""
    found = steady.costs(TODAY - DAY, group_by=("description",))
    assert {row["workspace_id"] for row in rows(found)} == {None}
    assert total(found) == total(steady.costs(TODAY - DAY))


def test_what_is_no_token_has_no_model(asker):
    """Web searches, container hours and session hours have a workspace and nothing else."""
    asking = asker("quarter")
    found = [row for row in rows(asking.costs(TODAY - 7 * DAY)) if row["cost_type"] != "tokens"]
    assert {row["cost_type"] for row in found} == {"web_search", "code_execution", "session_usage"}
    nulls = ("context_window", "inference_geo", "model", "service_tier", "token_type")
    assert {row[name] for row in found for name in nulls} == {None}
    assert {row["description"] for row in found} == {
        "Web Search Usage",
        "Code Execution Usage",
        "Managed Agents Session Usage",
    }


def test_priority_tier_never_appears(asker):
    """Priority tokens are in the usage report; the cost report knows standard and batch only."""
    asking = asker("priority")
    usage = rows(asking.usage(TODAY - DAY, TODAY, "1d", ("service_tier",)))
    assert {row["service_tier"] for row in usage} == {"standard", "batch", "priority"}
    tiers = {row["service_tier"] for row in rows(asking.costs(TODAY - DAY))}
    assert tiers == {"standard", "batch", None}
    invoices = [
        simulator.invoice(date(2026, 11, 23), date(2026, 11, 24))
        for simulator in (asking.simulator, asker("steady").simulator)
    ]
    assert invoices[0].usd == invoices[1].usd


def test_g12_blocked_requests_are_not_billed(asker):
    """G12: tokens of refused requests are in usage, priced higher than the bill."""
    asking = asker("blocked")
    estimate = asking.simulator.truth(TODAY - DAY, TODAY).cost
    billed = total(asking.costs(TODAY - DAY))
    assert billed == total(asker("steady").costs(TODAY - DAY))
    assert Decimal(estimate) / 10**9 > billed


def test_g13_model_ids_are_undated(asker):
    """G13: the usage report has a dated id where the cost report has none; a switch aligns them."""
    dated = "claude-haiku-4-5-20251001"
    used = {r["model"] for r in rows(asker().usage(TODAY - DAY, TODAY, "1d", ("model",)))}
    billed = {row["model"] for row in rows(asker().costs(TODAY - DAY))}
    assert dated in used - billed
    assert "claude-haiku-4-5" in billed - used
    same = asker(switches=Switches(undated_cost_models=False))
    assert {row["model"] for row in rows(same.costs(TODAY - DAY))} - {None} == used


def test_one_description_spans_several_combinations(steady):
    """The same description stands for several tiers, regions or context windows."""
    combinations = {}
    for row in rows(steady.costs(TODAY - 7 * DAY)):
        key = tuple(row[name] for name in DIMENSIONS)
        combinations.setdefault(row["description"], set()).add(key)
    assert len(combinations["Claude Haiku 4.5 Usage - Input Tokens"]) == 2
    assert len(combinations["Claude Opus 5.5 Usage - Output Tokens"]) > 2


def test_rows_that_collide(steady):
    """Fast and standard usage of a model are two rows that agree in every field but the amount."""
    (day,) = steady.costs(TODAY - DAY)
    fields = (*DIMENSIONS, "description")
    seen = Counter(tuple(row[name] for name in fields) for row in day["results"])
    (model,) = {key[fields.index("model")] for key, count in seen.items() if count > 1}
    assert model == "claude-opus-5-5"
    assert max(seen.values()) == 2


def test_misleading_descriptions(asker):
    """With the switch every description names Sonnet 4, as the official sample does for Opus."""
    asking = asker(switches=Switches(misleading_descriptions=True))
    names = {
        row["description"].split(" Usage")[0]
        for row in rows(asking.costs(TODAY - DAY))
        if row["cost_type"] == "tokens"
    }
    assert names == {"Claude Sonnet 4"}
    assert total(asking.costs(TODAY - DAY)) == total(asker().costs(TODAY - DAY))


@pytest.mark.parametrize("decimals", [0, 2, 5, 9, 13])
def test_quantum(asker, decimals):
    """Amounts are rounded row by row to the switch's decimals; nine are exact."""
    asking = asker("discount", switches=Switches(cent_decimals=decimals))
    found = rows(asking.costs(TODAY - DAY))
    longest = max(len(row["amount"].partition(".")[2]) for row in found)
    assert min(decimals, 5) <= longest <= decimals
    exact = asking.simulator.invoice(date(2026, 11, 23), date(2026, 11, 24)).usd
    error = abs(sum(Decimal(row["amount"]) for row in found) / 100 - exact)
    assert error <= Decimal(len(found)) / 2 / 10 ** (decimals + 2)
    assert (error == 0) == (decimals >= 9)
