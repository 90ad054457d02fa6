"""The usage report behaves as the table of known behaviours says."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from claude_cost_exporter.simulator import BucketStart, OpenBucket, SpeedGrouping, Switches
from tests.simulator.conftest import groups

HOUR = timedelta(hours=1)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
START = ("starting_at", "2026-11-24T00:00:00Z")
HOURLY = (START, ("bucket_width", "1h"))
NO_BETA = {"x-api-key": "sk-ant-admin01-x", "anthropic-version": "2023-06-01"}


def test_more_than_five_groups(steady):
    """A sixth group_by dimension is refused with the message seen live."""
    six = ("model", "service_tier", "context_window", "inference_geo", "speed", "workspace_id")
    error = steady.refused("usage", START, *groups(*six))
    assert error["type"] == "invalid_request_error"
    assert error["message"] == "Cannot specify more than 5 group_by[] dimensions."


def test_no_retry_of_bad_requests(steady):
    """A 400 tells the client not to retry."""
    response = steady.send("usage", [START, ("group_by[]", "day")])
    assert response.status == 400
    assert response.header("x-should-retry") == "false"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("group_by[]", "day"),
        ("group_by", "model"),
        ("bucket_width", "5m"),
        ("limit", "0"),
        ("limit", "-1"),
        ("limit", "x"),
        ("limit", "32"),
        ("service_tiers[]", "gold"),
        ("context_windows[]", "0-200k"),
        ("context_window[]", "1M"),
        ("speeds[]", "slow"),
        ("ending_at", "yesterday"),
        ("ending_at", "2026-11-25T00:00:00"),
        ("page", "page_!"),
        ("page", "abc"),
        ("nonsense", "1"),
    ],
)
def test_wrong_parameters(steady, name, value):
    """Every wrong value and every unknown parameter is a 400 that names the parameter."""
    assert name in steady.refused("usage", START, (name, value))["message"]


def test_starting_at_is_required(steady):
    """A query without a start is refused."""
    assert "starting_at" in steady.refused("usage")["message"]


def test_repeated_parameter(steady):
    """A single-valued parameter given twice is refused."""
    assert "limit" in steady.refused("usage", START, ("limit", 1), ("limit", 2))["message"]


@pytest.mark.parametrize(("width", "most"), [("1d", 31), ("1h", 168), ("1m", 1440)])
def test_limit_per_width(steady, width, most):
    """The limit counts buckets and has a maximum for each width."""
    query = (("starting_at", "2026-09-01T00:00:00Z"), ("bucket_width", width))
    assert len(steady.get("usage", *query, ("limit", most))["data"]) == most
    steady.refused("usage", *query, ("limit", most + 1))


@pytest.mark.parametrize(("width", "default"), [("1d", 7), ("1h", 24), ("1m", 60)])
def test_default_limit(steady, width, default):
    """Without a limit a page holds the documented number of buckets, and more follow."""
    query = (("starting_at", "2026-09-01T00:00:00Z"), ("bucket_width", width))
    page = steady.get("usage", *query)
    assert len(page["data"]) == default
    assert page["has_more"] is True


def test_pages_by_bucket_count(steady):
    """72 hourly buckets at 24 a page are three pages, oldest first and without gaps."""
    end = NOON
    query = [
        ("starting_at", (end - 72 * HOUR).isoformat()),
        ("ending_at", end.isoformat()),
        ("bucket_width", "1h"),
        *groups("model"),
    ]
    starts, page, pages = [], None, 0
    while pages == 0 or page:
        document = steady.get("usage", *query, *([("page", page)] if page else []))
        starts += [bucket["starting_at"] for bucket in document["data"]]
        page, pages = document["next_page"], pages + 1
        assert document["has_more"] is (page is not None)
    assert pages == 3
    expected = [end - 72 * HOUR + n * HOUR for n in range(72)]
    assert starts == [moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in expected]


def test_page_token_holds_the_next_start(steady):
    """A token is `page_` and base64 of a text that begins with the next bucket's start."""
    token = steady.get("usage", *HOURLY, ("limit", 2))["next_page"]
    assert token.startswith("page_")
    text = base64.b64decode(token.removeprefix("page_")).decode()
    assert text.startswith("2026-11-24T02:00:00Z")


