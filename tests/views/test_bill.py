"""Billed beside estimated: windows of closed UTC days, ratios, absent where days are missing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from claude_cost_exporter.records import NANO
from claude_cost_exporter.snapshot import LINE, AccountState, Line, Scope, Snapshot
from claude_cost_exporter.views.bill import billed, closed_windows, ratios

NOW = datetime(2026, 11, 10, 15, 0, tzinfo=UTC)
BILLED = "llm_billed_spend_usd"
LAST_7, MONTH = "last_7_closed_days", "month_to_date_closed"
OUTPUT = Scope("acme", LINE, Line("claude-x", "tokens", "output").member)
SEARCH = Scope("acme", LINE, Line("none", "web_search", "none").member)


def days(first, last, amount):
    count = (last - first).days + 1
    return {first + timedelta(days=n): amount for n in range(count)}


def snapshot(in_force, charged=90, estimated=100):
    everything = days(date(2026, 9, 1), date(2026, 11, 10), 0)
    return Snapshot(
        taken_at=NOW,
        accounts=(AccountState("anthropic", "acme"),),
        days={
            OUTPUT: dict.fromkeys(everything, charged * NANO),
            SEARCH: dict.fromkeys(everything, 2 * NANO),
        },
        estimated_days={OUTPUT: dict.fromkeys(everything, estimated * NANO)},
        billed_days={"acme": frozenset(in_force)},
    )


def amounts(snap, family, now=NOW):
    return {s.labels[2:]: s.value for s in billed(snap, now) if s.metric == family}


def test_both_truths_cover_the_same_days():
    """Every window of the bill has an estimate over exactly its days, by type of cost."""
    snap = snapshot(days(date(2026, 10, 1), date(2026, 11, 9), 0))
    assert amounts(snap, "llm_billed_spend_usd") == {
        ("tokens", "last_7_closed_days"): 7 * 90,
        ("web_search", "last_7_closed_days"): 14,
        ("tokens", "month_to_date_closed"): 9 * 90,
        ("web_search", "month_to_date_closed"): 18,
        ("tokens", "last_month"): 31 * 90,
        ("web_search", "last_month"): 62,
    }
    estimated = amounts(snap, "llm_estimated_spend_usd")
    assert estimated["tokens", "month_to_date_closed"] == 900
    assert estimated["web_search", "last_month"] == 0


@pytest.mark.parametrize(
    ("missing", "windows"),
    [
        (date(2026, 11, 9), {LAST_7: (2, 8), MONTH: (1, 8), "last_month": (-30, 0)}),
        (date(2026, 11, 8), {LAST_7: (1, 7), MONTH: (1, 7), "last_month": (-30, 0)}),
        (date(2026, 11, 5), {LAST_7: (-2, 4), MONTH: (1, 4), "last_month": (-30, 0)}),
        (date(2026, 11, 1), {LAST_7: (3, 9), "last_month": (-30, 0)}),
        (date(2026, 10, 31), {LAST_7: (3, 9), MONTH: (1, 9)}),
    ],
)
def test_windows_end_before_the_first_day_that_is_not_billed(missing, windows):
    """A day that settles after its successors shortens a window or moves it; no window has holes.

    Days are counted from 31 October, which is 0.
    """
    in_force = frozenset(days(date(2026, 10, 1), date(2026, 11, 9), 0)) - {missing}
    found = closed_windows(in_force, NOW)
    ends = {name: (run[0], run[-1]) for name, run in found.items()}
    zero = date(2026, 10, 31)
    assert {n: tuple((day - zero).days for day in pair) for n, pair in ends.items()} == windows
    assert {window for _, window in amounts(snapshot(in_force), BILLED)} == set(windows)


def test_lines_beyond_the_cap_are_one_line():
    """What has no line of its own is billed and estimated as `other`."""
    snap = snapshot(days(date(2026, 10, 1), date(2026, 11, 9), 0))
    beyond = Scope("acme", LINE, "other")
    snap.days[beyond] = dict.fromkeys(snap.days[OUTPUT], 3 * NANO)
    found = amounts(snap, "llm_billed_spend_usd")
    assert found["other", "last_7_closed_days"] == 21


def test_nothing_billed_nothing_shown():
    """Without a bill there is no figure, not a 0."""
    snap = snapshot(())
    assert not list(billed(snap, NOW))
    assert not list(ratios(snap, NOW))


def test_the_month_to_date_is_absent_on_its_first_day():
    """On the first of a month no day of it is billed, so there is no sum to show."""
    snap = snapshot(days(date(2026, 10, 1), date(2026, 10, 31), 0))
    now = datetime(2026, 11, 1, 13, tzinfo=UTC)
    found = amounts(snap, "llm_billed_spend_usd", now)
    assert {window for _, window in found} == {"last_7_closed_days", "last_month"}


def test_the_ratio_is_billed_over_estimated():
    """A discount of 10 % is a ratio of 0.9; what has no estimate has no ratio."""
    snap = snapshot(days(date(2026, 10, 1), date(2026, 11, 9), 0))
    found = {s.labels[2:]: s.value for s in ratios(snap, NOW)}
    assert found == {("claude-x", "output"): pytest.approx(0.9)}
