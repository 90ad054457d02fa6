"""When a source is read again, and how far back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.records import Window
from claude_cost_exporter.sources.anthropic_entities import AnthropicEntities
from claude_cost_exporter.sources.anthropic_usage import AnthropicUsage
from claude_cost_exporter.sources.base import Notes
from claude_cost_exporter.sources.schedule import Schedule, next_beat

MONTH = timedelta(days=31)


def usage():
    return Schedule(AnthropicUsage.cadences)


def test_everything_is_due_at_first():
    """A process that has read nothing yet reads the longest stretch."""
    assert usage().back(0.0) == MONTH


def test_each_poll_reads_three_hours_each_hour_two_days_each_day_a_month():
    """Over two days of polls every minute, each stretch is read as often as it should be."""
    schedule, read = usage(), []
    for minute in range(2 * 24 * 60):
        back = schedule.back(minute * 60.0)
        schedule.done(minute * 60.0, back)
        read.append(back)
    assert {back: read.count(back) for back in set(read)} == {
        3 * HOUR: 2 * 24 * 60 - 48,
        48 * HOUR: 46,
        MONTH: 2,
    }


def test_a_longer_read_serves_the_shorter_ones():
    """What a month holds need not be read again as the last two days."""
    schedule = usage()
    schedule.done(0.0, MONTH)
    assert schedule.back(60.0) == 3 * HOUR


def test_a_failed_long_read_does_not_keep_the_short_one_from_going_through():
    """After a failure the next poll reads three hours; the rest is tried again in five minutes."""
    schedule = usage()
    schedule.failed(0.0, "no")
    assert schedule.back(60.0) == 3 * HOUR
    schedule.done(60.0, 3 * HOUR)
    assert set(schedule.notes()) == {
        "the last 48 h could not be read again: no",
        "the last 744 h could not be read again: no",
    }
    assert schedule.back(300.0) == MONTH
    schedule.done(300.0, MONTH)
    assert schedule.notes() == ()


def test_names_are_read_each_hour_and_soon_after_a_failure():
    """Entities are due once an hour; after a failure they wait five minutes."""
    schedule = Schedule(AnthropicEntities.cadences)
    schedule.done(0.0, schedule.back(0.0))
    assert schedule.back(3599.0) is None
    assert schedule.back(3600.0) == timedelta(0)
    schedule.failed(3600.0, "no")
    assert schedule.back(3660.0) is None
    assert schedule.back(3900.0) == timedelta(0)


def test_notes_are_one_for_each_topic_and_logged_once():
    """A newer sentence replaces the older one of its topic; only the first is logged."""
    notes = Notes("usage")
    with capture_logs() as logged:
        notes.add("a", "first")
        notes.add("a", "second")
        notes.add("b", "third")
    assert notes.sentences() == ("second", "third")
    assert [line["event"] for line in logged] == ["first", "third"]


@pytest.mark.parametrize(
    ("now", "then"),
    [(100.0, 160.0), (159.9, 160.0), (160.0, 220.0), (1000.0, 1060.0), (40.0, 160.0)],
)
def test_a_slow_poll_does_not_move_those_that_follow(now, then):
    """Polls keep the rhythm of the first one, whatever was missed in between."""
    assert next_beat(100.0, 60.0, now) == then


def test_empty_bills_are_noted_until_their_days_have_lines():
    """A later read of some of the days says nothing about the others."""
    schedule, first = usage(), datetime(2026, 11, 1, tzinfo=UTC)
    days = [first.date() + DAY * index for index in range(4)]

    def read(start, *silent):
        schedule.silent(Window(first + start * DAY, first + 4 * DAY), silent)
        return schedule.notes()

    assert read(0, days[0], days[2], days[3])[0] == (
        "the bill is empty for days with usage: 3 from 2026-11-01 to 2026-11-04, whose spend stays "
        "as it was"
    )
    assert "2 from 2026-11-01 to 2026-11-04" in read(1, days[3])[0]
    assert "1 from 2026-11-01 to 2026-11-01" in read(1)[0]
    assert read(0) == ()
