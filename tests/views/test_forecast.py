"""Forecasts of accounts and of all: hand-made months, fees, DST, missing history."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from claude_cost_exporter.assemble import Fits
from claude_cost_exporter.calendars import WorkingDays
from claude_cost_exporter.plans import Budget, Plans, Subscription
from claude_cost_exporter.records import NANO
from claude_cost_exporter.snapshot import AccountState, Snapshot
from claude_cost_exporter.views.budgets import budgets
from claude_cost_exporter.views.forecast import forecast_quality, forecasts
from tests.support.months import at, days_before, flat, snapshot, values

CENT = 0.005


def ahead(snap, now, metric="llm_forecast_spend_usd"):
    return {labels[-3:]: value for labels, value in values(forecasts(snap, now), metric).items()}


MONTHS = [
    (at(2026, 11, 1, 0, 30), 30, 31),
    (at(2026, 11, 30, 23, 30), 30, 31),
    (at(2024, 2, 29, 12), 29, 31),
    (at(2026, 2, 28, 23, 59), 28, 31),
    (at(2026, 1, 15, 7, 10), 31, 28),
    (at(2026, 12, 31, 0, 0), 31, 31),
]


@pytest.mark.parametrize(("now", "this", "following"), MONTHS)
def test_a_flat_month_is_forecast_to_the_cent(now, this, following):
    """A dollar an hour makes $24 for each day of this and of the next month, by both methods."""
    found = ahead(snapshot(now, flat, since=days_before(now, 90)), now)
    for method in ("run_rate_7d", "weekday_ewma"):
        assert found["month_end", method, "p50"] == pytest.approx(24 * this, abs=CENT)
        assert found["next_month", method, "p50"] == pytest.approx(24 * following, abs=CENT)


def test_weekends_are_expected_where_they_are():
    """Where only workdays cost $24, the rest of the month costs what its workdays cost."""
    now = at(2026, 11, 21)  # a Saturday
    hours = snapshot(now, lambda hour: float(hour.weekday() < 5), since=days_before(now, 84))
    left = [date(2026, 11, day) for day in range(21, 31)]
    workdays = sum(day.weekday() < 5 for day in left)
    spent = sum(date(2026, 11, day).weekday() < 5 for day in range(1, 21)) * 24
    found = ahead(hours, now)["month_end", "weekday_ewma", "p50"]
    naive = ahead(hours, now)["month_end", "run_rate_7d", "p50"]
    exact = spent + 24 * workdays
    assert abs(found - exact) < abs(naive - exact)


def test_what_is_spent_is_never_forecast_away():
    """At the last moment of a month every estimate is what was spent."""
    now = at(2026, 12, 1) - timedelta(seconds=1)
    found = ahead(snapshot(now, flat, since=days_before(now, 60)), now)
    assert {round(found["month_end", "weekday_ewma", e], 1) for e in ("p10", "p50", "p90")} == {
        720.0
    }


def test_a_new_organisation_is_forecast_from_its_first_spend():
    """Ninety idle days before ten of $24 do not make a month cheaper, and are no history."""
    now = at(2026, 11, 11)
    snap = snapshot(now, lambda hour: float(hour >= at(2026, 11, 1)), since=days_before(now, 100))
    found = ahead(snap, now)
    assert found["month_end", "weekday_ewma", "p50"] == pytest.approx(720, abs=CENT)
    assert found["next_month", "weekday_ewma", "p50"] == pytest.approx(744, abs=CENT)
    assert values(forecast_quality(snap, now), "llm_forecast_history_days") == {
        ("anthropic", "acme"): 10
    }


def test_days_of_23_and_25_hours():
    """In New York November 2026 has 721 hours, and March 743."""
    zone = ZoneInfo("America/New_York")
    for now, hours in ((at(2026, 11, 30, 22), 721), (at(2026, 3, 30, 22), 743)):
        found = ahead(snapshot(now, flat, since=days_before(now, 90), zone=zone), now)
        assert found["month_end", "run_rate_7d", "p50"] == pytest.approx(hours, abs=0.5)


def test_one_hour_of_history_forecasts_nothing():
    """Without a complete day there is no forecast, rather than one of 0."""
    now = at(2026, 11, 25, 13)
    assert list(forecasts(snapshot(now, flat, since=at(2026, 11, 25, 12)), now)) == []


def test_before_the_month_was_read_only_the_next_one_is_forecast():
    """Ten days of history on the 25th say what a month costs, not what this one has cost."""
    now = at(2026, 11, 25, 13)
    found = ahead(snapshot(now, flat, since=days_before(now, 10)), now)
    assert {labels[0] for labels in found} == {"next_month"}


def test_an_empty_ledger_has_no_forecast():
    """Before the first poll nothing is said."""
    now = at(2026, 11, 25)
    assert list(forecasts(Snapshot(now, accounts=(AccountState("anthropic", "acme"),)), now)) == []


def test_all_zero_days_are_forecast_as_zero():
    """An organisation that used nothing is expected to use nothing."""
    now = at(2026, 11, 25, 13)
    found = ahead(snapshot(now, lambda _: 0.0, since=days_before(now, 60)), now)
    assert set(found.values()) == {0.0}


def subscription(account, fee, **when):
    return Subscription("anthropic", account, "max", fee * NANO, **when)


def test_fees_are_whole_in_forecasts():
    """A plan of $100 from the 16th on is $50 of November and $100 of December."""
    now = at(2026, 11, 10)
    plans = Plans(subscriptions=(subscription("acme", 100, first=date(2026, 11, 16)),))
    found = ahead(snapshot(now, flat, since=days_before(now, 60), plans=plans), now)
    assert found["month_end", "run_rate_7d", "p50"] == pytest.approx(720 + 50, abs=CENT)
    assert found["next_month", "run_rate_7d", "p50"] == pytest.approx(744 + 100, abs=CENT)


def test_the_total_is_all_accounts_and_every_fee():
    """Two accounts and a subscription without usage add up; a missing account hides the total."""
    now = at(2026, 11, 10)
    plans = Plans(subscriptions=(subscription("laptop", 20),))
    both = snapshot(now, flat, since=days_before(now, 60), accounts=("a", "b"), plans=plans)
    total = ahead(both, now, "llm_total_forecast_spend_usd")
    assert total["month_end", "run_rate_7d", "p50"] == pytest.approx(2 * 720 + 20, abs=CENT)
    unknown = (*both.accounts, AccountState("anthropic", "c"))
    missing = Snapshot(now, accounts=unknown, sources=both.sources, days=both.days)
    assert ahead(missing, now, "llm_total_forecast_spend_usd") == {}


def test_the_range_of_all_is_that_of_their_days_together():
    """Two accounts that take turns make a steady total, whose range is not the sum of theirs."""
    now = at(2026, 11, 10)
    snap = snapshot(now, flat, since=days_before(now, 60), accounts=("a", "b"))
    turns = {
        scope: {day: 2 * usd * (day.toordinal() % 2 == turn) for day, usd in days.items()}
        for turn, (scope, days) in enumerate(snap.days.items())
    }
    budget = Budget("b", NANO, "month", "all", "all", {}, WorkingDays())
    snap = replace(snap, days=turns, plans=Plans(budgets=(budget,)))
    total = ahead(snap, now, "llm_total_forecast_spend_usd")
    steady = ahead(snapshot(now, lambda _: 2.0, since=days_before(now, 60)), now)
    of_budget = values(budgets(snap, now), "llm_budget_forecast_usd")
    for estimate in ("p10", "p50", "p90"):
        together = total["month_end", "weekday_ewma", estimate]
        assert together == pytest.approx(steady["month_end", "weekday_ewma", estimate])
        assert together == pytest.approx(of_budget["b", "all", "all", "month", estimate])


def test_data_that_are_late_are_expected_not_missed():
    """Six hours without a poll do not make the month six hours cheaper."""
    now = at(2026, 11, 10, 12)
    stale = snapshot(at(2026, 11, 10, 6), flat, since=days_before(now, 60))
    found = ahead(stale, now)
    assert found["month_end", "run_rate_7d", "p50"] == pytest.approx(720, abs=CENT)


def test_data_of_last_month_forecast_nothing_of_this_one():
    """Without a poll since the 30th, neither this month's end nor the next month is foreseen."""
    stale = snapshot(at(2026, 11, 30, 12), flat, since=at(2026, 10, 1))
    assert ahead(stale, at(2026, 12, 1, 6)) == {}


def test_forecast_quality_tells_days_and_error():
    """Ninety flat days are ninety days of history and an error of nothing."""
    now = at(2026, 11, 25, 13)
    known = Fits().fill(snapshot(now, flat, since=days_before(now, 90)))
    samples = list(forecast_quality(known, now))
    assert values(samples, "llm_forecast_history_days") == {("anthropic", "acme"): 90}
    errors = values(samples, "llm_forecast_error_ratio")
    assert {labels[-2:] for labels in errors} >= {
        ("month_end", "run_rate_7d"),
        ("month_end", "weekday_ewma"),
    }
    assert max(errors.values()) == pytest.approx(0, abs=1e-9)
