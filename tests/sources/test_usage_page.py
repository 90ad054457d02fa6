"""One page of the usage report: the documented shape, and everything that is not it."""

from __future__ import annotations

import copy
import json
import re
from datetime import UTC, datetime

import pytest

from claude_cost_exporter.errors import ParseError
from claude_cost_exporter.records import ATTRIBUTION, PROBE, Dimensions, Tokens, UsageRecord
from claude_cost_exporter.sources.anthropic_usage_page import Page, Slice, usage_records
from claude_cost_exporter.sources.pages import decode, unknown_fields

PATH = "/v1/organizations/usage_report/messages"
NINE = datetime(2026, 11, 3, 9, tzinfo=UTC)
ROW = {
    "account_id": "user_01Lm4Jq7Wx",
    "api_key_id": "apikey_01Zt8Hv3Rb",
    "cache_creation": {"ephemeral_1h_input_tokens": 70, "ephemeral_5m_input_tokens": 60},
    "cache_read_input_tokens": 50,
    "context_window": "0-200k",
    "inference_geo": "us",
    "model": "claude-haiku-4-5-20251001",
    "output_tokens": 40,
    "server_tool_use": {"web_search_requests": 3},
    "service_account_id": None,
    "service_tier": "batch",
    "uncached_input_tokens": 30,
    "workspace_id": "wrkspc_01Gd5Ns2Kp",
}
PAGE = {
    "data": [
        {"starting_at": "2026-11-03T08:00:00Z", "ending_at": "2026-11-03T09:00:00Z", "results": []},
        {
            "starting_at": "2026-11-03T09:00:00Z",
            "ending_at": "2026-11-03T10:00:00Z",
            "results": [ROW],
        },
    ],
    "has_more": True,
    "next_page": "page_MjAyNi0xMS0wM1QxMDowMDowMFo=",
}
TOKENS = Tokens(input=30, output=40, cache_read=50, cache_write_5m=60, cache_write_1h=70)


def records(document, query_set=PROBE, one=None):
    page = decode(json.dumps(document).encode(), Page, PATH)
    return list(usage_records(query_set, page.data, one))


def with_row(**changes):
    document = copy.deepcopy(PAGE)
    document["data"][1]["results"][0].update(changes)
    return document


def test_a_documented_page_gives_the_probes_record():
    """The probe's record has the price dimensions; who used it is not asked there."""
    dimensions = Dimensions(
        "claude-haiku-4-5-20251001",
        "batch",
        "0-200k",
        "us",
        "standard",
        workspace_id="",
        api_key_id="",
    )
    assert records(PAGE) == [UsageRecord(PROBE, NINE, dimensions, TOKENS, 3)]
    assert unknown_fields(json.dumps(PAGE).encode(), Page) == set()


def test_a_documented_page_gives_the_attributions_record():
    """The attribution's record has workspace and key, and two dimensions from its filters."""
    dimensions = Dimensions(
        *("claude-haiku-4-5-20251001", "batch", "200k-1M", "us", "fast"),
        workspace_id="wrkspc_01Gd5Ns2Kp",
        api_key_id="apikey_01Zt8Hv3Rb",
    )
    found = records(PAGE, ATTRIBUTION, Slice("200k-1M", "fast"))
    assert found == [UsageRecord(ATTRIBUTION, NINE, dimensions, TOKENS, 3)]


def test_t13_null_workspace_and_key_have_stable_labels():
    """T13: the default workspace and usage without a key are named, never empty."""
    document = with_row(workspace_id=None, api_key_id=None)
    (found,) = records(document, ATTRIBUTION, Slice("0-200k", "standard"))
    assert (found.dimensions.workspace_id, found.dimensions.api_key_id) == ("default", "none")


def test_dimensions_that_are_null_have_their_usual_value():
    """A null dimension of the probe is the usual one; it is never an empty label."""
    names = ("model", "service_tier", "context_window", "inference_geo", "speed")
    (found,) = records(with_row(**dict.fromkeys(names)))
    assert found.dimensions[:5] == ("none", "standard", "", "not_available", "standard")


@pytest.mark.parametrize("speed", ["standard", "fast", "turbo"])
def test_speed_is_read_when_it_is_there(speed):
    """The field appears with the beta header only; a new value of it is kept as it is."""
    (found,) = records(with_row(speed=speed))
    assert found.dimensions.speed == speed


