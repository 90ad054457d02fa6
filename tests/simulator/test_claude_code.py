"""Claude Code analytics: one day, a row for each developer, whole cents."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from claude_cost_exporter.simulator import Availability, Switches

DAY = datetime(2026, 11, 23, tzinfo=UTC)
YESTERDAY = ("starting_at", "2026-11-23")
TODAY = ("starting_at", "2026-11-24")
ROW = {
    "date": "str",
    "actor": {"type": "str", "email_address": "str"},
    "organization_id": "str",
    "customer_type": "str",
    "terminal_type": "str",
    "is_remote": "bool",
    "core_metrics": {
        "num_sessions": "int",
        "lines_of_code": {"added": "int", "removed": "int"},
        "commits_by_claude_code": "int",
        "pull_requests_by_claude_code": "int",
    },
    "tool_actions": {
        tool: {"accepted": "int", "rejected": "int"}
        for tool in ("edit_tool", "multi_edit_tool", "write_tool", "notebook_edit_tool")
    },
}
MODEL = {
    "model": "str",
    "tokens": {"input": "int", "output": "int", "cache_read": "int", "cache_creation": "int"},
    "estimated_cost": {"currency": "str", "amount": "int"},
}


def shape(value):
    """Return the types of a document, field by field."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return type(value).__name__


def test_shape(steady):
    """A row has the documented fields; amounts are JSON numbers and no strings."""
    page = steady.get("claude_code", YESTERDAY)
    assert set(page) == {"data", "has_more", "next_page"}
    row = page["data"][0]
    breakdown = row.pop("model_breakdown")
    assert shape(row) == ROW
    assert [shape(model) for model in breakdown] == [MODEL] * len(breakdown)
    assert row["date"] == "2026-11-23T00:00:00Z"


def test_tokens_are_those_of_the_usage_report(steady):
    """All rows together have the tokens of the Claude Code workspace, model by model."""
    sums = Counter()
    for row in steady.get("claude_code", YESTERDAY)["data"]:
        for part in row["model_breakdown"]:
            for kind, tokens in part["tokens"].items():
                sums[part["model"], kind] += tokens
    workspace = ["wrkspc_01Code9KjLw4ZnSfCt8QgEd"]
    (day,) = steady.usage(DAY, DAY + timedelta(days=1), "1d", ("model",), workspace_ids=workspace)
    for row in day["results"]:
        model = row["model"]
        assert sums[model, "input"] == row["uncached_input_tokens"]
        assert sums[model, "output"] == row["output_tokens"]
        assert sums[model, "cache_read"] == row["cache_read_input_tokens"]
        assert sums[model, "cache_creation"] == sum(row["cache_creation"].values())
    assert len(day["results"]) == 2


def test_estimates_are_whole_cents_of_the_truth(steady):
    """The estimates add up to the day's cost within half a cent for each number."""
    amounts = [
        part["estimated_cost"]["amount"]
        for row in steady.get("claude_code", YESTERDAY)["data"]
        for part in row["model_breakdown"]
    ]
    truth = steady.simulator.truth(DAY, DAY + timedelta(days=1))
    cost = sum(
        spend.cost - spend.nano[5]
        for series, spend in truth.by_series.items()
        if series.product == "claude_code"
    )
    assert abs(sum(amounts) - cost / 1e7) <= len(amounts) / 2
    assert sum(amounts) > 100


def test_rows_by_person_terminal_and_place(steady):
    """Remote and local work of one person are two rows; a key has a name and no id."""
    rows = steady.get("claude_code", YESTERDAY)["data"]
    keys = [(str(row["actor"]), row["terminal_type"], row["is_remote"]) for row in rows]
    assert len(set(keys)) == len(keys) == 5
    people = Counter(row["actor"].get("email_address") for row in rows)
    assert people["maria.lopez@acme.example"] == 2
    (key,) = [row["actor"] for row in rows if row["actor"]["type"] == "api_actor"]
    assert key == {"type": "api_actor", "api_key_name": "ci-review"}


def test_figures_of_a_day_agree(steady):
    """Sessions write hundreds of lines, commits are few, and pull requests hold commits."""
    for row in steady.get("claude_code", YESTERDAY)["data"]:
        metrics = row["core_metrics"]
        sessions, lines = metrics["num_sessions"], metrics["lines_of_code"]
        assert 1 <= sessions <= 50
        assert lines["removed"] < lines["added"] < 400 * sessions
        assert metrics["commits_by_claude_code"] <= 2 * sessions
        assert 2 * metrics["pull_requests_by_claude_code"] <= metrics["commits_by_claude_code"]


def test_no_subscriptions(steady):
    """Console keys get rows of API customers only, without a subscription type."""
    rows = steady.get("claude_code", YESTERDAY)["data"]
    assert {row["customer_type"] for row in rows} == {"api"}
    assert not any("subscription_type" in row for row in rows)


def test_pages_count_records(steady):
    """The limit counts records, and the cursor leads to the rest."""
    whole = steady.get("claude_code", YESTERDAY)["data"]
    assert steady.everything("claude_code", [YESTERDAY, ("limit", 2)]) == whole
    first = steady.get("claude_code", YESTERDAY, ("limit", 2))
    assert (len(first["data"]), first["has_more"]) == (2, True)
    token = ("page", first["next_page"])
    steady.refused("claude_code", TODAY, ("limit", 2), token)


def test_nothing_is_younger_than_an_hour(asker):
    """The open day shows what is older than an hour and grows."""
    asking = asker(now=DAY + timedelta(days=1, hours=7, minutes=59))
    outputs = []
    for _ in range(4):
        rows = asking.get("claude_code", TODAY)["data"]
        outputs.append(sum(p["tokens"]["output"] for r in rows for p in r["model_breakdown"]))
        asking.clock.advance(timedelta(hours=1))
    known = asking.simulator.truth(DAY + timedelta(days=1), DAY + timedelta(days=1, hours=9))
    counts = [
        s.counts[1] for series, s in known.by_series.items() if series.product == "claude_code"
    ]
    assert outputs == sorted(set(outputs))
    assert sum(counts) < outputs[-1]
    assert asking.get("claude_code", ("starting_at", "2026-11-25"))["data"] == []


def test_a_day_without_usage(steady):
    """A day on which nobody worked has no rows."""
    empty = {"data": [], "has_more": False, "next_page": None}
    assert steady.get("claude_code", ("starting_at", "2020-01-05")) == empty


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("starting_at", "2026-11-23T00:00:00Z"),
        ("starting_at", "2026-02-30"),
        ("starting_at", "20261123"),
        ("ending_at", "2026-11-24"),
        ("limit", "1001"),
        ("group_by[]", "model"),
        ("page", "page_x"),
    ],
)
def test_wrong_parameters(steady, name, value):
    """There is one day in one format, and no range, filter or group."""
    query = [pair for pair in (YESTERDAY,) if pair[0] != name]
    assert name in steady.refused("claude_code", *query, (name, value))["message"]
    steady.refused("claude_code")


def test_availability(asker):
    """Where the report is not allowed, the answer is 403."""
    asking = asker(switches=Switches(claude_code=Availability.FORBIDDEN))
    assert asking.refused("claude_code", YESTERDAY, status=403)["type"] == "permission_error"


def test_hostile_people(asker):
    """E-mail addresses and terminals may hold anything that JSON allows."""
    rows = asker("hostile").get("claude_code", YESTERDAY)["data"]
    assert any("\x1b" in row["actor"]["email_address"] for row in rows)
    assert any("<script>" in row["terminal_type"] for row in rows)
