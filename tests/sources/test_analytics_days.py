"""analytics/cost, day by day: how many at once, which are complete, and how far back they go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from claude_cost_exporter.records import Window
from tests.support.bill import PRICE, AnalyticsCost, day, fetch, row, text


def test_a_call_covers_at_most_31_days(analytics):
    """A longer window is read in ranges that join, each of 31 days or less."""
    fetch(analytics, -70, 2)
    ranges = [(dict(q)["starting_at"], dict(q)["ending_at"]) for q in analytics.api.queries()]
    bounds = [tuple(map(datetime.fromisoformat, one)) for one in ranges[:3]]
    assert all(end - start <= timedelta(days=31) for start, end in bounds)
    assert bounds[0][0] == day(-70)
    assert bounds[-1][1] == day(2)
    assert [end for _, end in bounds[:-1]] == [start for start, _ in bounds[1:]]
    assert len(ranges) == 9


def test_a_day_without_rows_is_complete(analytics):
    """Nothing is listed where there is nothing: an empty answer is no hole."""
    assert fetch(analytics, -2, 3) == (Window(day(-2), day(3)), [])


@pytest.mark.parametrize(
    ("refreshed", "complete"),
    [
        (day(3), 3),
        (day(3) - timedelta(seconds=1), 2),
        (day(2) + timedelta(hours=5), 2),
        (day(2), 2),
        (day(1) - timedelta(days=9), 1),
        (None, 3),
    ],
)
def test_days_that_are_not_refreshed_to_their_end_wait(analytics, refreshed, complete):
    """A day counts as read once the data reach its end; later rows are left for later."""
    rows = [row(number, **PRICE) for number in (1, 2)]
    analytics.report = AnalyticsCost(price=rows, refreshed=refreshed)
    read, records = fetch(analytics, 1, 3)
    assert read == Window(day(1), day(complete))
    assert [record.day.day for record in records] == list(range(1, complete))
    waits = any("wait until they are complete" in note for note in analytics.source.notes())
    assert waits == (complete < 3)


def test_the_oldest_refresh_of_all_pages_decides(analytics):
    """When data are refreshed between two queries, the older state tells what is complete."""
    stamps = iter([day(3), day(2) + timedelta(hours=1), day(3)])
    analytics.report = AnalyticsCost(price=[row(1, **PRICE), row(2, **PRICE)])
    analytics.report.edit = lambda document: document | {"data_refreshed_at": text(next(stamps))}
    read, records = fetch(analytics, 1, 3)
    assert read.end == day(2)
    assert [record.day.day for record in records] == [1]


def test_history_is_cut_where_the_api_ends(analytics):
    """Nothing before 2026 and nothing older than 365 days is asked for, and the source says so."""
    source, new_year = analytics.source, datetime(2026, 1, 1, tzinfo=UTC)
    assert source.history_from(day(-20)) == day(-20)
    assert len(source.notes()) == 0
    assert source.history_from(datetime(2025, 6, 1, tzinfo=UTC)) == new_year
    assert "nothing before 2026-01-01" in source.notes()[0]
    assert fetch(analytics, -400, -200)[0].start == new_year
    assert dict(analytics.api.queries()[0])["starting_at"] == "2026-01-01T00:00:00Z"
    analytics.clock.advance(timedelta(days=100))
    oldest = source.history_from(datetime(2025, 6, 1, tzinfo=UTC))
    assert oldest == analytics.clock.now().replace(hour=0, minute=0, second=0) - timedelta(days=364)


def test_history_before_the_api_is_no_request(analytics):
    """A window that lies wholly before what is served is read as no time at all."""
    read, records = fetch(analytics, -700, -600)
    assert (read.start, records) == (read.end, [])
    assert analytics.api.requests == []
