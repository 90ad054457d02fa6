"""The buckets of the usage report: none may be missing, and an open hour is read by the minute."""

from __future__ import annotations

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from claude_cost_exporter.errors import ParseError
from claude_cost_exporter.records import PROBE, Window
from tests.support.reading import HOURLY, ONE
from tests.support.report import hour, usage


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