def test_t3_rows_that_differ_in_one_dimension_stay_apart():
    """T3: rows that differ only in tier, window, place or speed do not overwrite each other."""
    document = copy.deepcopy(PAGE)
    rows = document["data"][1]["results"]
    for change in (
        {"service_tier": "standard"},
        {"context_window": "200k-1M"},
        {"inference_geo": "global"},
        {"speed": "fast"},
        {"model": "claude-sonnet-4-5"},
    ):
        rows.append({**ROW, **change})
    found = records(document)
    assert len({record.dimensions for record in found}) == 6
    assert all(record.tokens == TOKENS for record in found)


def test_rows_that_come_to_be_the_same_are_added():
    """Two rows of one hour that have the same dimensions after cleaning are one record."""
    document = copy.deepcopy(PAGE)
    document["data"][1]["results"].append({**ROW, "model": ROW["model"] + "\x1b"})
    (found,) = records(document)
    assert found.tokens == tuple(2 * count for count in TOKENS)
    assert found.web_searches == 6


COUNTS = (
    "uncached_input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation.ephemeral_5m_input_tokens",
    "cache_creation.ephemeral_1h_input_tokens",
    "server_tool_use.web_search_requests",
)
BAD = {
    "negative": (-1, ">= 0"),
    "a bool": (True, "got `bool`"),
    "a fraction": (1.5, "got `float`"),
    "a float": (2.0, "got `float`"),
    "text": ("12", "got `str`"),
    "null": (None, "got `null`"),
    "a list": ([1], "got `array`"),
    "absurdly large": (10**13, "<= 1000000000"),
    "beyond 64 bits": (2**70, "<= 1000000000"),
}


@pytest.mark.parametrize(("value", "why"), BAD.values(), ids=list(BAD))
@pytest.mark.parametrize("field", COUNTS)
def test_a_bad_count_rejects_the_page_with_its_path(field, value, why):
    """A count that is no plausible whole number is a parse error with the JSON path."""
    outer, _, inner = field.rpartition(".")
    document = with_row(**({outer: {**ROW[outer], inner: value}} if outer else {inner: value}))
    with pytest.raises(ParseError, match=re.escape(f"`$.data[1].results[0].{field}`")) as caught:
        records(document)
    assert why in str(caught.value)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_a_number_that_is_none_rejects_the_page(number):
    """NaN and infinities are not JSON, and numbers out of range are no counts."""
    body = json.dumps(PAGE).replace('"output_tokens": 40', f'"output_tokens": {number}')
    with pytest.raises(ParseError, match=PATH):
        decode(body.encode(), Page, PATH)


@pytest.mark.parametrize("field", [*COUNTS, "cache_creation", "server_tool_use"])
def test_t12_a_missing_count_is_not_taken_for_zero(field):
    """T12: every token type is there or the page is rejected; a renamed field is not a 0."""
    document = copy.deepcopy(PAGE)
    row = document["data"][1]["results"][0]
    outer, _, inner = field.rpartition(".")
    del (row[outer] if outer else row)[inner]
    with pytest.raises(ParseError, match=f"missing required field `{inner}`"):
        records(document)


@pytest.mark.parametrize("field", ["starting_at", "ending_at", "results"])
def test_a_missing_field_of_a_bucket_is_named(field):
    """A bucket without its times or rows is no bucket."""
    document = copy.deepcopy(PAGE)
    del document["data"][0][field]
    with pytest.raises(ParseError, match=re.escape(f"`{field}` - at `$.data[0]`")):
        records(document)


@pytest.mark.parametrize(
    "time", ["2026-11-03T09:00:00", "2026-11-03", "9 o'clock", 1793523600, None]
)
def test_a_time_without_a_zone_is_no_time(time):
    """A bucket's start must be an instant; local time of this machine is never guessed."""
    document = copy.deepcopy(PAGE)
    document["data"][1]["starting_at"] = time
    with pytest.raises(ParseError, match=re.escape("`$.data[1].starting_at`")):
        records(document)


@pytest.mark.parametrize("field", ["model", "workspace_id", "api_key_id", "service_tier", "speed"])
def test_a_dimension_of_another_type_is_named(field):
    """A dimension is text or null."""
    with pytest.raises(ParseError, match=re.escape(f"`$.data[1].results[0].{field}`")):
        records(with_row(**{field: 5}))


def test_t14_hostile_dimensions_are_bounded_and_clean():
    """T14: escape codes are gone, long ids are cut, and two long ids stay two."""
    document = copy.deepcopy(PAGE)
    rows = document["data"][1]["results"]
    rows[0]["model"] = "\x1b[31mred\u202e\n"
    rows.append({**ROW, "model": "y" * 10_000 + "1"})
    rows.append({**ROW, "model": "y" * 10_000 + "2"})
    models = [record.dimensions.model for record in records(document)]
    assert len(set(models)) == 3
    assert all(model.isprintable() and len(model) <= 200 for model in models)
