"""Anomaly bands from a snapshot: which scopes have them, and what the open hour does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from claude_cost_exporter.assemble import Fits, as_configured
from claude_cost_exporter.clock import HOUR
from claude_cost_exporter.plans import Plans
from claude_cost_exporter.records import NANO
from claude_cost_exporter.snapshot import (
    AccountState,
    HourSeries,
    Scope,
    Snapshot,
    SourceState,
)
from claude_cost_exporter.views.anomalies import anomaly_bands

MIDNIGHT = datetime(2026, 11, 25, tzinfo=UTC)
NOW = MIDNIGHT + timedelta(hours=10, minutes=20)


def snapshot(accounts, *, days=28, today=(), watermark=NOW):
    """Accounts: name -> {(kind, member): nano-USD an hour}, every hour of `days` whole days."""
    start = MIDNIGHT - timedelta(days=days)
    past, hours = {}, {}
    for account, members in accounts.items():
        for (kind, member), amount in members.items():
            scope = Scope(account, kind, member)
            past[scope] = HourSeries(start, [amount] * (24 * days))
            usual = {MIDNIGHT + hour * HOUR: amount for hour in range(10)}
            hours[scope] = usual | {MIDNIGHT + hour * HOUR: value for hour, value in today}
    return Snapshot(
        taken_at=NOW,
        accounts=tuple(AccountState("anthropic", account) for account in accounts),
        sources=tuple(
            SourceState("anthropic", name, "usage", watermark=watermark, history_start=start)
            for name in accounts
        ),
        past=past,
        estimated_hours=hours,
    )


def samples(snap, now=NOW):
    return {(s.metric, *s.labels): s.value for s in anomaly_bands(Fits().fill(snap), now)}


ALL = ("all", "all")


def test_flat_spend_is_inside_of_its_band():
    """$2 an hour is expected to be $2, $48 and $336, and each band lies well above it."""
    found = samples(snapshot({"acme": {ALL: 2 * NANO}}, today=[(10, NANO)]))
    spend, expected, upper = (
        {window: found[f"llm_window_spend_{name}", *ALL, window] for window in ("1h", "24h", "7d")}
        for name in ("usd", "expected_usd", "upper_usd")
    )
    assert spend == pytest.approx({"1h": 2, "24h": 47, "7d": 335})
    assert expected == pytest.approx({"1h": 2, "24h": 48, "7d": 336})
    assert all(upper[window] >= 1.4 * expected[window] for window in upper)


def test_a_runaway_is_seen_while_its_hour_is_open():
    """$200 in the first twenty minutes of an hour exceed the whole hour's band."""
    found = samples(snapshot({"acme": {ALL: 2 * NANO}}, today=[(10, 200 * NANO)]))
    assert found["llm_window_spend_usd", *ALL, "1h"] == pytest.approx(200)
    assert (
        found["llm_window_spend_usd", *ALL, "1h"] > found["llm_window_spend_upper_usd", *ALL, "1h"]
    )
    assert found["llm_window_anomaly_impact_usd", *ALL, "1h"] == pytest.approx(198)


def test_late_usage_of_the_day_before_is_seen_at_once():
    """Minutes after midnight the last hour of yesterday is what it is now, not when it was read."""
    night = MIDNIGHT + timedelta(minutes=10)
    read = snapshot({"acme": {ALL: 2 * NANO}}, watermark=night)
    late = replace(read, estimated_hours={Scope("acme", *ALL): {MIDNIGHT - HOUR: 200 * NANO}})
    found = samples(late, night)
    spend = {window: found["llm_window_spend_usd", *ALL, window] for window in ("1h", "24h", "7d")}
    assert spend == {"1h": 200, "24h": 22 * 2 + 200, "7d": 166 * 2 + 200}
    expected = samples(read, night)["llm_window_spend_expected_usd", *ALL, "1h"]
    assert found["llm_window_spend_expected_usd", *ALL, "1h"] == expected


