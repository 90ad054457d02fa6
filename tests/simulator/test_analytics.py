"""The analytics endpoints: flat rows, five groups, order, pages, lookback, refresh."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from claude_cost_exporter.simulator import Availability, Switches
from claude_cost_exporter.simulator.money import usd
from tests.simulator.conftest import HEADERS, NO_BETA

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TODAY = datetime(2026, 11, 24, tzinfo=UTC)
YESTERDAY = TODAY - DAY
START = ("starting_at", "2026-11-23T00:00:00Z")
END = ("ending_at", "2026-11-24T00:00:00Z")
DAILY = (START, END, ("time_bucket_width", "1d"))
BOTH = pytest.mark.parametrize("which", ["usage", "cost"])
DEFAULT_ID = "wrkspc_01DefAcme4Qw8RtYuPn2LkZ"
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


def groups(*names):
    """Return the query parameters for group_by[]."""
    return [("group_by[]", name) for name in names]


def dollars(found, money="amount"):
    """Return the sum of a kind of money in rows, in dollars; they have cents."""
    return sum((Decimal(row["cost"][money]) for row in found), Decimal(0)) / 100


def by(found, *names, money="amount"):
    """Return dollars by dimensions."""
    sums = Counter()
    for row in found:
        key = tuple(row["group"][name] for name in names)
        sums[key if len(key) > 1 else key[0]] += Decimal(row["cost"][money]) / 100
    return dict(sums)


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


@BOTH
def test_beta_header_is_required(steady, which):
    """Without the beta header the endpoint is refused."""
    error = steady.refused(f"analytics_{which}", *DAILY, headers=NO_BETA)
    assert "analytics-usage-cost-2026-08-24" in error["message"]
    only = NO_BETA | {"anthropic-beta": "analytics-usage-cost-2026-08-24"}
    steady.get(f"analytics_{which}", *DAILY, headers=only)


@BOTH
@pytest.mark.parametrize(
    ("availability", "status", "kind"),
    [
        (Availability.NOT_FOUND, 404, "not_found_error"),
        (Availability.FORBIDDEN, 403, "permission_error"),
    ],
)
def test_keys_that_may_not_read_it(asker, which, availability, status, kind):
    """Where analytics does not exist or is not allowed, the answer is 404 or 403."""
    asking = asker(switches=Switches(analytics=availability))
    assert asking.refused(f"analytics_{which}", *DAILY, status=status)["type"] == kind


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


@BOTH
def test_g8_five_groups(steady, which):
    """G8: a sixth group is refused; cost_type and token_type do not count."""
    six = ("api_key_id", "workspace_id", "model", "service_tier", "product", "speed")
    error = steady.refused(f"analytics_{which}", *DAILY, *groups(*six))
    assert error["message"] == "Cannot specify more than 5 group_by[] dimensions."
    free = ("cost_type", "token_type") if which == "cost" else ()
    steady.get(f"analytics_{which}", *DAILY, *groups(*six[:5], *free))


def test_usage_has_no_kinds_of_cost(steady):
    """Only the cost endpoint can be grouped by cost_type and token_type."""
    steady.refused("analytics_usage", *DAILY, *groups("cost_type"))


WRONG = [
    ("group_by[]", "day"),
    ("group_by[]", "organization_id"),
    ("time_bucket_width", "5m"),
    ("bucket_width", "1d"),
    ("limit", "0"),
    ("limit", "1001"),
    ("order_by", "cost"),
    ("order", "up"),
    ("exclude_deleted_users", "true"),
    ("context_window[]", "0-200k"),
    ("inference_geos[]", "not_available"),
    ("products[]", "chatbot"),
    ("page", "page_abc"),
]


@BOTH
@pytest.mark.parametrize(("name", "value"), WRONG)
def test_wrong_parameters(steady, which, name, value):
    """Every wrong value and unknown parameter is a 400 that names it."""
    query = [pair for pair in DAILY if pair[0] != name]
    error = steady.refused(f"analytics_{which}", *query, (name, value))
    assert name.removesuffix("[]") in error["message"]


RANGES = [
    ((), "starting_at: Field required"),
    ((("starting_at", "2025-12-31T23:00:00Z"), END), "no earlier than 2026-01-01"),
    ((START, ("time_bucket_width", "1d")), "ending_at: Field required"),
    ((START, ("ending_at", "2026-11-23T00:00:00Z")), "after starting_at"),
    ((START, ("ending_at", "2026-12-24T01:00:00Z")), "must not exceed 31 days"),
    (
        (START, ("ending_at", "2026-11-24T00:01:00Z"), ("time_bucket_width", "1m")),
        "must not exceed 1 day",
    ),
]


@BOTH
@pytest.mark.parametrize(("query", "sentence"), RANGES)
def test_wrong_ranges(steady, which, query, sentence):
    """Start, end, width and length of a range have the documented limits."""
    assert sentence in steady.refused(f"analytics_{which}", *query)["message"]


@BOTH
def test_a_year_back(asker, which):
    """From 2027 on it is 365 days that limit how far back one can look."""
    asking = asker(now=datetime(2027, 3, 1, tzinfo=UTC))
    end = ("ending_at", "2026-03-09T00:00:00Z")
    asking.get(f"analytics_{which}", ("starting_at", "2026-03-01T00:00:00Z"), end)
    asking.refused(f"analytics_{which}", ("starting_at", "2026-02-28T23:00:00Z"), end)


@BOTH
def test_one_aggregate_without_a_width(steady, which):
    """Without a width there is one row per group, with bounds floored to the hour."""
    page = steady.get(f"analytics_{which}", ("starting_at", "2026-11-22T10:17:00Z"))
    (row,) = page["data"]
    assert (row["starting_at"], row["ending_at"]) == (
        "2026-11-22T10:00:00Z",
        "2026-11-24T14:00:00Z",
    )
    assert all(value is None for value in row["group"].values())


def test_aggregates_over_price_changes(asker):
    """An aggregate over several days is the sum of its days, each at its own price."""
    asking = asker("price_change", now=datetime(2026, 10, 12, tzinfo=UTC))
    span = (datetime(2026, 10, 4, tzinfo=UTC), datetime(2026, 10, 10, tzinfo=UTC))
    (row,) = asking.analytics("cost", *span, width=None)
    assert dollars([row]) == dollars(asking.analytics("cost", *span, "1d", ("model",)))


@BOTH
def test_default_order_is_the_largest_first(steady, which):
    """Unless told otherwise rows come by size, not by time, and the day is all mixed up."""
    week = (("starting_at", "2026-11-17T00:00:00Z"), END, ("time_bucket_width", "1d"))
    found = steady.get(f"analytics_{which}", *week, *groups("model"), ("limit", 1000))["data"]
    sizes = [
        row["usage"]["total_tokens"] if which == "usage" else Decimal(row["cost"]["amount"])
        for row in found
    ]
    assert sizes == sorted(sizes, reverse=True)
    times = [row["starting_at"] for row in found]
    assert times != sorted(times)


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("order_by", ["output_tokens", "uncached_input_tokens", "requests"])
def test_orders_of_usage(steady, order_by, order):
    """Usage can be ordered by its counts, both ways."""
    query = (*DAILY, *groups("api_key_id"), ("order_by", order_by), ("order", order))
    sizes = [row["usage"][order_by] for row in steady.get("analytics_usage", *query)["data"]]
    assert sizes == sorted(sizes, reverse=order == "desc")
    assert len(set(sizes)) > 3


@BOTH
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_order_by_time(steady, which, order):
    """By time rows come oldest first, or by default newest first."""
    found = steady.analytics(
        which, YESTERDAY, TODAY, "1h", ("model",), order=order, order_by="time", limit=7
    )
    times = [row["starting_at"] for row in found]
    assert times == sorted(times, reverse=order == "desc")
    assert len(set(times)) == 24


@BOTH
@pytest.mark.parametrize("order_by", ["time", None])
@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_pages(steady, which, limit, order_by):
    """Whatever the page size, all rows come exactly once."""
    query = [*DAILY, *groups("model", "workspace_id"), ("limit", limit)]
    query += [("order_by", order_by)] if order_by else []
    found = steady.everything(f"analytics_{which}", query)
    keys = [(row["group"]["model"], row["group"]["workspace_id"]) for row in found]
    used = steady.simulator.truth(YESTERDAY, TODAY).by_series
    assert len(keys) == len(set(keys)) > 7
    assert set(keys) == {(series.model, series.workspace_id or DEFAULT_ID) for series in used}


@BOTH
def test_twenty_rows_by_default(steady, which):
    """Without a limit a page has twenty rows, far fewer than a legacy page."""
    week = (("starting_at", "2026-11-17T00:00:00Z"), END, ("time_bucket_width", "1d"))
    page = steady.get(f"analytics_{which}", *week, *groups("model"))
    assert len(page["data"]) == 20
    assert page["has_more"] is True


def test_the_fan_out_does_not_count(steady):
    """With token_type a page has more rows than its limit: the limit counts groups."""
    query = (*DAILY, *groups("model", "cost_type", "token_type"), ("limit", 2))
    page = steady.get("analytics_cost", *query)
    assert page["has_more"] is True
    assert len({row["group"]["model"] for row in page["data"]}) == 2
    assert len(page["data"]) > 8


@BOTH
def test_page_token_is_bound_to_its_query(steady, which):
    """A token sent with other parameters is refused."""
    query = (*DAILY, *groups("model"), ("limit", 2))
    token = steady.get(f"analytics_{which}", *query)["next_page"]
    steady.get(f"analytics_{which}", *query, ("page", token))
    steady.refused(f"analytics_{which}", *query, ("order", "asc"), ("page", token))


def test_pages_are_of_one_state(steady):
    """Later pages show the data as of the first one, however long the client takes."""
    query = (START, ("ending_at", "2026-11-25T00:00:00Z"), ("time_bucket_width", "1h"))
    first = steady.get("analytics_cost", *query, *groups("model"))
    steady.clock.advance(3 * HOUR)
    second = steady.get("analytics_cost", *query, *groups("model"), ("page", first["next_page"]))
    assert second["data_refreshed_at"] == first["data_refreshed_at"]


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


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("workspace_ids", [DEFAULT_ID], {DEFAULT_ID}),
        (
            "api_key_ids",
            ["apikey_01EvaR9mWq5XbJf2TcKnGy7"],
            {"wrkspc_01Rsch2MxTq6WpDzRu5YhBv"},
        ),
        ("api_key_ids", [""], {DEFAULT_ID}),
        (
            "products",
            ["claude_code", "claude_console"],
            {DEFAULT_ID, "wrkspc_01Code9KjLw4ZnSfCt8QgEd"},
        ),
        ("service_tiers", ["batch"], {"wrkspc_01Prod7HsNf3VbGmKe9XcJa"}),
        ("actor_types", ["user_actor"], {DEFAULT_ID}),
    ],
)
def test_filters(steady, name, values, expected):
    """A filter leaves the rows of its values; an empty key means usage without a key."""
    found = steady.analytics("cost", YESTERDAY, TODAY, "1d", ("workspace_id",), **{name: values})
    assert set(by(found, "workspace_id")) == expected


def test_filters_split_the_whole(steady):
    """Two filters that exclude each other add up to everything."""
    parts = [
        dollars(steady.analytics("cost", YESTERDAY, TODAY, speeds=[speed]))
        for speed in ("standard", "fast")
    ]
    assert all(parts)
    assert sum(parts) == dollars(steady.analytics("cost", YESTERDAY, TODAY))


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


def test_deleted_users_may_be_left_out(steady):
    """exclude_deleted_users is accepted together with the actor group."""
    flag = ("exclude_deleted_users", "true")
    assert steady.get("analytics_usage", *DAILY, *groups("actor"), flag)["data"]


def test_both_versions_answer(steady):
    """The report is the same under the newer API version."""
    headers = HEADERS | {"anthropic-version": "2026-10-21"}
    assert steady.get("analytics_cost", *DAILY) == steady.get(
        "analytics_cost", *DAILY, headers=headers
    )
