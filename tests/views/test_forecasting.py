"""Forecasts: the formulas on hand-made days to the cent, the calendar, and what always holds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_cost_exporter.views.forecasting import (
    FLAT,
    Moment,
    expected_days,
    fit,
    moment,
    month_end,
    next_month,
    period_end,
    replayed_errors,
    run_rate,
    run_rate_month_end,
    run_rate_next_month,
    weekday_profile,
)

NOON_OF_THE_TENTH = Moment(date(2026, 11, 10), 0.5)
OFFICE_WEEK = [100.0] * 5 + [0.0] * 2

amounts = st.floats(-1e6, 1e6).map(lambda usd: round(usd, 2))
FACTORS = st.sampled_from([0.5**10, 0.5, 4.0, 1024.0])
"""Exact in floating point: days that nearly cancel out stay as near."""
histories = st.lists(amounts, min_size=1, max_size=120)
moments = st.builds(Moment, st.dates(date(2024, 1, 1), date(2028, 12, 31)), st.floats(0, 0.999))


def cents(*amounts):
    return pytest.approx(amounts, abs=0.005)


def test_flat_spend_to_the_cent():
    """Ten dollars a day stay ten dollars a day, for both methods and both horizons."""
    fitted = fit([10.0] * 21)
    assert month_end(fitted, 95.0, NOON_OF_THE_TENTH) == cents(271.56, 300.00, 340.17)
    assert next_month(fitted, NOON_OF_THE_TENTH) == cents(252.28, 310.00, 396.80)
    assert run_rate_month_end(10.0, 95.0, NOON_OF_THE_TENTH) == 300
    assert run_rate_next_month(10.0, NOON_OF_THE_TENTH) == 310


def test_office_week_to_the_cent():
    """After two weeks half of the weekday pattern is believed, and newer days count more."""
    fitted = fit(OFFICE_WEEK * 2)
    assert fitted.profile == pytest.approx([1.2] * 5 + [0.5] * 2)
    assert fitted.level == pytest.approx(67.5478, abs=1e-4)
    monday = Moment(date(2026, 11, 23), 0.0)
    assert month_end(fitted, 1500.0, monday).p50 == pytest.approx(2053.89, abs=0.005)


def test_a_week_of_profile_is_the_median_from_three_weeks_on():
    """One burst among three weeks leaves the profile as it was: flat."""
    days = [10.0] * 21
    days[8] = 500.0
    bursty, calm = weekday_profile(days), weekday_profile(days[:7])
    assert calm == pytest.approx(FLAT)
    assert bursty == pytest.approx(FLAT)


@pytest.mark.parametrize("days", [[1.0] * 6, [0.0] * 30, [0.0, 3.0]])
def test_no_profile_without_a_whole_week_of_spend(days):
    """Fewer than seven days, or nothing but zeros, say nothing about weekdays."""
    assert weekday_profile(days) == FLAT


def test_no_history_no_forecast():
    """Without one complete day both methods are absent, never 0."""
    assert fit([]) is None
    assert run_rate([1.0] * 23) is None
    assert replayed_errors([], date(2026, 11, 10)) == {}


def test_all_zero_days_forecast_what_is_spent():
    """After days of zeros the forecast is what the month has cost so far."""
    fitted = fit([0.0] * 30)
    assert month_end(fitted, 0.25, NOON_OF_THE_TENTH) == (0.25, 0.25, 0.25)
    assert next_month(fitted, NOON_OF_THE_TENTH) == (0, 0, 0)


def test_run_rate_is_168_complete_hours():
    """The run rate looks back 168 hours and no further, and extrapolates a shorter history."""
    assert run_rate([99.0] * 24 + [1.0] * 168) == 24
    assert run_rate([0.5] * 36) == 12


@pytest.mark.parametrize(
    ("today", "days", "days_of_next"),
    [
        (date(2026, 2, 1), 28, 31),
        (date(2028, 2, 1), 29, 31),
        (date(2026, 11, 1), 30, 31),
        (date(2026, 12, 1), 31, 31),
        (date(2026, 1, 1), 31, 28),
    ],
)
def test_months_of_every_length(today, days, days_of_next):
    """The first hour of a month forecasts all of its days, and all days of the next."""
    fitted, at = fit([24.0] * 28), Moment(today, 1 / 24)
    assert month_end(fitted, 1.0, at).p50 == pytest.approx(24 * days)
    assert next_month(fitted, at).p50 == pytest.approx(24 * days_of_next)


def test_the_last_hour_keeps_the_spread_of_a_day():
    """In the last hour only an hour is forecast, with the spread of a whole day: H is 1."""
    at = Moment(date(2026, 11, 30), 23 / 24)
    p10, p50, p90 = month_end(fit([10.0] * 5), 300 - 10 / 24, at)
    assert (p10, p50, p90) == cents(299.94, 300.00, 300.08)
    assert 300 - p10 == pytest.approx(0.0576, abs=1e-5)


@pytest.mark.parametrize(
    ("now", "elapsed"),
    [
        (datetime(2026, 3, 29, 10, tzinfo=UTC), 11 / 23),
        (datetime(2026, 10, 25, 11, tzinfo=UTC), 13 / 25),
        (datetime(2026, 11, 10, 11, tzinfo=UTC), 0.5),
    ],
)
def test_a_day_of_23_or_25_hours(now, elapsed):
    """Noon of a day in which the clock changes is 11 of 23 or 13 of 25 hours."""
    at = moment(now, ZoneInfo("Europe/Berlin"))
    assert at == (now.date(), pytest.approx(elapsed))


def test_the_zone_decides_what_day_it_is():
    """Late in the evening of UTC a new month has begun in Berlin."""
    at = moment(datetime(2026, 10, 31, 23, 30, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
    assert at.today == date(2026, 11, 1)
    assert at.days_left(at.month_end) == pytest.approx(30 - 0.5 / 24)


def test_fees_are_certain():
    """A subscription moves all three estimates by its price."""
    bare = month_end(fit([10.0] * 21), 95.0, NOON_OF_THE_TENTH)
    assert bare.plus(200.0) == cents(471.56, 500.00, 540.17)


def test_expected_days_add_up_to_the_forecast():
    """The path that finds an exhaustion date ends where the forecast ends."""
    fitted, at = fit(OFFICE_WEEK * 4), Moment(date(2026, 11, 23), 0.25)
    path = list(expected_days(fitted, at, date(2026, 11, 29)))
    assert [day.day for day, _ in path] == [23, 24, 25, 26, 27, 28, 29]
    week = period_end(fitted, 7.0, at, date(2026, 11, 29))
    assert week.p50 == pytest.approx(7 + sum(spend for _, spend in path))
    assert path[0][1] == pytest.approx(0.75 * path[1][1])


def test_a_forecast_that_was_always_right_has_no_error():
    """Both methods foresee constant spend, over every horizon that has closed."""
    errors = replayed_errors([5.0] * 120, date(2026, 11, 10))
    assert errors == pytest.approx(
        {
            (horizon, method): 0
            for horizon in ("month_end", "next_month")
            for method in ("run_rate_7d", "weekday_ewma")
        },
        abs=1e-12,
    )


def test_a_refund_turns_no_forecast_around():
    """After a refund that is larger than all spend nothing more is expected, and not less."""
    fitted = fit([10.0] * 6 + [-500.0])
    assert month_end(fitted, -440.0, NOON_OF_THE_TENTH) == (-440, -440, -440)
    assert run_rate([1.0] * 167 + [-500.0]) == 0


def test_replayed_error_by_hand():
    """October at 10, after a September at 20: the error is that of eleven forecasts of October."""
    errors = replayed_errors([20.0] * 30 + [10.0] * 31, date(2026, 11, 1))
    wrong = 0.0
    for known in (0, 1, 3, 5, 7, 10, 14, 17, 21, 24, 28):
        rate = (20.0 * max(7 - known, 0) + 10.0 * min(known, 7)) / 7
        wrong += abs(known * 10 + rate * (31 - known) - 310)
    september = (1, 3, 5, 7, 10, 14, 17, 21, 24, 28)[3:]
    share = wrong / (11 * 310 + len(september) * 600)
    assert errors["month_end", "run_rate_7d"] == pytest.approx(share)
    assert errors["next_month", "run_rate_7d"] == pytest.approx((620 - 310) / 310)


def test_errors_wait_for_a_closed_month():
    """A first month that is still open has no error yet."""
    assert replayed_errors([10.0] * 20, date(2026, 11, 21)) == {}


@given(histories, amounts, moments)
def test_never_below_what_is_spent_and_in_order(days, spent, at):
    """No estimate is below what is spent already, and the three are in order."""
    fitted = fit(days)
    for floor, estimates in ((spent, month_end(fitted, spent, at)), (0, next_month(fitted, at))):
        assert floor <= estimates.p10 <= estimates.p50 <= estimates.p90


@given(histories, amounts, moments, FACTORS)
def test_scaling_every_cost_scales_every_forecast(days, spent, at, factor):
    """In another currency every forecast is the same, and so is every ratio."""
    fitted, scaled = fit(days), fit([day * factor for day in days])
    assert scaled.profile == pytest.approx(fitted.profile)
    assert scaled.spread == pytest.approx(fitted.spread)
    for bare, other in (
        (month_end(fitted, spent, at), month_end(scaled, spent * factor, at)),
        (next_month(fitted, at), next_month(scaled, at)),
    ):
        assert other == pytest.approx([value * factor for value in bare])


@given(st.lists(amounts, min_size=70, max_size=120), FACTORS)
def test_scaling_leaves_the_error_as_it_is(days, factor):
    """The replayed error is a ratio: no currency moves it."""
    today = date(2026, 11, 25)
    errors = replayed_errors(days, today)
    assert min(errors.values(), default=0) >= 0
    assert replayed_errors([day * factor for day in days], today) == pytest.approx(errors)


@given(histories, moments)
def test_expected_days_are_never_negative(days, at):
    """No day to come costs less than nothing, and a whole week costs seven times the level."""
    fitted = fit(days)
    path = expected_days(fitted, at, at.today + timedelta(days=40))
    assert min(spend for _, spend in path) >= 0
    week = sum(fitted.expected(ahead) for ahead in range(7))
    assert week == pytest.approx(7 * fitted.level)
