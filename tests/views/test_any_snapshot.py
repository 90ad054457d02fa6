"""What holds of the gauges of any snapshot: in any zone, stale, with idle and removed accounts."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from math import isfinite
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_cost_exporter.calendars import WorkingDays, midnight
from claude_cost_exporter.catalogue import CATALOGUE
from claude_cost_exporter.plans import GATES, Budget, Plans, Subscription, TopUp
from claude_cost_exporter.records import NANO
from claude_cost_exporter.snapshot import AccountState, Scope, Snapshot
from claude_cost_exporter.views import view_all
from tests.support.months import snapshot

LABELS = {metric.name: metric.labels for metric in CATALOGUE}
LEVELS = {"soft": 0.7, "warn": 0.8, "hard": 1.0}
ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Kiritimati"]
DAYS = [  # with a new week, month or year, a leap day, days of 23 and 25 hours
    date(2026, 11, 1),
    date(2026, 12, 1),
    date(2026, 3, 8),
    date(2026, 10, 25),
    date(2028, 2, 29),
    date(2027, 1, 1),
]
MINUTES = [-90, 0, 5, 40, 90, 700, 3 * 1440, 27 * 1440]
"""When after the midnight that begins such a day."""
UNREAD = [0, 0, 10, 30, 90, 600, 1500]
"""Minutes since the last poll."""
SCOPES = [("all", "all"), ("model", "m"), ("account", "acme")]
PERIODS = {"day": "today", "week": "week_to_date", "month": "month_to_date"}
LIMITS = {"day": [5, 23, 49], "week": [60, 160, 330], "month": [500, 700, 715, 1430]}
"""USD, some of them a bit less than a dollar an hour makes."""
FACTOR = 4
CENT = 0.01
A_FEW = settings(max_examples=60)  # a snapshot takes some milliseconds


def flat(_seed, _hour):
    return 1.0


def idle(_seed, _hour):
    return 0.0


def office(_seed, hour):
    return 3.0 * (hour.weekday() < 5 and 8 <= hour.hour < 18)


def bursts(seed, hour):
    """Cost something in some hours, and get money back in a few."""
    chance = random.Random(f"{seed} {hour}")
    return chance.expovariate(1) * (chance.random() < 0.3) * (1 - 2 * (chance.random() < 0.05))


class Situation(NamedTuple):
    """A snapshot and when it is looked at."""

    snapshot: Snapshot
    now: datetime


@st.composite
def situations(draw):
    """Budgets of every period, fees and credit, on spend of some kind that ends a while ago."""
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    begin = midnight(draw(st.sampled_from(DAYS)), zone)
    now = begin + timedelta(minutes=draw(st.sampled_from(MINUTES)))
    read_at = now - timedelta(minutes=draw(st.sampled_from(UNREAD)))
    days = draw(st.sampled_from([1, 2, 8, 35, 65]))
    since = (read_at - timedelta(days=days)).replace(minute=0)
    spend, seed = draw(st.sampled_from([flat, idle, office, bursts])), draw(st.integers(0, 99))
    accounts = draw(st.sampled_from([("acme",), ("acme", "b")]))
    snap = snapshot(
        read_at,
        lambda hour: spend(seed, hour),
        since=since,
        accounts=accounts,
        members=[("model", "m")],
        zone=zone,
        plans=_plans(draw, now, zone),
    )
    week_start = draw(st.integers(0, 6))
    return Situation(_with_more(draw, replace(snap, taken_at=now, week_start=week_start)), now)


def _plans(draw, now, zone):
    weekdays = draw(st.sets(st.integers(0, 6), min_size=1))
    days = WorkingDays(draw(st.sampled_from([zone, ZoneInfo("UTC")])), frozenset(weekdays))
    names = [(period, *scope) for period in PERIODS for scope in SCOPES]
    return Plans(
        subscriptions=(
            Subscription("anthropic", "acme", "x", draw(st.sampled_from([0, 30])) * NANO),
        ),
        budgets=tuple(
            Budget(f"{kind} {period}", _limit(draw, period), period, kind, scope, LEVELS, days)
            for period, kind, scope in names
        ),
        top_ups=(TopUp("acme", (now - timedelta(days=5)).date(), 100 * NANO),),
    )


def _limit(draw, period):
    return draw(st.sampled_from(LIMITS[period])) * NANO


def _with_more(draw, snap):
    """Add an account that is polled and never spent, or one that is gone, or none."""
    more = draw(st.sampled_from(["idle", "gone", None]))
    if more is None:
        return snap
    state = next(one for one in snap.sources if one.source == "usage")
    sources = (*snap.sources, replace(state, account=more)) if more == "idle" else snap.sources
    days = snap.days | {Scope("gone", "all", "all"): snap.days[Scope("acme", "all", "all")]}
    return replace(
        snap,
        accounts=(*snap.accounts, AccountState("anthropic", more, configured=more == "idle")),
        sources=sources,
        days=days if more == "gone" else snap.days,
    )


def gauges(situation):
    """Return values by metric and labels."""
    return {(metric, labels): value for metric, labels, value in view_all(*situation)}


def of(found, metric):
    return {labels: value for (name, labels), value in found.items() if name == metric}


@A_FEW
@given(situations())
def test_no_sample_is_twice_there_or_without_its_labels(situation):
    """Every sample is a finite number, with the labels of its metric, and the only one of them."""
    samples = list(view_all(*situation))
    assert len({(metric, labels) for metric, labels, _ in samples}) == len(samples)
    assert all(isfinite(value) for *_, value in samples)
    assert [m for m, labels, _ in samples if len(labels) != len(LABELS[m])] == []


@A_FEW
@given(situations())
def test_estimates_are_in_order_and_never_below_what_is_spent(situation):
    """This holds of budgets, of accounts and of all together."""
    found = gauges(situation)
    spent = of(found, "llm_budget_spent_usd")
    for metric in (
        "llm_budget_forecast_usd",
        "llm_forecast_spend_usd",
        "llm_total_forecast_spend_usd",
    ):
        by_name = of(found, metric)
        for (*who, name), value in by_name.items():
            if name == "p50" and (*who, "p10") in by_name:
                low, high = by_name[*who, "p10"], by_name[*who, "p90"]
                assert low <= value <= high
                assert low >= spent.get(tuple(who), low) - 1e-6


@A_FEW
@given(situations())
def test_a_limit_has_a_date_exactly_when_it_is_forecast_to_be_reached(situation):
    """The estimate and the date are two views of one course."""
    found = gauges(situation)
    dates = of(found, "llm_budget_exhaustion_timestamp_seconds")
    limits = of(found, "llm_budget_limit_usd")
    for (*who, name), value in of(found, "llm_budget_forecast_usd").items():
        limit = limits[tuple(who)]
        if name == "p50" and abs(value - limit) > CENT:
            assert (tuple(who) in dates) == (value > limit)


@A_FEW
@given(situations())
def test_a_budget_has_what_the_spend_gauges_have(situation):
    """An account's budget and its spend agree, and are absent together."""
    found = gauges(situation)
    spend = of(found, "llm_spend_usd")
    for period, window in PERIODS.items():
        labels = (f"account {period}", "account", "acme", period)
        spent = found.get(("llm_budget_spent_usd", labels))
        metered = spend.get(("anthropic", "acme", "metered", window))
        assert (spent is None) == (metered is None)
        if spent is not None and metered is not None:
            fees = spend.get(("anthropic", "acme", "subscription", window), 0.0)
            assert spent == pytest.approx(metered + fees, abs=1e-6)


