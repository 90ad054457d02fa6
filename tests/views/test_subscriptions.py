"""Fixed fees: parts add up, months of every length, clock changes, starts and ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_cost_exporter.calendars import Stretch, midnight, next_month, stretch
from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.plans import Plans, Subscription
from claude_cost_exporter.records import NANO
from claude_cost_exporter.snapshot import Snapshot
from claude_cost_exporter.views.subscriptions import (
    fees_between,
    fees_of_month,
    monthly_fees,
    subscription_spend,
)
from tests.support.simulated import Simulated

BERLIN = ZoneInfo("Europe/Berlin")
TEAM = Subscription("anthropic", "acme", "team", 750 * NANO)
ZONES = st.sampled_from([UTC, BERLIN, ZoneInfo("America/Havana"), ZoneInfo("Australia/Lord_Howe")])
DAYS = st.dates(date(2019, 12, 1), date(2029, 2, 1))
MOMENTS = st.datetimes(datetime(2019, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
FEES = st.builds(
    Subscription,
    st.just("anthropic"),
    st.just("acme"),
    st.just("team"),
    st.integers(1, 10**15),
    st.sampled_from([1, 12]),
    st.none() | DAYS,
    st.none() | DAYS,
)
LISTS = st.lists(FEES, min_size=1, max_size=3)


def spent(now, *subscriptions, zone=UTC, week_start=0):
    plans = Plans(subscriptions=subscriptions)
    snapshot = Snapshot(now, time_zone=zone, week_start=week_start, plans=plans)
    return {sample.labels: sample.value for sample in subscription_spend(snapshot, now)}


@given(LISTS, st.lists(MOMENTS, min_size=2, max_size=6).map(sorted), ZONES)
def test_parts_add_up_to_the_whole(subscriptions, moments, zone):
    """However a stretch is cut, also within a day, its parts cost what it costs, to the nano."""
    parts = [Stretch(*pair) for pair in pairwise(moments)]
    whole = Stretch(moments[0], moments[-1])

    together = sum(fees_between(subscriptions, part, zone) for part in parts)

    assert together == fees_between(subscriptions, whole, zone)


@given(LISTS, DAYS, ZONES)
def test_month_to_date_at_the_end_of_a_month_is_the_month(subscriptions, day, zone):
    """Day after day of a month, starts and ends within it included, its whole fee is reached."""
    first, end = day.replace(day=1), next_month(day)
    days = [first + n * DAY for n in range((end - first).days)]

    by_day = [fees_between(subscriptions, stretch(one, one + DAY, zone), zone) for one in days]

    assert sum(by_day) == fees_of_month(subscriptions, day, zone)
    assert min(by_day) >= 0


@given(st.integers(1, 10**15), DAYS, ZONES)
def test_whole_months_and_years_cost_their_price(fee, day, zone):
    """A month costs a monthly price exactly, leap or not; twelve months a yearly one."""
    january = date(day.year, 1, 1)
    year = stretch(january, date(day.year + 1, 1, 1), zone)
    monthly, yearly = replace(TEAM, fee=fee), replace(TEAM, fee=fee, months=12)

    assert fees_of_month([monthly], day, zone) == fee
    assert fees_between([monthly], year, zone) == 12 * fee
    assert fees_between([yearly], year, zone) == fee


@given(FEES, DAYS, DAYS, st.integers(2, 1000))
def test_more_seats_cost_as_much_more(subscription, first, end, seats):
    """So many seats cost that many times as much as one, but for parts of a nano-dollar."""
    many = replace(subscription, fee=seats * subscription.fee)
    first, end = sorted((first, end))
    span = stretch(first, end, BERLIN)

    one = fees_between([subscription], span, BERLIN)

    assert abs(fees_between([many], span, BERLIN) - seats * one) <= seats


@pytest.mark.parametrize(
    ("month", "days"),
    [("2026-01", 31), ("2026-02", 28), ("2024-02", 29), ("2026-04", 30), ("2026-03", 31)],
)
def test_a_day_costs_its_month_s_share(month, days):
    """Every day of a month costs the same, also the one with 23 hours."""
    first = date.fromisoformat(f"{month}-01")
    fee = 28 * 29 * 30 * 31 * NANO

    for n in range(days):
        day = stretch(first + n * DAY, first + (n + 1) * DAY, BERLIN)
        assert fees_between([replace(TEAM, fee=fee)], day, BERLIN) == fee // days


@pytest.mark.parametrize(
    ("hours", "share"), [(0, 0), (1, 1 / 23), (12, 12 / 23), (22.75, 22.75 / 23), (23, 1)]
)
def test_the_day_of_a_clock_change_is_spent_by_its_own_hours(hours, share):
    """On a day of 23 hours an hour costs the 23rd part of the day."""
    start = midnight(date(2026, 3, 29), BERLIN)
    so_far = Stretch(start, start + timedelta(hours=hours))

    assert fees_between([TEAM], so_far, BERLIN) == pytest.approx(750 * NANO / 31 * share, abs=1)


@pytest.mark.parametrize(
    ("now", "today", "month_to_date"),
    [
        ("2026-11-01T00:00", 0, 0),
        ("2026-11-01T01:00", 25 / 24, 25 / 24),
        ("2026-11-16T00:00", 0, 375),
        ("2026-11-30T23:00", 25 * 23 / 24, 750 - 25 / 24),
    ],
)
def test_first_and_last_hour_of_a_month(now, today, month_to_date):
    """$750 in 30 days are $25 a day, and the part of today that is over is spent."""
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)

    found = spent(moment, TEAM)

    who = ("anthropic", "acme", "subscription")
    assert found[*who, "today"] == pytest.approx(today)
    assert found[*who, "month_to_date"] == pytest.approx(month_to_date)
    assert found[*who, "last_month"] == 750


def test_a_subscription_that_starts_and_ends_within_a_month():
    """Only the days from the first to the last one are paid for: 10 of 30 are a third."""
    brief = replace(TEAM, first=date(2026, 11, 11), end=date(2026, 11, 21))
    november = [
        spent(datetime(2026, 11, day, tzinfo=UTC), brief)[
            "anthropic", "acme", "subscription", "month_to_date"
        ]
        for day in (11, 12, 21, 30)
    ]

    assert november == [0, 25, 250, 250]
    assert fees_of_month([brief], date(2026, 11, 5), UTC) == 250 * NANO
    assert fees_of_month([brief], date(2026, 12, 5), UTC) == 0


def test_windows_of_several_payers():
    """Fees of one account add up, others stand beside; weeks begin when configured."""
    monday = datetime(2026, 11, 23, 12, tzinfo=UTC)
    other = Subscription("openai", "none", "pro", 360 * NANO, 12)

    found = spent(monday, TEAM, TEAM, other, week_start=6)

    assert len(found) == 10
    assert found["anthropic", "acme", "subscription", "week_to_date"] == 75
    assert found["openai", "none", "subscription", "week_to_date"] == 1.5
    assert found["openai", "none", "subscription", "yesterday"] == 1
    assert found["openai", "none", "subscription", "last_month"] == 30
    assert spent(monday) == {}


def test_the_monthly_fee_is_shown_while_it_is_paid():
    """From the first day to the last in the configured zone; a year's is a twelfth, plans add."""
    yearly = replace(TEAM, fee=1200 * NANO, months=12, first=date(2026, 11, 1))
    ending = replace(TEAM, plan="max", first=date(2026, 10, 1), end=date(2026, 11, 1))

    def shown(now):
        plans = Plans(subscriptions=(TEAM, yearly, ending))
        snapshot = Snapshot(now, time_zone=BERLIN, plans=plans)
        return {sample.labels[2]: sample.value for sample in monthly_fees(snapshot, now)}

    november = midnight(date(2026, 11, 1), BERLIN)
    assert shown(november - HOUR) == {"team": 750, "max": 750}
    assert shown(november) == {"team": 850}


def test_the_configuration_reaches_a_scrape(tmp_path):
    """What the file says is exposed from the start, before anything was polled."""
    fee = "{provider: anthropic, account: sim, plan: max, price_usd: 1200, interval: yearly}"
    simulated = Simulated(tmp_path, more=f"subscriptions: [{fee}]")
    exposed = simulated.text()
    simulated.close()

    who, provider = 'account="sim"', 'provider="anthropic"'
    assert f'llm_subscription_usd_per_month{{{who},plan="max",{provider}}} 100.0\n' in exposed
    last_month = (
        f'llm_spend_usd{{{who},kind="subscription",{provider},window="last_month"}} 100.0\n'
    )
    assert last_month in exposed
