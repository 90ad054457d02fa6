"""Prepaid credit: balance, days left, the day on which it ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_cost_exporter.plans import TopUp
from claude_cost_exporter.records import NANO
from claude_cost_exporter.views.prepaid import Runway, bought, runway

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
FIRST = TopUp("acme", date(2026, 11, 1), 500 * NANO)
SECOND = TopUp("acme", date(2026, 11, 25), 100 * NANO)
FUTURE = TopUp("acme", date(2026, 11, 26), 1000 * NANO)


def test_credit_lasts_as_long_as_the_burn_rate_says():
    """$600 less $300 billed at $40 a day: seven days and a half; a later top-up does not count."""
    found = runway(bought([SECOND, FUTURE, FIRST], NOW.date()), 300 * NANO, 40 * NANO, NOW)

    assert found == Runway(300 * NANO, NOW + timedelta(days=7.5))


@pytest.mark.parametrize("billed", [600, 700])
def test_spent_credit_is_over_now(billed):
    """Without credit there are no days left; more than it may have been billed."""
    assert runway([FIRST, SECOND], billed * NANO, 40 * NANO, NOW) == Runway(
        (600 - billed) * NANO, NOW
    )


@pytest.mark.parametrize("per_day", [0, NANO // 100])
def test_credit_that_nobody_spends_has_no_end(per_day):
    """Nothing, or next to nothing, a day: a date beyond ten years would say nothing."""
    assert runway([FIRST], 0, per_day, NOW) == Runway(500 * NANO, None)


@given(st.integers(1, 10**15), st.integers(0, 10**15), st.integers(1, 10**13), st.integers(2, 99))
def test_the_end_does_not_depend_on_the_currency(amount, billed, per_day, factor):
    """With all money times k the balance is k times as much, and it ends at the same moment."""
    one = runway([TopUp("a", date(2026, 1, 1), amount)], billed, per_day, NOW)
    top_up = TopUp("a", date(2026, 1, 1), factor * amount)
    many = runway([top_up], factor * billed, factor * per_day, NOW)

    assert many.balance == factor * one.balance == factor * (amount - billed)
    ends = (one.exhausted_at, many.exhausted_at)
    assert None in ends or abs(ends[0] - ends[1]) < timedelta(milliseconds=1)
    assert (ends[0] is None) == (ends[1] is None)
