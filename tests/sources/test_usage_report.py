"""Reading windows of the usage report: complete, or an error; never something in between."""

from __future__ import annotations

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from claude_cost_exporter.errors import BadRequestError, BodyTooLargeError, ParseError
from claude_cost_exporter.records import ATTRIBUTION, PROBE, Window
from claude_cost_exporter.sources.anthropic_usage import AnthropicUsage
from tests.support.api import Bench, answer
from tests.support.report import Report, hour, usage

WINDOW = Window(hour(7), hour(11))  # the open hour is 10:00 to 11:00, now is 10:30:20
ONE = (30, 40, 50, 60, 70, 3)
HOURLY = [usage(hour(n, 5), ONE) for n in (7, 8, 9, 10)]
LIMIT = "Too many results. Lower the limit."


class Reading:
    """A usage source on a report of given rows."""

    def __init__(self, *used, **options) -> None:
        self.bench = Bench(**options)
        self.report = Report(*used)
        self.bench.api.will(self.report)
        self.source = AnthropicUsage(self.bench.client, self.bench.clock, self.bench.observed)

    def fetch(self, window=WINDOW, **options):
        return list(self.source.fetch(window, **options))

    def tokens(self, role, window=WINDOW):
        return sum(record.tokens.total for record in self.fetch(window) if record.role == role)

    def queries(self):
        return [dict(query) for query in self.bench.api.queries()]

    def close(self):
        self.bench.client.close()


