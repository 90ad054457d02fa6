"""Spend by calendar window: month ends, leap days, DST, week starts, incomplete history."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from claude_cost_exporter.clock import HOUR
from claude_cost_exporter.records import NANO
from claude_cost_exporter.snapshot import AccountState, Scope, Snapshot, SourceState
from claude_cost_exporter.views.spend import spend, unattributed
from claude_cost_exporter.views.windows import calendar_windows

TOTAL = Scope("acme", "all", "all")
LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)


def snapshot(now, days, *, zone=UTC, history_start=LONG_AGO, watermark=None, **rest):
    state = SourceState(
        "anthropic", "acme", "usage", watermark=watermark or now, history_start=history_start
    )
    return Snapshot(
        taken_at=now,
        time_zone=zone,
        accounts=(AccountState("anthropic", "acme"),),
        sources=(state,),
        days=days,
        **rest,
    )


def one_dollar_a_day(first: date, last: date):
    count = (last - first).days + 1
    return {TOTAL: {first + timedelta(days=n): NANO for n in range(count)}}


def totals(snap, now):
    return {
        sample.labels[3]: sample.value
        for sample in spend(snap, now)
        if sample.metric == "llm_spend_usd"
    }


@pytest.mark.parametrize(
    ("now", "month_to_date", "last_month"),
    [
        (datetime(2026, 11, 1, 0, 0, tzinfo=UTC), 1, 31),
        (datetime(2026, 10, 31, 23, 59, tzinfo=UTC), 31, 30),
        (datetime(2024, 2, 29, 12, tzinfo=UTC), 29, 31),
        (datetime(2024, 3, 1, 12, tzinfo=UTC), 1, 29),
        (datetime(2025, 3, 31, 12, tzinfo=UTC), 31, 28),
        (datetime(2026, 1, 15, 12, tzinfo=UTC), 15, 31),
    ],
)
def test_t19_months_of_every_length(now, month_to_date, last_month):
    """T19: a month has its own number of days, on its first and its last day, leap or not."""
    days = one_dollar_a_day(now.date() - timedelta(days=70), now.date())
    found = totals(snapshot(now, days), now)
    assert found["month_to_date"] == month_to_date
    assert found["last_month"] == last_month
    assert (found["today"], found["yesterday"]) == (1, 1)


def test_weeks_start_when_configured():
    """The week runs from Monday unless the configuration says otherwise."""
    wednesday = datetime(2026, 11, 25, 12, tzinfo=UTC)
    snap = snapshot(wednesday, {})
    assert calendar_windows(snap, wednesday)[2].first == date(2026, 11, 23)
    sunday_first = Snapshot(taken_at=wednesday, week_start=6)
    assert calendar_windows(sunday_first, wednesday)[2].first == date(2026, 11, 22)


def test_a_window_with_unread_hours_is_absent():
    """No figure is better than one that lacks hours: history must reach the window's start."""
    now = datetime(2026, 11, 10, 12, tzinfo=UTC)
    days = one_dollar_a_day(date(2026, 10, 1), date(2026, 11, 10))
    start = datetime(2026, 11, 1, tzinfo=UTC)
    assert "last_month" not in totals(snapshot(now, days, history_start=start), now)
    assert totals(snapshot(now, days, history_start=start), now)["month_to_date"] == 10
    late = snapshot(now, days, history_start=start + HOUR)
    assert set(totals(late, now)) == {"today", "yesterday", "week_to_date"}


def test_a_stale_source_does_not_invent_a_new_day():
    """When nothing has been read since midnight there is no figure for today yet."""
    now = datetime(2026, 11, 10, 6, tzinfo=UTC)
    days = one_dollar_a_day(date(2026, 10, 1), date(2026, 11, 9))
    last_read = datetime(2026, 11, 9, 22, 30, tzinfo=UTC)
    found = totals(snapshot(now, days, watermark=last_read), now)
    assert set(found) == {"month_to_date", "last_month", "week_to_date"}


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_days_with_23_and_25_hours(day):
    """On the days of a clock change yesterday is still one calendar day of the zone."""
    zone = ZoneInfo("Europe/Berlin")
    now = datetime(day.year, day.month, day.day, 12, tzinfo=zone) + timedelta(days=1)
    snap = snapshot(now.astimezone(UTC), one_dollar_a_day(day, day), zone=zone)
    assert totals(snap, now)["yesterday"] == 1


def test_unattributed_leaves_out_hours_that_still_move():
    """The remainder is probe minus attribution, over hours closed for more than an hour."""
    now = datetime(2026, 11, 10, 12, 30, tzinfo=UTC)
    today = date(2026, 11, 10)
    explained = Scope("acme", "attributed", "all")
    snap = snapshot(
        now,
        {},
        estimated_days={TOTAL: {today: 100 * NANO}, explained: {today: 60 * NANO}},
        estimated_hours={
            TOTAL: {datetime(2026, 11, 10, 12, tzinfo=UTC): 30 * NANO},
            explained: {datetime(2026, 11, 10, 12, tzinfo=UTC): 5 * NANO},
        },
    )
    found = {s.labels[2]: s.value for s in unattributed(snap, now)}
    assert found["today"] == 15
