"""Budgets: elapsed shares, allowances and the day on which the money is gone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_cost_exporter.calendars import Stretch, WorkingDays, locate, midnight, stretch
from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.plans import Budget
from claude_cost_exporter.views.budgeting import (
    course,
    current_period,
    days_that_count,
    exhaustion,
    progress,
)

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [BERLIN, UTC, ZoneInfo("America/New_York"), ZoneInfo("Pacific/Kiritimati")]
OFFICE = WorkingDays(BERLIN, frozenset(range(5)), frozenset({date(2026, 12, 25)}))
NOVEMBER = stretch(date(2026, 11, 1), date(2026, 12, 1), UTC)
AMOUNTS = st.lists(st.floats(0, 1e12), min_size=30, max_size=30)
NOW = st.datetimes(datetime(2026, 11, 1), datetime(2026, 11, 30, 23, 59), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


def by_day(amounts):
    return {date(2026, 11, 1 + n): amount for n, amount in enumerate(amounts)}


def budget(period):
    return Budget("b", 100, period, "all", "all", {}, WorkingDays(BERLIN))


@pytest.mark.parametrize(
    ("period", "first", "end"),
    [
        ("day", "2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00"),
        ("week", "2026-10-19T00:00+02:00", "2026-10-26T00:00+01:00"),
        ("month", "2026-10-01T00:00+02:00", "2026-11-01T00:00+01:00"),
    ],
)
def test_periods_are_local(period, first, end):
    """A period begins and ends at local midnights, also around a clock change."""
    now = datetime.fromisoformat("2026-10-25T23:30+01:00")

    found = current_period(budget(period), now, BERLIN)

    assert found == (datetime.fromisoformat(first), datetime.fromisoformat(end))


def test_a_week_begins_when_configured():
    """On a Sunday a week that begins on Sundays is new."""
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)

    found = current_period(budget("week"), now, UTC, week_start=6)

    assert found == stretch(date(2026, 11, 22), date(2026, 11, 29), UTC)


@pytest.mark.parametrize(
    ("now", "gone"),
    [
        ("2026-12-01T00:00+01:00", 0),
        ("2026-12-01T12:00+01:00", 0.5),
        ("2026-12-05T00:00+01:00", 4),
        ("2026-12-06T23:00+01:00", 4),
        ("2026-12-25T18:00+01:00", 18),
        ("2027-01-01T00:00+01:00", 22),
    ],
)
def test_elapsed_counts_working_days(now, gone):
    """Weekends and holidays are no progress; the working days of December 2026 are 22."""
    december = stretch(date(2026, 12, 1), date(2027, 1, 1), BERLIN)

    found = progress(2200, 1100, OFFICE, december, datetime.fromisoformat(now))

    assert found.elapsed_ratio == gone / 22
    assert found.daily_allowance == 100
    assert found.used_ratio == 0.5
    assert found.pace_ratio == (pytest.approx(11 / gone) if gone else None)


def test_a_day_off_is_a_day_all_the_same():
    """A daily budget on a Saturday has no working day, so that the whole day counts."""
    saturday = stretch(date(2026, 11, 21), date(2026, 11, 22), BERLIN)

    days = days_that_count(OFFICE, saturday, BERLIN)
    found = progress(100, 30, days, saturday, saturday.start + 6 * HOUR)

    assert (found.elapsed_ratio, found.daily_allowance) == (0.25, 100)


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.sampled_from(ZONES))
def test_a_day_s_allowance_is_never_more_than_its_limit(day, zone):
    """Hours of a working day elsewhere, before or after a day off, are not what it is spent in."""
    period = stretch(day, day + DAY, zone)

    found = progress(100, 0, days_that_count(OFFICE, period, zone), period, period.end)

    assert (found.daily_allowance, found.elapsed_ratio) == (100, 1)


@given(NOW, st.integers(1, 10**15), st.integers(0, 10**15), st.integers(2, 1000))
def test_ratios_do_not_depend_on_the_currency(now, limit, spent, factor):
    """With all money times k the ratios stay, and the allowance is k times as much."""
    one = progress(limit, spent, OFFICE, NOVEMBER, now)
    many = progress(factor * limit, factor * spent, OFFICE, NOVEMBER, now)

    assert 0 <= one.elapsed_ratio <= 1
    assert many.used_ratio == pytest.approx(one.used_ratio)
    assert many.elapsed_ratio == one.elapsed_ratio
    assert many.pace_ratio == pytest.approx(one.pace_ratio)
    assert many.daily_allowance == pytest.approx(factor * one.daily_allowance)


@given(AMOUNTS, AMOUNTS, NOW)
def test_a_course_is_spent_before_now_and_expected_after(spent, expected, now):
    """It has no gap, ends with the period, and sums up to spent plus what is to come.

    What is expected of days before today, because their end was not read, is no less to come.
    """
    n = locate(now, UTC).day.day - 1
    found = list(course(NOVEMBER, by_day(spent), by_day(expected), now, UTC))
    total = sum(spent[: n + 1]) + sum(expected)

    assert [one.span.start for one in found[1:]] == [one.span.end for one in found[:-1]]
    assert (found[0].span.start, found[-1].span.end) == NOVEMBER
    assert sum(one.amount for one in found) == pytest.approx(total)


@given(AMOUNTS, AMOUNTS, NOW, st.floats(1, 1e13))
def test_exhaustion_is_on_the_first_day_that_reaches_the_limit(spent, expected, now, limit):
    """The day is that at whose end spent plus expected is at least the limit, or there is none."""
    way = list(course(NOVEMBER, by_day(spent), by_day(expected), now, UTC))
    total, first = 0.0, None
    for span, amount in way:
        total += amount
        if total >= limit and first is None:
            first = locate(span.start, UTC).day

    found = exhaustion(limit, way)

    assert (found and locate(found, UTC).day) == first


@given(AMOUNTS, st.floats(1, 1e13), st.sampled_from([0.25, 2, 1024]))
def test_exhaustion_does_not_depend_on_the_currency(expected, limit, factor):
    """With all money times k the money is gone at the same moment."""
    start = NOVEMBER.start
    one = course(NOVEMBER, {}, by_day(expected), start, UTC)
    many = course(NOVEMBER, {}, by_day([factor * each for each in expected]), start, UTC)

    assert exhaustion(limit, one) == exhaustion(factor * limit, many)


@pytest.mark.parametrize(
    ("limit", "moment"),
    [
        (10, "2026-11-01T12:00"),
        (50, "2026-11-03T06:00"),  # half of what was spent today until noon
        (65, "2026-11-03T16:00"),  # a third of what is expected in the second half of today
        (390, "2026-11-14T12:00"),
        (375, "2026-11-13T23:59:59.999999"),  # at the end of a day it is still that day
        (886, None),
    ],
)
def test_the_hour_assumes_an_even_day(limit, moment):
    """$20 a day so far, $20 at noon today, $15 until midnight and $30 a day expected."""
    now = datetime(2026, 11, 3, 12, tzinfo=UTC)
    way = course(NOVEMBER, by_day([20] * 3), by_day([0, 0, 15] + [30] * 27), now, UTC)

    expected = moment and datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert exhaustion(limit, way) == expected


def test_an_empty_course_exhausts_nothing():
    """Without any spending no limit is reached."""
    assert exhaustion(1, course(NOVEMBER, {}, {}, NOVEMBER.start, UTC)) is None


def test_a_day_with_a_clock_change_is_one_day():
    """On a day of 25 hours half of its money is gone after 12 hours and a half."""
    start = midnight(date(2026, 10, 25), BERLIN)
    day = Stretch(start, start + timedelta(hours=25))

    (now, later) = course(day, {}, {date(2026, 10, 25): 10}, start, BERLIN)

    assert (now.amount, later.span) == (0, day)
    assert exhaustion(5, [later]) == start + timedelta(hours=12.5)
    assert locate(day.end, BERLIN).day == date(2026, 10, 25) + DAY
