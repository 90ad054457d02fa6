"""The table for people: its times, its words, its bars, and its width."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from rich.console import Console

from claude_cost_exporter.report.as_table import print_report
from claude_cost_exporter.report.model import BudgetState, Credit, Period, Report

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
