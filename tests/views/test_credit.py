"""Prepaid credit from a snapshot."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from claude_cost_exporter.plans import Plans, TopUp
from claude_cost_exporter.records import NANO
from claude_cost_exporter.views.credit import credit
from tests.support.months import at, days_before, flat, snapshot, values

NOW = at(2026, 11, 11)


def seen(*top_ups, **rest):
    known = {"since": days_before(NOW, 60)} | rest
    return list(credit(snapshot(NOW, flat, plans=Plans(top_ups=top_ups), **known), NOW))


def test_credit_is_what_was_bought_less_what_was_spent_since():
    """$500 on the 1st and $100 on the 5th, less ten days of $24, last for 15 days more."""
    samples = seen(
        TopUp("acme", date(2026, 11, 1), 500 * NANO), TopUp("acme", date(2026, 11, 5), 100 * NANO)
    )
    who = ("anthropic", "acme")
    assert values(samples, "llm_credit_balance_usd") == {who: pytest.approx(360)}
    ends = values(samples, "llm_credit_exhaustion_timestamp_seconds")
    assert ends == {who: pytest.approx(at(2026, 11, 26).timestamp())}


def test_credit_is_unknown_where_spend_since_is():
    """A top-up from before the history has no balance that could be trusted."""
    assert seen(TopUp("acme", date(2026, 8, 1), 500 * NANO)) == []


@pytest.mark.parametrize(
    ("zone", "hours"), [("UTC", 0), ("Pacific/Kiritimati", 14), ("America/New_York", None)]
)
def test_a_top_up_is_of_a_local_day(zone, hours):
    """At midnight UTC it is 2 pm of the 11th on Kiritimati, and still the 10th in New York."""
    samples = seen(TopUp("acme", date(2026, 11, 11), 500 * NANO), zone=ZoneInfo(zone))
    balances = values(samples, "llm_credit_balance_usd")
    assert balances == (
        {} if hours is None else {("anthropic", "acme"): pytest.approx(500 - hours)}
    )


def test_without_a_top_up_there_is_no_credit():
    """Nobody who pays by invoice sees a balance."""
    assert seen() == []
