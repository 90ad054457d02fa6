"""What can be asked of analytics, and by whom: groups, filters, ranges, order, pages."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from claude_cost_exporter.clock import HOUR
from claude_cost_exporter.simulator import Availability, Switches
from tests.simulator.conftest import HEADERS, NO_BETA, TODAY, YESTERDAY, groups
from tests.support.analytics import BOTH, DAILY, DEFAULT_ID, END, START, by, dollars


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
