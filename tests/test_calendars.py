"""Local days, periods and working days: clock changes, leap years, parts that add up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_cost_exporter.calendars import (
    WorkingDays,
    locate,
    midnight,
    next_month,
    period_around,
    stretch,
)
from claude_cost_exporter.clock import DAY

ZONES = [
    ZoneInfo(name)
    for name in (
        "UTC",
        "Europe/Berlin",
        "America/Sao_Paulo",  # changed its clocks at midnight
        "America/Havana",  # has days with two midnights
        "Australia/Lord_Howe",  # changes by half an hour
        "Asia/Kathmandu",
        "Pacific/Apia",  # left 2011-12-30 out
    )
]
MOMENTS = st.datetimes(datetime(2009, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
CALENDARS = st.builds(
    WorkingDays,
    st.sampled_from(ZONES),
    st.frozensets(st.integers(0, 6)),
    st.frozensets(st.dates(date(2009, 1, 1), date(2031, 1, 1)), max_size=3),
)
OFFICE = WorkingDays(
    ZoneInfo("Europe/Berlin"), frozenset(range(5)), frozenset({date(2026, 12, 25)})
)


@pytest.mark.parametrize(
    ("moment", "share"),
    [
        ("2026-11-25T00:00+01:00", Fraction(0)),
        ("2026-11-25T12:00+01:00", Fraction(1, 2)),
        ("2026-03-29T12:00+02:00", Fraction(11, 23)),
        ("2026-10-25T12:00+01:00", Fraction(13, 25)),
        ("2026-10-25T23:00+01:00", Fraction(24, 25)),
    ],
)
def test_the_share_of_a_day_counts_its_true_hours(moment, share):
    """Noon is half of a day, except when the clocks change."""
    assert locate(datetime.fromisoformat(moment), ZoneInfo("Europe/Berlin")).share == share


@given(MOMENTS, st.sampled_from(ZONES))
def test_a_moment_is_in_its_day(moment, zone):
    """The day begins before it and ends after it, in every zone."""
    day, share = locate(moment, zone)

    assert midnight(day, zone) <= moment < midnight(day + DAY, zone)
    assert 0 <= share < 1


@pytest.mark.parametrize(
    ("name", "day", "first", "end"),
    [
        ("day", "2026-12-31", "2026-12-31", "2027-01-01"),
        ("week", "2026-11-25", "2026-11-22", "2026-11-29"),
        ("week", "2026-11-22", "2026-11-22", "2026-11-29"),
        ("week", "2026-11-21", "2026-11-15", "2026-11-22"),
        ("month", "2026-12-31", "2026-12-01", "2027-01-01"),
        ("month", "2024-02-29", "2024-02-01", "2024-03-01"),
        ("month", "2026-01-31", "2026-01-01", "2026-02-01"),
    ],
)
def test_periods_hold_their_day(name, day, first, end):
    """Days, weeks that begin on Sunday, and months, over the ends of months and years."""
    found = period_around(name, date.fromisoformat(day), week_start=6)

    assert found == (date.fromisoformat(first), date.fromisoformat(end))


def test_twelve_months_are_a_year():
    """From any day on, the first of the next month is reached, twelve times a year."""
    day = date(2023, 12, 31)
    for month in (*range(1, 13), 1):
        day = next_month(day)
        assert (day.month, day.day) == (month, 1)
    assert day == date(2025, 1, 1)


@pytest.mark.parametrize(
    ("month", "days"),
    [("2026-11", 21), ("2026-12", 22), ("2026-02", 20), ("2024-02", 21), ("2026-03", 22)],
)
def test_working_days_of_a_month(month, days):
    """Monday to Friday without holidays, also in months with a clock change."""
    first = date.fromisoformat(f"{month}-01")

    assert OFFICE.between(*stretch(first, next_month(first), OFFICE.zone)) == days


def test_a_weekend_does_not_count():
    """From Friday noon to Monday 06:00 it is three quarters of a working day."""
    friday = datetime(2026, 11, 20, 12, tzinfo=OFFICE.zone)
    monday = datetime(2026, 11, 23, 6, tzinfo=OFFICE.zone)

    assert OFFICE.between(friday, monday) == Fraction(3, 4)


@given(CALENDARS, st.lists(MOMENTS, min_size=3, max_size=3).map(sorted))
def test_parts_add_up(calendar, moments):
    """Working days from a to c are those from a to b and those from b to c, exactly."""
    a, b, c = moments

    assert calendar.between(a, b) + calendar.between(b, c) == calendar.between(a, c)


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=3650)), st.sampled_from(ZONES))
def test_no_more_working_days_than_days(start, length, zone):
    """Without weekends and holidays every day counts; with them no more than that."""
    end = start + length
    every_day = WorkingDays(zone).between(start, end)
    first, last = locate(start, zone), locate(end, zone)

    assert every_day == (last.day - first.day).days + last.share - first.share
    assert 0 <= WorkingDays(zone, OFFICE.weekdays).between(start, end) <= every_day
