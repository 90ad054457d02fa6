"""The months to come: they follow the weekdays, widen with time, and add up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.plans import Plans, Subscription
from claude_cost_exporter.records import NANO
from claude_cost_exporter.snapshot import AccountState, Scope, Snapshot, SourceState
from claude_cost_exporter.views.projection import projection

NOW = datetime(2026, 11, 16, tzinfo=UTC)  # a Monday
BEGIN = NOW - timedelta(weeks=10)
SCOPE = Scope("acme", "all", "all")


def snapshot(spend, *plans, read_from=BEGIN):
    """Return a ledger where each whole day from `read_from` costs what `spend` says in USD."""
    count = (NOW - read_from) // DAY
    days = [(read_from + DAY * n).date() for n in range(count)]
    state = SourceState(
        "anthropic", "acme", "usage", watermark=NOW, history_start=read_from,
        history_target=read_from,
    )  # fmt: skip
    return Snapshot(
        NOW,
        accounts=(AccountState("anthropic", "acme"),),
        sources=(state,),
        days={SCOPE: {day: round(spend(day) * NANO) for day in days}},
        plans=Plans(subscriptions=plans),
    )


def test_a_steady_day_goes_on():
    """Ten dollars a day are ten dollars for every day of every month, and a range around them."""
    months = list(projection(snapshot(lambda _: 10.0), 5, NOW))
    assert [one.first for one in months] == [
        date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1), date(2027, 2, 1), date(2027, 3, 1)
    ]  # fmt: skip
    for one, days in zip(months, (30, 31, 31, 28, 31), strict=True):
        assert one.metered.p50 == pytest.approx(10 * days)
        assert one.metered.p10 < one.metered.p50 < one.metered.p90


def test_the_range_widens_with_time():
    """The further away a month is, the less is known of it."""
    months = list(projection(snapshot(lambda _: 10.0), 14, NOW))
    widths = [one.metered.p90 / one.metered.p10 for one in months if one.first.month in (1, 7, 12)]
    assert widths == sorted(widths)
    assert len(set(widths)) == 4


def test_months_follow_their_weekdays():
    """Where only Mondays cost, January 2027 with four of them costs less than March with five."""
    months = {
        one.first.month: one.metered.p50
        for one in projection(snapshot(lambda day: 70.0 * (day.weekday() == 0)), 5, NOW)
    }
    assert months[3] > months[1]


def test_fees_stand_apart():
    """A fee that ends is in the months before; who has no usage costs only the fee."""
    ends = Subscription("anthropic", "acme", "team", 100 * NANO, end=date(2027, 1, 1))
    other = Subscription("anthropic", "none", "max", 20 * NANO)
    months = list(projection(snapshot(lambda _: 10.0, ends, other), 3, NOW))
    assert [one.fees for one in months if one.account == "acme"] == [100, 100, 0]
    assert [(one.fees, one.metered.p50) for one in months if one.account == "none"] == [(20, 0)] * 3


def test_a_month_that_is_not_read_is_unknown():
    """With a few days of history this month is not known, and the next ones are."""
    first, *others = projection(snapshot(lambda _: 10.0, read_from=NOW - 3 * DAY), 3, NOW)
    assert first.metered is None
    assert all(one.metered for one in others)