def test_page_token_is_bound_to_its_query(steady):
    """A token sent with other parameters is refused."""
    token = steady.get("usage", *HOURLY, ("limit", 2))["next_page"]
    steady.get("usage", *HOURLY, ("limit", 2), ("page", token))
    steady.refused("usage", *HOURLY, ("limit", 3), ("page", token))
    steady.refused("usage", *HOURLY, ("limit", 2), *groups("model"), ("page", token))


def test_empty_intervals_are_included(asker):
    """Hours before any usage are buckets with empty results."""
    buckets = asker(history_days=1).usage(NOON - 72 * HOUR, NOON)
    assert len(buckets) == 72
    assert buckets[0]["results"] == []
    assert buckets[-1]["results"] != []


def test_ungrouped_dimensions_are_null(steady):
    """Without group_by there is one row and every dimension of it is null."""
    (bucket,) = steady.usage(NOON - HOUR, NOON)
    (row,) = bucket["results"]
    names = ("account_id", "api_key_id", "context_window", "inference_geo", "model", "speed")
    names += ("service_account_id", "service_tier", "workspace_id")
    assert [row[name] for name in names] == [None] * 9
    assert row["output_tokens"] > 0


def test_default_workspace_and_console_are_null(steady):
    """The default workspace and usage without a key are null even when grouped by."""
    day = datetime(2026, 11, 23, tzinfo=UTC)
    (bucket,) = steady.usage(day, day + 24 * HOUR, "1d", ("workspace_id", "api_key_id"))
    pairs = {(row["workspace_id"], row["api_key_id"]) for row in bucket["results"]}
    assert (None, None) in pairs
    assert (None, "apikey_01ExpG7nTx2KvCq9BdWjMf5") in pairs
    assert "wrkspc_01DefAcme4Qw8RtYuPn2LkZ" not in {workspace for workspace, _ in pairs}


def test_console_usage_names_its_user(steady):
    """Usage without a key has an account_id when grouped by it."""
    start = datetime(2026, 11, 23, tzinfo=UTC)
    (bucket,) = steady.usage(start, start + 24 * HOUR, "1d", ("account_id", "api_key_id"))
    owners = {row["api_key_id"]: row["account_id"] for row in bucket["results"]}
    assert owners[None].startswith("user_")
    assert owners["apikey_01ChkQ8vLm2RtXw5NzYbKd3"] is None


FILTERED = [
    ("models", "model", "claude-haiku-4-5-20251001"),
    ("workspace_ids", "workspace_id", "wrkspc_01Rsch2MxTq6WpDzRu5YhBv"),
    ("api_key_ids", "api_key_id", "apikey_01SupT4hPn7WcVj9MqGxRf6"),
    ("service_tiers", "service_tier", "batch"),
    ("context_window", "context_window", "200k-1M"),
    ("inference_geos", "inference_geo", "us"),
    ("speeds", "speed", "fast"),
]


@pytest.mark.parametrize(("parameter", "dimension", "value"), FILTERED)
def test_filters(steady, parameter, dimension, value):
    """A filter leaves the rows of its value and changes nothing in them."""
    day = datetime(2026, 11, 23, tzinfo=UTC)
    dimensions = ("workspace_id", "model", "service_tier", dimension)
    group_by = tuple(dict.fromkeys(dimensions))
    (all_rows,) = steady.usage(day, day + 24 * HOUR, "1d", group_by)
    (some,) = steady.usage(day, day + 24 * HOUR, "1d", group_by, **{parameter: [value]})
    expected = [row for row in all_rows["results"] if row[dimension] == value]
    assert some["results"] == expected
    assert 0 < len(expected) < len(all_rows["results"])


def test_two_filter_values_are_an_or(steady):
    """Several values of one filter add up."""
    one = steady.usage(NOON - HOUR, NOON, inference_geos=["us"])
    two = steady.usage(NOON - HOUR, NOON, inference_geos=["not_available"])
    both = steady.usage(NOON - HOUR, NOON, inference_geos=["us", "not_available"])
    outputs = [q[0]["results"][0]["output_tokens"] for q in (one, two, both)]
    assert outputs[0] + outputs[1] == outputs[2]