def test_accounts_add_up_by_member():
    """Everything is the sum of the accounts, and so is a model that both use."""
    opus = ("model", "claude-opus")
    accounts = {"a": {ALL: 2 * NANO, opus: NANO}, "b": {ALL: 3 * NANO, opus: 2 * NANO}}
    found = samples(snapshot(accounts))
    assert found["llm_window_spend_expected_usd", *ALL, "24h"] == pytest.approx(120)
    assert found["llm_window_spend_expected_usd", *opus, "24h"] == pytest.approx(72)


def test_a_small_member_has_a_floor_of_the_whole():
    """A workspace of $1 a day is no anomaly before it exceeds 15 % of an organisation's $480."""
    small = ("workspace", "wrkspc_1")
    found = samples(snapshot({"acme": {ALL: 20 * NANO, small: NANO // 24}}))
    assert found["llm_window_spend_upper_usd", *small, "24h"] == pytest.approx(1 + 0.15 * 480)


@pytest.mark.parametrize("days", [0, 6])
def test_bands_are_absent_before_seven_whole_days(days):
    """Six days say nothing about a week."""
    assert samples(snapshot({"acme": {ALL: 2 * NANO}}, days=days)) == {}


def test_nothing_is_said_while_an_account_is_unknown():
    """Where one account has no history, everything is not known, and neither are its parts."""
    known = snapshot({"a": {ALL: NANO}})
    unknown = AccountState("anthropic", "b")
    incomplete = Snapshot(
        taken_at=NOW,
        accounts=(*known.accounts, unknown),
        sources=known.sources,
        past=known.past,
        estimated_hours=known.estimated_hours,
    )
    assert samples(incomplete) == {}


def test_an_account_that_was_taken_out_hides_nothing():
    """What is left of it is neither expected nor counted: the bands are those of the others."""
    two = snapshot({"a": {ALL: 2 * NANO}, "gone": {ALL: 30 * NANO}})
    left = as_configured(two, {"a"}, Plans())
    assert samples(left) == samples(snapshot({"a": {ALL: 2 * NANO}})) != {}


def test_an_account_that_took_the_place_of_another_is_unknown():
    """As many accounts with a past as are read are not enough: they must be the same ones."""
    two = snapshot({"a": {ALL: NANO}, "gone": {ALL: NANO}})
    accounts = (AccountState("anthropic", "a"), AccountState("anthropic", "new"))
    assert samples(replace(two, accounts=accounts)) == {}


def test_without_accounts_there_are_no_bands():
    """Before an organisation is known nothing is said, and nothing fails."""
    assert samples(Snapshot(taken_at=NOW)) == {}


def test_a_correction_of_the_past_is_not_overlooked():
    """What is kept of a baseline is fitted anew when an hour of the past has changed."""
    snap, scope, fits = snapshot({"acme": {ALL: 2 * NANO}}), Scope("acme", *ALL), Fits()
    (before,) = fits.fill(snap).baselines.values()
    assert fits.fill(replace(snap, past=dict(snap.past))).baselines == {(*ALL, MIDNIGHT): before}
    amounts = [*snap.past[scope].amounts[:-3], 9 * NANO, 2 * NANO, 2 * NANO]
    corrected = replace(snap, past={scope: replace(snap.past[scope], amounts=amounts)})
    (after,) = fits.fill(corrected).baselines.values()
    assert after.today.level > before.today.level


def test_an_outage_over_midnight_keeps_the_last_known_windows():
    """Data that end yesterday evening are judged as of yesterday evening."""
    evening = MIDNIGHT - timedelta(hours=2)
    snap = snapshot({"acme": {ALL: 2 * NANO}}, watermark=evening)
    series = snap.past[Scope("acme", *ALL)]
    yesterday = {evening - hour * HOUR: 2 * NANO for hour in range(1, 23)}
    shorter = HourSeries(series.start, series.amounts[:-24])
    stale = Snapshot(
        taken_at=NOW,
        accounts=snap.accounts,
        sources=snap.sources,
        past={Scope("acme", *ALL): shorter},
        estimated_hours={Scope("acme", *ALL): yesterday},
    )
    assert samples(stale)["llm_window_spend_usd", *ALL, "24h"] == pytest.approx(46)
