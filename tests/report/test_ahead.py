"""The months to come of several accounts, together and each."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from rich.console import Console

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.records import NANO
from claude_cost_exporter.report.ahead import project
from claude_cost_exporter.report.months_table import print_projection
from claude_cost_exporter.report.words import between
from claude_cost_exporter.snapshot import AccountState, Scope, Snapshot, SourceState
from claude_cost_exporter.views.forecast import forecasts

NOW = datetime(2026, 11, 16, tzinfo=UTC)
DAYS = 40


def snapshot(*accounts, unread=(), history=DAYS):
    """Return a ledger in which account n costs n dollars a day."""
    begin = NOW - history * DAY
    days = [(begin + DAY * n).date() for n in range(history)]
    return Snapshot(
        NOW,
        accounts=tuple(AccountState("anthropic", name) for name in (*accounts, *unread)),
        sources=tuple(
            SourceState("anthropic", name, "usage", watermark=NOW, history_start=begin)
            for name in accounts
        ),
        days={
            Scope(name, "all", "all"): dict.fromkeys(days, usd * NANO)
            for usd, name in enumerate(accounts, 1)
        },
    )


def test_accounts_add_up():
    """Accounts that never vary are together the sum of each, in every quantile."""
    months = project(snapshot("one", "two"), 2, NOW).months
    december = {one.account: one for one in months if one.month.month == 12}
    assert december["one"].p50_usd == pytest.approx(31)
    assert december[""].p50_usd == pytest.approx(93)
    for name in ("p10_usd", "p90_usd"):
        parts = [getattr(december[account], name) for account in ("one", "two")]
        assert getattr(december[""], name) == pytest.approx(sum(parts))


def test_all_accounts_are_forecast_as_the_total_gauge_is():
    """What the command says of all together is what /metrics says."""
    taken = snapshot("one", "two")
    (december,) = [
        one for one in project(taken, 2, NOW).months if not one.account and one.month.month == 12
    ]
    gauges = {
        sample.labels: sample.value
        for sample in forecasts(taken, NOW)
        if sample.metric == "llm_total_forecast_spend_usd"
    }
    for name in ("p10", "p50", "p90"):
        expected = gauges["next_month", "weekday_ewma", name]
        assert getattr(december, f"{name}_usd") == pytest.approx(expected)


def test_a_sum_without_one_of_its_parts_is_unknown():
    """While one account has not been read there is no sum."""
    months = project(snapshot("one", unread=("two",)), 1, NOW).months
    assert {one.account: one.p50_usd is None for one in months} == {
        "": True, "one": False, "two": True
    }  # fmt: skip


def test_one_account_has_one_table_and_several_have_one_each(capsys):
    """Several accounts are shown together first; a single one is its own sum."""
    for accounts, tables in ((("one",), 1), (("one", "two"), 3)):
        print_projection(project(snapshot(*accounts), 3, NOW), Console(width=80))
        shown = capsys.readouterr().out
        assert shown.count("8 times in 10") == tables
        assert shown.count("3 months") == tables
        assert ("All accounts" in shown) == (tables > 1)


def test_little_history_is_a_first_guess(capsys):
    """What has less than a week behind it says so; a sum is a guess when one of its parts is."""
    for history, said in ((4, 1), (7, 0)):
        found = project(snapshot("one", history=history), 1, NOW)
        assert {one.history_days for one in found.months} == {history}
        print_projection(found, Console(width=80))
        shown = capsys.readouterr().out
        assert shown.count(f"A first guess: {history} days of history.") == said


def test_the_sum_of_months_has_a_range(capsys):
    """The range of all months is the sum of theirs."""
    found = project(snapshot("one"), 3, NOW)
    print_projection(found, Console(width=80))
    months = found.months[:3]
    low, high = (sum(getattr(one, f"metered_{p}_usd") for one in months) for p in ("p10", "p90"))
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "3 months" in line)
    assert between(low, high) in line
