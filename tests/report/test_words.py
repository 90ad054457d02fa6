"""How amounts, numbers and names are written for people and for spreadsheets."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from rich.console import Console

from claude_cost_exporter.report.as_csv import write_report
from claude_cost_exporter.report.as_table import print_report
from claude_cost_exporter.report.cells import cell, exact_usd, usd
from claude_cost_exporter.report.model import BudgetState, Period, Report, Share, TokenCounts
from claude_cost_exporter.report.words import about, between, count, dollars, percent

NOW = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
TOKENS = TokenCounts(1, 2, 3, 0, 0, 6, 0.75)
REPORT = Report(NOW, NOW, "UTC", Period("month", date(2026, 11, 1), date(2026, 11, 19)))
BUDGET = BudgetState(
    "b", "all", "all", "month", 10.0, 4.0, 0.4, 0.5, "", None, None, None, exhausted_at=None
)


def member(name):
    return Share("anthropic", "acme", "wrkspc_1", name, 1.5, TOKENS)


def printed(report, encoding="utf-8"):
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding)
    print_report(report, Console(file=out, width=80))
    out.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1000, "1.00 k"), (12_345_678, "12.3 M"), (999_949, "1.00 M")],
)
def test_counts_have_three_digits(number, text):
    """A large number is cut to what counts, and rounds up into the next letter."""
    assert count(number) == text


def test_amounts_are_written_as_people_write_them():
    """Cents stand where they count; what is not known is a dash, and a range of it nothing."""
    assert [dollars(1234.5), dollars(-0.001), dollars(-2), dollars(None)] == [
        "$1,234.50", "$0.00", "-$2.00", "-"
    ]  # fmt: skip
    assert [about(1234.5), about(99.994), about(None)] == ["$1,234", "$99.99", "-"]
    assert [between(1, 200), between(None, 1)] == ["$1.00 to $200", ""]
    assert [percent(0.5), percent(None)] == ["50%", "-"]


@pytest.mark.parametrize(
    ("name", "text"),
    [("=1+1", "'=1+1"), ("+49", "'+49"), ("-x", "'-x"), ("@a", "'@a"), ("\t=1\r\n", "?=1??")],
)
def test_a_name_is_no_formula(name, text):
    """A name that a spreadsheet would compute is a text there; a number stays a number."""
    out = io.StringIO()
    write_report(replace(REPORT, by={"workspace": (member(name),)}), out)
    (row,) = csv.DictReader(io.StringIO(out.getvalue(), newline=""))
    assert row["name"] == text
    assert row["spend_usd"] == "1.500000000"
    assert cell(exact_usd(-1_500_000_000)) == "-1.500000000"


def test_amounts_of_views_are_exact_again():
    """A float of a view is the nano-USD that it was made of."""
    assert usd(1_234_567_890_123_456 / 10**9) == Decimal("1234567.890123456")


def test_a_name_plays_no_tricks_on_a_terminal():
    """Control characters of a name are not sent to the terminal."""
    assert "\x1b" not in printed(replace(REPORT, by={"workspace": (member("a\x1b[2Jb"),)}))


def test_bars_are_ascii_where_nothing_else_can_be_written():
    """A terminal that knows ASCII only gets bars of it."""
    report = replace(REPORT, budgets=(BUDGET,))
    assert "#####.......  40%" in printed(report, "ascii")
    assert "\u2588" * 5 + "\u2591" * 7 + "  40%" in printed(report)


def test_long_names_are_folded_and_figures_stay():
    """At 80 columns a long name takes several lines, and no figure is cut."""
    report = replace(
        REPORT,
        by={"workspace": (member("z" * 150),)},
        budgets=(replace(BUDGET, budget="y" * 90, used_ratio=150.0),),
    )
    lines = printed(report).splitlines()
    assert max(map(len, lines)) <= 80
    assert "".join(lines).count("z") == 150
    assert "".join(lines).count("y") >= 90
    assert any(">1000%" in line for line in lines)


def test_many_members_are_summed_up():
    """Beyond twenty rows there is one more, with what all others have together."""
    shown = printed(replace(REPORT, by={"api_key": tuple(member(f"k{n}") for n in range(23))}))
    assert "3 more" in shown
    assert "$4.50" in shown
