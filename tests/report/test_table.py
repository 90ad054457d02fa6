"""The table for people: its times, its words, its bars, and its width."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from rich.console import Console

from claude_cost_exporter.report.as_table import print_report
from claude_cost_exporter.report.model import (
    AccountSpend,
    BudgetState,
    Credit,
    Forecast,
    Period,
    Report,
    TokenCounts,
)

NOW = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
REPORT = Report(
    NOW, NOW, "Europe/Berlin", Period("month", date(2026, 11, 1), date(2026, 11, 19))
)  # fmt: skip
BUDGET = BudgetState(
    "b", "all", "all", "month", 10.0, 4.0, 0.4, 0.5, "", None, None, None, exhausted_at=None
)


def printed(report, width=80):
    out = io.StringIO()
    print_report(report, Console(file=out, width=width))
    return out.getvalue()


def test_times_are_those_of_the_zone_that_the_title_names():
    """The title names the zone once, fits into a line, and every time is a time there."""
    ends = datetime(2026, 11, 27, 23, 5, tzinfo=UTC)
    later = datetime(2027, 1, 3, 12, tzinfo=UTC)
    shown = printed(
        replace(
            REPORT,
            budgets=(replace(BUDGET, exhausted_at=ends),),
            credit=(Credit("anthropic", "acme", 10.0, later),),
        )
    )
    assert shown.splitlines()[0] == (
        "This month: 2026-11-01 to 2026-11-18, Europe/Berlin   data until 11-18 10:30"
    )
    assert " 11-28 00:05\n" in shown
    assert " 2027-01-03 13:00\n" in shown
    assert "UTC" not in shown


def test_credit_that_is_gone_is_spent():
    """No day is missing where the balance is below zero."""
    gone = Credit("anthropic", "acme", -1029.95, None)
    assert "-$1,029.95        spent" in printed(replace(REPORT, credit=(gone,)))


def test_the_day_that_runs_is_today():
    """A day is called as people call it."""
    today = Period("day", date(2026, 11, 18), date(2026, 11, 19))
    assert printed(replace(REPORT, period=today)).startswith("Today: 2026-11-18, Europe/Berlin")


@pytest.mark.parametrize(("used", "full"), [(0.5, 6), (0.96, 11), (0.999, 11), (1.0, 12), (2, 12)])
def test_a_bar_is_full_when_the_limit_is_reached(used, full):
    """Below the limit a part of the bar is left."""
    shown = printed(replace(REPORT, budgets=(replace(BUDGET, used_ratio=used),)))
    assert shown.count("\u2588") == full


@pytest.mark.parametrize("width", [30, 45, 60, 80, 200])
def test_figures_are_whole_or_not_there(width):
    """A narrow terminal has fewer columns, and no part of a number."""
    tokens = TokenCounts(1, 2, 3, 0, 0, 6, 0.75)
    read = {"is_read": True, "tokens": tokens}
    usd = {"metered_usd": 10_015.4, "subscription_usd": 391.75, "total_usd": 10_407.15}
    spend = AccountSpend("anthropic", "acme", **read, **usd)
    ahead = Forecast("", "month_end", "weekday_ewma", 11_149.0, 11_802.0, 12_722.0, 30)
    budget = replace(BUDGET, limit_usd=15_000.0, spent_usd=10_407.0, p50_usd=11_802.0)
    whole = replace(REPORT, accounts=(spend,), forecasts=(ahead,), budgets=(budget,))
    figures = set(printed(whole, width=200).split())
    lines = printed(whole, width).splitlines()
    assert max(map(len, lines)) <= width
    shown = set(re.findall(r"-?\$\S+", "\n".join(lines)))
    assert shown <= figures
    assert "$11,802" in shown
    assert "\u2026" not in "".join(lines)