@A_FEW
@given(situations())
def test_shares_of_a_period_are_shares(situation):
    """From none to all of a period is over, and no working day may cost more than all of it."""
    found = gauges(situation)
    assert all(-1e-9 <= e <= 1 + 1e-9 for e in of(found, "llm_budget_elapsed_ratio").values())
    limits = of(found, "llm_budget_limit_usd")
    for labels, allowance in of(found, "llm_budget_daily_allowance_usd").items():
        assert allowance <= limits[labels] + 1e-9


def _times(sums):
    return {
        scope: {when: FACTOR * amount for when, amount in amounts.items()}
        for scope, amounts in sums.items()
    }


def dearer(situation):
    """Return the situation in a currency of which a dollar is four."""
    snap, plans = situation.snapshot, situation.snapshot.plans
    plans = replace(
        plans,
        subscriptions=tuple(replace(one, fee=FACTOR * one.fee) for one in plans.subscriptions),
        budgets=tuple(replace(one, limit=FACTOR * one.limit) for one in plans.budgets),
        top_ups=tuple(replace(one, amount=FACTOR * one.amount) for one in plans.top_ups),
        gates={
            name: gate._replace(floor_usd=FACTOR * gate.floor_usd) for name, gate in GATES.items()
        },
    )
    return situation._replace(
        snapshot=replace(snap, plans=plans, days=_times(snap.days), hours=_times(snap.hours))
    )


@A_FEW
@given(situations())
def test_another_currency_changes_no_ratio_and_no_moment(situation):
    """With every amount times four, amounts are times four, and nothing else is."""
    one, other = gauges(situation), gauges(dearer(situation))
    assert one.keys() == other.keys()
    for (metric, labels), value in one.items():
        factor = FACTOR if "_usd" in metric else 1
        assert other[metric, labels] == pytest.approx(factor * value, rel=1e-6, abs=2e-6), metric
