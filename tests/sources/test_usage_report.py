"""Reading windows of the usage report: complete, or an error; never something in between."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from claude_cost_exporter.errors import BadRequestError, BodyTooLargeError, ParseError
from claude_cost_exporter.records import ATTRIBUTION, PROBE
from tests.support.api import answer
from tests.support.reading import HOURLY, ONE, WINDOW
from tests.support.report import hour, usage

LIMIT = "Too many results. Lower the limit."


def test_the_probe_asks_for_prices_and_the_attribution_for_names(reading):
    """Five dimensions each: the probe groups by two that the attribution filters by."""
    one = reading(*HOURLY)
    one.fetch()
    probe, attribution = one.bench.api.queries()
    shared = [
        ("starting_at", "2026-11-03T07:00:00Z"),
        ("ending_at", "2026-11-03T11:00:00Z"),
        ("bucket_width", "1h"),
    ]
    prices = ("model", "service_tier", "context_window", "inference_geo", "speed")
    names = ("workspace_id", "api_key_id", "model", "service_tier", "inference_geo")
    assert probe == [*shared, *(("group_by[]", name) for name in prices), ("limit", "4")]
    filters = [("context_window[]", "0-200k"), ("speeds[]", "standard")]
    groups = [("group_by[]", name) for name in names]
    assert attribution == [*shared, *groups, *filters, ("limit", "4")]
    assert {r.headers["anthropic-beta"] for r in one.bench.api.requests} == {"fast-mode-2026-02-01"}


def test_g8_no_query_has_more_than_five_dimensions(reading):
    """G8: nor do the queries without speed, which drop it and take no other one instead."""
    one = reading(*HOURLY, usage(hour(9, 5), ONE, speed="fast"))
    one.fetch()
    one.report.refuse = no_speed
    one.fetch()
    grouped = [
        [value for name, value in query if name == "group_by[]"]
        for query in one.bench.api.queries()
    ]
    assert len(grouped) > 4
    assert {len(set(names)) for names in grouped} == {4, 5}


def test_every_slice_that_the_probe_saw_is_asked_for(reading):
    """Each combination of window and speed is one attribution query, and no other is sent."""
    one = reading(
        usage(hour(8), ONE),
        usage(hour(8), ONE, speed="fast"),
        usage(hour(9), ONE, context_window="200k-1M", workspace_id="wrkspc_b"),
    )
    records = one.fetch()
    asked = {(q.get("context_window[]"), q.get("speeds[]")) for q in one.queries()[1:]}
    assert asked == {("0-200k", "standard"), ("0-200k", "fast"), ("200k-1M", "standard")}
    by_role = {PROBE: 0, ATTRIBUTION: 0}
    for record in records:
        by_role[record.role] += record.tokens.total
    assert by_role == {PROBE: 750, ATTRIBUTION: 750}


def test_without_usage_nobody_is_asked_for(reading):
    """An empty window takes one request and yields no rows."""
    one = reading()
    assert one.fetch() == []
    assert len(one.queries()) == 1


def test_history_reads_are_marked(reading):
    """A read of history does not use the budget."""
    one = reading(*HOURLY)
    one.fetch(history=True)
    assert one.bench.limiter.per_minute() == 0
    one.fetch()
    assert one.bench.limiter.per_minute() > 0


# --- pages


def test_t8_pages_are_put_together(reading):
    """T8: a window of many pages is the same as a window of one."""
    one = reading(*HOURLY)
    whole = one.fetch()
    one.report.most_buckets = 1
    assert one.fetch() == whole
    assert len(one.queries()) == 2 + 8


def test_t8_a_result_cap_makes_pages_smaller_and_stays_so(reading):
    """T8: a cap on results halves the pages until they fit; the next read begins with that."""
    one = reading(*HOURLY)
    one.report.refuse = lambda request: LIMIT if int(request.url.params["limit"]) > 1 else None
    assert one.tokens(ATTRIBUTION) == 1000
    limits = [query["limit"] for query in one.queries()]
    assert limits[:4] == ["4", "1", "2", "1"]  # 4 is too much; 1 shows that size is why; 2; 1
    assert set(limits[4:]) == {"1"}
    before = len(limits)
    one.fetch()
    assert {query["limit"] for query in one.queries()[before:]} == {"1"}
    assert one.source.notes()[0].startswith("pages of 2 buckets were too large: ")


PLAIN = (
    "Invalid date range: ending date must be after starting date",
    "Cannot specify more than 5 group_by[] dimensions.",
    "starting_at: results are not available for this range",
    "limit: Extra inputs are not permitted",
)


@pytest.mark.parametrize("message", PLAIN)
def test_t8_another_refusal_is_not_a_result_cap(reading, message):
    """T8: a 400 about anything else is raised as it is, and leaves the pages as they are."""
    one = reading(*HOURLY)
    one.report.refuse = lambda request: message
    with pytest.raises(BadRequestError) as caught:
        one.fetch()
    assert message in str(caught.value)
    assert len(one.queries()) <= 4  # with speed and without, each with one bucket to make sure
    one.report.refuse = lambda request: None
    one.fetch()
    assert one.queries()[-1]["limit"] == "4"


def test_a_body_that_is_too_large_makes_pages_smaller(reading):
    """Pages are halved until a body is within the limit."""
    one = reading(*HOURLY, max_body_bytes=1_300)
    assert one.tokens(PROBE) == 1000
    assert {query["limit"] for query in one.queries()} == {"4", "2"}


def test_an_endless_body_is_an_error_and_teaches_nothing(reading):
    """When one bucket alone is too large it is an error, and pages do not stay small."""
    one = reading(*HOURLY, max_body_bytes=100)
    with pytest.raises(BodyTooLargeError, match="longer than 100 bytes"):
        one.fetch()
    assert [query["limit"] for query in one.queries()] == ["4", "2", "1"]
    one.bench.client._max_body = 10_000
    one.fetch()
    assert one.queries()[-1]["limit"] == "4"


def test_nothing_comes_of_a_read_that_fails_on_its_last_page(reading):
    """When the last page is bad, no record of the pages before it is handed out."""
    one = reading(*HOURLY)
    one.report.most_buckets = 1

    def spoil(document):
        if document["data"][0]["starting_at"].startswith("2026-11-03T10"):
            document["data"][0]["results"][0]["output_tokens"] = -1
        return document

    one.report.edit = spoil
    got = []
    with pytest.raises(ParseError, match=r"\$\.data\[0\]\.results\[0\]\.output_tokens"):
        got.extend(one.source.fetch(WINDOW))
    assert got == []


# --- speed


def no_speed(request):
    asked = [value for name, value in request.url.params.multi_items() if name == "group_by[]"]
    return "group_by[]: 'speed' is not available" if "speed" in asked else None


def test_a_refused_speed_is_dropped_said_once_and_named(reading):
    """Refused twice, and not without it: speed is dropped, and the query sets have a new name."""
    one = reading(*HOURLY)
    one.report.refuse = no_speed
    records = one.fetch()
    assert {record.query_set for record in records} == {"probe/nospeed", "attribution/nospeed"}
    assert {record.role for record in records} == {PROBE, ATTRIBUTION}
    before = len(one.queries())
    with capture_logs() as logged:
        one.fetch()
    assert len(one.queries()) - before == 2
    assert logged == []
    (note,) = one.source.notes()
    assert note.startswith("grouping by speed was refused; fast-mode usage is priced as standard")


def test_a_beta_that_has_ended_is_not_asked_for_again(reading):
    """When the beta header itself is refused, queries without speed do not carry it."""
    one = reading(*HOURLY)
    ended = "Unexpected value(s) for the anthropic-beta header"
    one.report.refuse = lambda request: ended if "anthropic-beta" in request.headers else None
    assert one.tokens(ATTRIBUTION) == 1000


def test_one_strange_400_does_not_drop_speed(reading):
    """A refusal that does not repeat is not about speed: the exact answer is used."""
    one = reading(*HOURLY)
    strange = iter(["Something else."])
    one.report.refuse = lambda request: next(strange, None)
    assert {record.query_set for record in one.fetch()} == {PROBE, ATTRIBUTION}
    assert one.source.notes() == ()


# --- slices


def slices(one):
    return [(q.get("context_window[]"), q.get("speeds[]")) for q in one.queries()[1:]]


def test_null_windows_are_not_filtered_by(reading):
    """When no row has a context_window, there is nothing to filter by, and nothing is lost."""
    one = reading(usage(hour(8), ONE, context_window=None))
    assert one.tokens(ATTRIBUTION) == 250
    assert slices(one) == [(None, "standard")]


def test_null_windows_with_two_speeds_are_told_apart_by_speed(reading):
    """One dimension without values leaves the other one to tell slices apart."""
    one = reading(
        usage(hour(8), ONE, context_window=None),
        usage(hour(8), ONE, context_window=None, speed="fast"),
    )
    assert one.tokens(ATTRIBUTION) == 500
    assert sorted(slices(one)) == [(None, "fast"), (None, "standard")]


def test_a_slice_that_cannot_be_told_apart_is_left_out_and_said(reading):
    """Rows with null beside rows with a value are in the totals only, and never count twice."""
    one = reading(usage(hour(8), ONE), usage(hour(8), ONE, context_window=None))
    records = one.fetch()
    assert sum(r.tokens.total for r in records if r.role == PROBE) == 500
    assert sum(r.tokens.total for r in records if r.role == ATTRIBUTION) == 250
    assert one.source.notes()[0].startswith("some rows have no context_window or speed")


# --- unknown fields


def test_unknown_fields_are_tolerated_and_counted_once(reading):
    """A new field anywhere is counted and logged once, however many pages have it."""
    one = reading(*HOURLY)

    def extend(document):
        document["as_of"] = "now"
        for bucket in document["data"]:
            for found in bucket["results"]:
                found["color"] = "blue"
                found["cache_creation"]["ephemeral_24h_input_tokens"] = 5
        return document

    one.report.edit = extend
    with capture_logs() as logged:
        assert one.tokens(PROBE) == one.tokens(PROBE) == 1000
    fields = ["as_of", "data[].results[].cache_creation.ephemeral_24h_input_tokens"]
    fields.append("data[].results[].color")
    assert sorted(one.bench.observed.fields) == [("usage", field) for field in fields]
    assert sorted(line["field"] for line in logged) == fields


def test_t14_a_flood_of_unknown_fields_is_bounded(reading):
    """T14: field names from outside are cut and cleaned, and so many are counted and no more."""
    one = reading(*HOURLY)
    flood = {f"\x1b[31m{n}" + "z" * 1000: n for n in range(10_000)}
    one.report.edit = lambda document: document | flood
    one.fetch()
    assert len(one.bench.observed.fields) == 50
    assert all(len(name) <= 200 and name.isprintable() for _, name in one.bench.observed.fields)


def test_an_endless_dimension_is_an_error(reading):
    """A context_window that fits into no URL is refused when it is asked for."""
    one = reading(usage(hour(8), ONE, context_window="w" * 100_000))
    with pytest.raises(BadRequestError, match="cannot be asked"):
        one.fetch()


def test_html_instead_of_a_report_is_a_parse_error(reading):
    """A 200 that holds a web page is no report."""
    one = reading()
    one.bench.api.script.clear()
    one.bench.api.will(answer(200, b"<html>hello</html>", content_type="text/html"))
    with pytest.raises(ParseError, match="a body that starts with '<html>hello</html>'"):
        one.fetch()