@pytest.fixture
def reading():
    """Make readings, and close their clients in the end."""
    made = []

    def make(*used, **options):
        made.append(Reading(*used, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


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


# --- buckets


@pytest.mark.parametrize("missing", [7, 8, 9])
def test_a_missing_closed_hour_is_an_error(reading, missing):
    """A closed hour without a bucket is not an hour without usage."""
    one = reading(*HOURLY)
    one.report.serves = lambda width, start: start != hour(missing)
    with pytest.raises(ParseError) as caught:
        one.fetch()
    assert str(caught.value) == (
        f"/v1/organizations/usage_report/messages: the bucket of 2026-11-03T{missing:02}:00:00Z is "
        "missing from the answer for 2026-11-03T07:00:00Z to 2026-11-03T11:00:00Z, and so are 0 "
        "others"
    )


def test_a_missing_bucket_at_the_end_of_history_is_an_error(reading):
    """Only an hour that is open, or has just closed, may be missing."""
    one = reading(*HOURLY)
    one.report.serves = lambda width, start: start != hour(8)
    with pytest.raises(ParseError, match="the bucket of 2026-11-03T08:00:00Z is missing"):
        one.fetch(Window(hour(5), hour(9)))


def closed_only(width, start):
    return width == "1m" or start != hour(10)


def test_an_open_hour_that_is_not_served_is_summed_from_minutes(reading):
    """Its minutes come to the same record that the hour would have been."""
    minutes = [usage(hour(10, n), (n, 1, 0, 0, 0, 0)) for n in (0, 1, 17, 29)]
    whole, parts = reading(*minutes), reading(*minutes)
    parts.report.serves = closed_only
    assert parts.fetch() == whole.fetch()
    minute = parts.queries()[1]
    assert (minute["bucket_width"], minute["ending_at"]) == ("1m", "2026-11-03T10:30:00Z")
    assert parts.source.notes() == ("the open hour is not served at 1h; it is read at 1m",)


@pytest.mark.parametrize("minute", [0, 4, 56, 59])
def test_one_absence_at_the_edge_of_an_hour_says_nothing(reading, minute):
    """Where the two clocks may disagree about the hour, its absence is read, but not noted."""
    one = reading(*HOURLY, now=hour(10, minute))
    one.report.serves = closed_only
    assert one.tokens(PROBE) >= 750
    assert one.source.notes() == ()


def test_an_open_hour_that_is_served_later_ends_the_note(reading):
    """What is said of the open hour is what was seen last, and is logged when it changes."""
    one = reading(*HOURLY)
    one.report.serves = closed_only
    with capture_logs() as logs:
        one.fetch()
        one.fetch()
    assert len(logs) == len(one.source.notes()) == 1
    one.report.serves = lambda width, start: True
    one.fetch(Window(hour(5), hour(8)))  # says nothing about an open hour
    assert len(one.source.notes()) == 1
    one.fetch()
    assert one.source.notes() == ()


def test_an_hour_that_closes_during_the_poll_is_read_by_the_minute(reading):
    """When the hour ends between two requests, it is still complete, not an error."""
    one = reading(usage(hour(10, 59), ONE))
    one.bench.clock.advance(timedelta(minutes=29, seconds=39))  # one second before 11:00
    one.report.serves = closed_only
    one.bench.api.before = lambda: one.bench.clock.advance(timedelta(seconds=2))
    assert one.tokens(PROBE) == 250
    assert one.queries()[1]["ending_at"] == "2026-11-03T11:00:00Z"


def test_at_the_very_start_of_an_hour_there_are_no_minutes(reading):
    """In its first minute an open hour that is not served is empty, and nothing is asked."""
    one = reading(*HOURLY[:3], now=hour(10))
    one.report.serves = closed_only
    assert one.tokens(PROBE) == 750
    assert "1m" not in {query["bucket_width"] for query in one.queries()}


def test_minutes_that_are_not_served_yet_come_later(reading):
    """The newest minutes may be missing; the hour is then smaller, and grows."""
    one = reading(usage(hour(10, 3), ONE))
    one.report.serves = lambda width, start: start < (hour(10) if width == "1h" else hour(10, 25))
    assert one.tokens(PROBE) == 250


def test_a_hole_between_minutes_is_an_error(reading):
    """A minute that is missing before one that is there would be lost usage."""
    one = reading(usage(hour(10, 3), ONE))
    one.report.serves = lambda width, start: closed_only(width, start) and start != hour(10, 3)
    with pytest.raises(ParseError, match="the bucket of 2026-11-03T10:03:00Z is missing"):
        one.fetch()


def change(**fields):
    """Return an edit of the second bucket of a document."""

    def edit(document):
        document["data"][1].update(fields)
        return document

    return edit


WRONG = {
    "twice": (
        change(starting_at="2026-11-03T07:00:00Z", ending_at="2026-11-03T08:00:00Z"),
        r"\$\.data\[1\]\.starting_at is 2026-11-03T07:00:00Z, twice or outside",
    ),
    "twice in another zone": (
        change(starting_at="2026-11-03T09:00:00+02:00", ending_at="2026-11-03T10:00:00+02:00"),
        "twice or outside 2026-11-03T07:00:00Z to 2026-11-03T11:00:00Z",
    ),
    "before": (
        change(starting_at="2026-11-02T08:00:00Z"),
        "2026-11-02T08:00:00Z, twice or outside",
    ),
    "after": (change(starting_at="2026-11-03T11:00:00Z"), "twice or outside"),
    "year one": (change(starting_at="0001-01-01T00:00:00+14:00"), "twice or outside"),
    "half an hour": (
        change(starting_at="2026-11-03T08:30:00Z", ending_at="2026-11-03T09:00:00Z"),
        "is from 2026-11-03T08:30:00Z to 2026-11-03T09:00:00Z, not a bucket of 1h",
    ),
    "two hours": (change(ending_at="2026-11-03T10:00:00Z"), "not a bucket of 1h"),
    "no time": (change(ending_at="2026-11-03T08:00:00Z"), "not a bucket of 1h"),
}


@pytest.mark.parametrize(("edit", "why"), WRONG.values(), ids=list(WRONG))
def test_a_bucket_that_was_not_asked_for_is_an_error(reading, edit, why):
    """A bucket of another time or width would count in a wrong hour, or twice."""
    one = reading(*HOURLY)
    one.report.edit = edit
    with pytest.raises(ParseError, match=why):
        one.fetch()


def test_a_bucket_in_another_zone_is_the_same_instant(reading):
    """A start with an offset is taken for what it is."""
    one = reading(*HOURLY)
    one.report.edit = change(
        starting_at="2026-11-03T09:00:00+01:00", ending_at="2026-11-03T10:00:00+01:00"
    )
    assert one.tokens(PROBE) == 1000


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