def test_speed_needs_the_beta_header(steady):
    """Grouping or filtering by speed without the header is refused, and no row has it."""
    steady.refused("usage", START, *groups("speed"), headers=NO_BETA)
    steady.refused("usage", START, ("speeds[]", "fast"), headers=NO_BETA)
    page = steady.get("usage", *HOURLY, *groups("model"), headers=NO_BETA)
    assert all("speed" not in row for bucket in page["data"] for row in bucket["results"])


def test_speed_switches(asker):
    """The switch refuses speed in spite of the header, or allows it without."""
    refusing = asker(switches=Switches(speed=SpeedGrouping.REFUSED))
    assert "speed" in refusing.refused("usage", START, *groups("speed"))["message"]
    always = asker(switches=Switches(speed=SpeedGrouping.ALWAYS))
    always.get("usage", START, *groups("speed"), headers=NO_BETA)


def test_open_hour_is_partial_and_growing(asker):
    """By default the open hour is served and grows from minute to minute."""
    asking = asker()
    outputs = []
    for _ in range(5):
        *_, bucket = asking.usage(NOON + HOUR, NOON + 3 * HOUR)
        assert bucket["starting_at"] == "2026-11-24T14:00:00Z"
        outputs.append(bucket["results"][0]["output_tokens"])
        asking.clock.advance(timedelta(minutes=3))
    assert outputs == sorted(set(outputs))


def test_closed_hours_only(asker):
    """With the switch the open hour is absent at 1h, and still current at 1m."""
    asking = asker(switches=Switches(open_hour=OpenBucket.CLOSED_ONLY))
    hours = asking.usage(NOON + HOUR, NOON + 3 * HOUR)
    assert [bucket["starting_at"] for bucket in hours] == ["2026-11-24T13:00:00Z"]
    minutes = asking.usage(NOON + 2 * HOUR, NOON + 3 * HOUR, "1m")
    assert minutes[-1]["starting_at"] == "2026-11-24T14:23:00Z"
    assert any(bucket["results"] for bucket in minutes)


def test_open_day(asker):
    """The open day is absent at 1d by default; a switch serves it partially."""
    midnight = NOON.replace(hour=0)
    assert asker().usage(midnight, midnight + 24 * HOUR, "1d") == []
    partial = asker(switches=Switches(open_day=OpenBucket.PARTIAL))
    (bucket,) = partial.usage(midnight, midnight + 24 * HOUR, "1d")
    assert bucket["results"][0]["output_tokens"] > 0


def test_ending_at_is_exclusive_and_floored(steady):
    """A bucket is served only when it ends by ending_at; a sub-bucket range is empty."""
    assert len(steady.usage(NOON - 2 * HOUR, NOON - timedelta(seconds=1))) == 1
    assert steady.usage(NOON, NOON + timedelta(minutes=59)) == []
    assert steady.usage(NOON + 8 * HOUR, NOON + 9 * HOUR) == []


def test_reversed_range(steady):
    """An end before the start is refused with the message seen live."""
    error = steady.refused("usage", START, ("ending_at", "2026-11-23T00:00:00Z"))
    assert error["message"] == "Invalid date range: ending date must be after starting date"


def test_start_inside_a_bucket(asker):
    """A start inside a bucket takes the next bucket, or with the switch that very one."""
    start = NOON - timedelta(minutes=90)
    assert asker().usage(start, NOON)[0]["starting_at"] == "2026-11-24T11:00:00Z"
    floor = asker(switches=Switches(bucket_start=BucketStart.FLOOR))
    assert floor.usage(start, NOON)[0]["starting_at"] == "2026-11-24T10:00:00Z"


def test_result_cap(asker):
    """With a cap a page with too many rows is refused, and a smaller page is not."""
    asking = asker(switches=Switches(max_rows_per_page=20))
    query = (*HOURLY, *groups("model", "workspace_id"))
    assert "20" in asking.refused("usage", *query)["message"]
    asking.get("usage", *query, ("limit", 2))


def test_times_with_offset(steady):
    """RFC 3339 times with an offset mean the same instant."""
    utc = steady.get("usage", ("starting_at", "2026-11-24T10:00:00Z"), ("bucket_width", "1h"))
    east = steady.get("usage", ("starting_at", "2026-11-24T12:00:00+02:00"), ("bucket_width", "1h"))
    assert utc == east
