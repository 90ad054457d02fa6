"""Burn rates: complete hours only, and only where all of them were read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from claude_cost_exporter.clock import HOUR, floor_hour
from claude_cost_exporter.records import NANO
from claude_cost_exporter.snapshot import LATE, AccountState, Scope, Snapshot, SourceState
from claude_cost_exporter.views.burn import burn_rates

NOW = datetime(2026, 11, 25, 1, 10, tzinfo=UTC)


def snapshot(hours, *, history_start=NOW - timedelta(days=60), watermark=NOW):
    state = SourceState(
        "anthropic", "acme", "usage", watermark=watermark, history_start=history_start
    )
    return Snapshot(
        taken_at=NOW,
        accounts=(AccountState("anthropic", "acme"),),
        sources=(state,),
        hours={Scope("acme", "all", "all"): hours},
    )


def rates(snap, now=NOW):
    return {sample.labels[2]: sample.value for sample in burn_rates(snap, now)}


def flat(hours, nano_per_hour, now=NOW):
    """One amount for each of the hours that ended last, and a tenfold for the open one."""
    end = floor_hour(now)
    known = {end - HOUR * back: nano_per_hour for back in range(1, hours + 1)}
    return known | {end: 10 * nano_per_hour}


def test_burn_rate_counts_168_complete_hours_and_not_today():
    """A week of $1 an hour burns $24 a day, also an hour after midnight and in the open hour."""
    assert rates(snapshot(flat(720, NANO))) == pytest.approx(
        {"1h": 24, "24h": 24, "7d": 24, "30d": 24}
    )


def test_burn_rate_weighs_idle_hours():
    """Hours without a row cost nothing: one hour of $7 in a week is $1 a day."""
    end = floor_hour(NOW)
    assert rates(snapshot({end - 100 * HOUR: 7 * NANO}))["7d"] == pytest.approx(1)


def test_burn_rate_is_absent_until_its_hours_were_read():
    """With a day and a bit of history there is a rate of an hour and of a day, and no other."""
    young = snapshot(flat(30, NANO), history_start=floor_hour(NOW) - 25 * HOUR)
    assert set(rates(young)) == {"1h", "24h"}


def test_burn_rate_of_old_data_ends_where_the_data_end():
    """Five hours without a poll do not dilute the rate."""
    stale = snapshot(flat(200, NANO, NOW - 5 * HOUR), watermark=NOW - 5 * HOUR)
    assert rates(stale)["24h"] == pytest.approx(24)


def test_an_hour_counts_when_it_was_read_some_minutes_after_its_end():
    """At the top of the hour its usage is not complete: what was read last then, waits."""
    end = floor_hour(NOW)
    hours = {end - HOUR: 7 * NANO, end - 2 * HOUR: NANO}
    early, then = snapshot(hours, watermark=end + LATE / 2), snapshot(hours, watermark=end + LATE)
    assert (rates(early)["1h"], rates(then)["1h"]) == (pytest.approx(24), pytest.approx(7 * 24))


def test_burn_rate_needs_a_poll():
    """Before the usage source has read anything there is no rate, rather than 0."""
    assert rates(Snapshot(taken_at=NOW, accounts=(AccountState("anthropic", "acme"),))) == {}
