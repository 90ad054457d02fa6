"""The analytics endpoints: flat rows, what they add up to, dimensions, refresh."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.simulator import Switches
from claude_cost_exporter.simulator.money import usd
from tests.simulator.conftest import TODAY, YESTERDAY, groups
from tests.support.analytics import BOTH, DAILY, DEFAULT_ID, by, dollars

GROUP = {
    *("actor", "actor_type", "agent_id", "api_key_id", "claude_tag_category"),
    *("claude_tag_user_id", "context_window", "deployment_id", "environment_id"),
    *("inference_geo", "model", "organization_id", "product", "rbac_group_id"),
    *("service_tier", "session_id", "slack_channel_id", "speed", "user_profile_id"),
    "workspace_id",
}
USAGE = {
    "uncached_input_tokens": int,
    "cache_creation": {"ephemeral_1h_input_tokens": int, "ephemeral_5m_input_tokens": int},
    "cache_read_input_tokens": int,
    "output_tokens": int,
    "server_tool_use": {"web_search_requests": int},
    "requests": int,
    "total_tokens": int,
}


def types(value):
    """Return the types of a document, field by field."""
    if isinstance(value, dict):
        return {name: types(inner) for name, inner in value.items()}
    return type(value)


@BOTH
def test_envelope(steady, which):
    """A page has rows, both ways of saying that more follows, and when data were refreshed."""
    page = steady.get(f"analytics_{which}", *DAILY, *groups("model"))
    assert set(page) == {"data", "data_refreshed_at", "has_more", "next_page"}
    assert page["data_refreshed_at"] == "2026-11-24T13:20:00Z"
    assert {(row["starting_at"], row["ending_at"]) for row in page["data"]} == {
        ("2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z")
    }


def test_shape_of_usage(steady):
    """A usage row has every dimension, null unless asked for, and nested counts."""
    row = steady.get("analytics_usage", *DAILY, *groups("model"))["data"][0]
    assert set(row["group"]) == GROUP
    assert {name for name, value in row["group"].items() if value is not None} == {"model"}
    assert types(row["usage"]) == USAGE


def test_shape_of_cost(steady):
    """A cost row has two dimensions more and money as text with a fixed number of decimals."""
    row = steady.get("analytics_cost", *DAILY, *groups("model", "cost_type", "token_type"))
    row = row["data"][0]
    assert set(row["group"]) == GROUP | {"cost_type", "token_type"}
    assert types(row["cost"]) == {
        "amount": str,
        "list_amount": str,
        "currency": str,
        "requests": type(None),
    }
    assert len(row["cost"]["amount"].partition(".")[2]) == 9


def test_the_bill_is_the_invoice(asker):
    """Amounts and list amounts add up to the invoice exactly, by every dimension it has."""
    asking = asker("quarter", now=TODAY + 14 * HOUR, start=datetime(2026, 10, 1, tzinfo=UTC))
    names = ("api_key_id", "workspace_id", "service_tier", "product", "user_profile_id")
    start, end = datetime(2026, 10, 20, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)
    found = asking.analytics("cost", start, end, "1d", (*names, "cost_type"))
    invoice = asking.simulator.invoice(start.date(), end.date(), asking.clock.now())
    assert dollars(found) == invoice.usd
    assert dollars(found, "list_amount") == usd(invoice.listed)
    assert invoice.usd < usd(invoice.listed)
    expected = {key: usd(femto) for key, femto in invoice.by("user_profile_id", "product").items()}
    actual = by(found, "user_profile_id", "product")
    assert {tuple(v or "none" for v in key): value for key, value in actual.items()} == expected


def test_both_apis_agree_on_settled_days(asker):
    """For days that are a week old the legacy report and analytics show the same money."""
    asking = asker("quarter")
    start, end = TODAY - 14 * DAY, TODAY - 7 * DAY
    legacy = sum(
        Decimal(row["amount"]) for day in asking.costs(start, end) for row in day["results"]
    )
    assert dollars(asking.analytics("cost", start, end)) == legacy / 100


def test_usage_agrees_with_the_legacy_report(steady):
    """Tokens by model are those of the legacy report."""
    legacy = steady.usage(YESTERDAY, TODAY, "1d", ("model",))[0]["results"]
    found = steady.analytics("usage", YESTERDAY, TODAY, "1d", ("model",))
    assert {row["group"]["model"]: row["usage"]["output_tokens"] for row in found} == {
        row["model"]: row["output_tokens"] for row in legacy
    }


def test_total_tokens_is_the_sum(steady):
    """total_tokens is the sum of the five disjoint kinds."""
    for row in steady.analytics("usage", YESTERDAY, TODAY, "1d", ("model",)):
        usage = row["usage"]
        parts = (*usage["cache_creation"].values(), usage["cache_read_input_tokens"])
        parts += (usage["uncached_input_tokens"], usage["output_tokens"])
        assert usage["total_tokens"] == sum(parts)


def test_kinds_of_cost(steady):
    """Without fan-out there is one row with a request count; with it, several without."""
    (whole,) = steady.analytics("cost", YESTERDAY, TODAY)
    assert whole["group"]["cost_type"] is whole["group"]["token_type"] is None
    (used,) = steady.analytics("usage", YESTERDAY, TODAY)
    assert whole["cost"]["requests"] == used["usage"]["requests"] > 1000
    parts = steady.analytics("cost", YESTERDAY, TODAY, "1d", ("cost_type", "token_type"))
    assert {row["cost"]["requests"] for row in parts} == {None}
    assert {(row["group"]["cost_type"], row["group"]["token_type"]) for row in parts} == {
        ("tokens", "uncached_input_tokens"),
        ("tokens", "output_tokens"),
        ("tokens", "cache_read_input_tokens"),
        ("tokens", "cache_creation.ephemeral_5m_input_tokens"),
        ("tokens", "cache_creation.ephemeral_1h_input_tokens"),
        ("web_search", None),
    }
    assert dollars(parts) == dollars([whole])
    only_types = steady.analytics("cost", YESTERDAY, TODAY, "1d", ("cost_type",))
    assert by(only_types, "cost_type")["tokens"] == sum(
        value
        for (kind, _), value in by(parts, "cost_type", "token_type").items()
        if kind == "tokens"
    )


def test_discount(asker):
    """The amount is 15 % below the list amount for tokens, and equal for everything else."""
    asking = asker("discount,sessions,code_execution")
    found = asking.analytics("cost", YESTERDAY, TODAY, "1d", ("cost_type",))
    paid, listed = by(found, "cost_type"), by(found, "cost_type", money="list_amount")
    assert paid["tokens"] == listed["tokens"] * Decimal("0.85")
    others = {"web_search", "code_execution", "session_usage"}
    assert {kind: paid[kind] for kind in others} == {kind: listed[kind] for kind in others}


def test_the_default_workspace_has_its_real_id(steady):
    """Where legacy reports say null, analytics names the default workspace."""
    found = steady.analytics("cost", YESTERDAY, TODAY, "1d", ("workspace_id",))
    legacy = steady.costs(YESTERDAY, TODAY, ("workspace_id",))[0]["results"]
    spelled = {row["workspace_id"] or DEFAULT_ID: Decimal(row["amount"]) / 100 for row in legacy}
    assert by(found, "workspace_id") == spelled


def test_geography_that_is_not_available_is_null(steady):
    """Where the legacy report says not_available, analytics says null."""
    found = steady.analytics("usage", YESTERDAY, TODAY, "1d", ("inference_geo",))
    assert {row["group"]["inference_geo"] for row in found} == {"global", "us", None}


def test_products(asker):
    """Usage is told apart by product; containers have none."""
    found = asker("quarter").analytics("cost", YESTERDAY, TODAY, "1d", ("product",))
    assert set(by(found, "product")) == {
        *("messages_api", "message_batches_api", "claude_code"),
        *("claude_console", "managed_agents_api", None),
    }


def test_actors(steady):
    """A key is an actor, and so is the person behind Console usage."""
    found = steady.analytics("usage", YESTERDAY, TODAY, "1d", ("actor", "actor_type"))
    actors = [row["group"]["actor"] for row in found]
    assert {"type": "api_actor", "api_key_id": "apikey_01EvaR9mWq5XbJf2TcKnGy7"} in actors
    (person,) = [actor for actor in actors if actor["type"] == "user_actor"]
    assert set(person) == {"type", "user_id", "email_address", "name", "deleted"}
    assert {row["group"]["actor_type"] for row in found} == {"api_actor", "user_actor"}


def test_end_customers(asker):
    """Requests on behalf of end customers are grouped by their user profile."""
    found = asker("customers").analytics("cost", YESTERDAY, TODAY, "1d", ("user_profile_id",))
    assert len(by(found, "user_profile_id")) == 33
    assert by(found, "user_profile_id")["uprof_01NorthwindFx7KqRm2LdWs"] > 1


def test_no_row_for_nothing(asker):
    """Groups and days without anything have no row, unlike in the legacy reports."""
    asking = asker("priority", history_days=2)
    found = asking.analytics("cost", TODAY - 6 * DAY, TODAY, "1d", ("service_tier",))
    assert {row["group"]["service_tier"] for row in found} == {"standard", "batch"}
    assert {row["starting_at"][:10] for row in found} == {"2026-11-22", "2026-11-23"}
    tiers = asking.analytics("usage", TODAY - 6 * DAY, TODAY, "1d", ("service_tier",))
    assert {row["group"]["service_tier"] for row in tiers} == {"standard", "batch", "priority"}


@pytest.mark.parametrize(("width", "rows"), [("1d", 1), ("1h", 24), ("1m", 1440)])
def test_widths_add_up(steady, width, rows):
    """Minutes and hours add up to their day, in tokens and in money."""
    whole = steady.simulator.invoice(date(2026, 11, 23), date(2026, 11, 24)).usd
    found = steady.analytics("cost", YESTERDAY, TODAY, width)
    assert dollars(found) == whole
    assert len(found) == rows


def test_only_what_was_refreshed(asker):
    """Nothing younger than data_refreshed_at is shown; the delay is a switch."""
    asking = asker(switches=Switches(analytics_delay_minutes=240))
    page = asking.get("analytics_usage", *DAILY)
    assert page["data_refreshed_at"] == "2026-11-24T10:20:00Z"
    (row,) = asking.analytics("usage", TODAY, TODAY + DAY)
    known = asking.simulator.truth(TODAY, TODAY + 10 * HOUR + timedelta(minutes=20))
    assert row["usage"]["total_tokens"] == known.tokens
    shown = asking.simulator.invoice(
        TODAY.date(), date(2026, 11, 25), asking.clock.now(), api="analytics"
    )
    assert dollars(asking.analytics("cost", TODAY, TODAY + DAY)) == shown.usd


def test_containers_are_requests_without_tokens(asker):
    """Code execution counts its spans in usage; session hours are on the bill only."""
    asking = asker("quarter")
    found = asking.analytics("usage", YESTERDAY, TODAY, "1d", ("model", "product"))
    (row,) = [r for r in found if r["group"]["model"] is None]
    assert row["group"]["product"] is None
    assert row["usage"]["total_tokens"] == 0
    assert row["usage"]["requests"] > 0


def test_managed_agents(asker):
    """Session hours belong to an agent, as its tokens do."""
    found = asker("sessions").analytics("cost", YESTERDAY, TODAY, "1d", ("agent_id", "cost_type"))
    agents = {kind for agent, kind in by(found, "agent_id", "cost_type") if agent}
    assert agents == {"tokens", "web_search", "session_usage"}
