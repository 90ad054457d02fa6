"""Accounts beside each other: those that are read, and those that have fixed fees only."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.plans import Plans, Subscription
from claude_cost_exporter.records import NANO
from claude_cost_exporter.report.ahead import project
from claude_cost_exporter.report.as_table import print_report
from claude_cost_exporter.report.build import build
from claude_cost_exporter.report.months_table import print_projection
from claude_cost_exporter.snapshot import AccountState, Scope, Snapshot, SourceState

NOW = datetime(2026, 11, 16, tzinfo=UTC)
BEGIN = NOW - 40 * DAY
FEES = tuple(Subscription(name, "none", "seats", 300 * NANO) for name in ("anthropic", "other"))


def snapshot(*accounts, fees=()):
    """Return a ledger in which each account costs two dollars a day, on one model."""
    days = dict.fromkeys(((BEGIN + DAY * n).date() for n in range(41)), 2 * NANO)
    return Snapshot(
        NOW,
        accounts=tuple(AccountState("anthropic", name) for name in accounts),
        sources=tuple(
            SourceState("anthropic", name, "usage", watermark=NOW, history_start=BEGIN)
            for name in accounts
        ),
        days={
            Scope(name, kind, member): days
            for name in accounts
            for kind, member in (("all", "all"), ("model", "opus"))
        },
        plans=Plans(subscriptions=fees),
    )


def shown(data, print_it, width=80):
    out = io.StringIO()
    print_it(data, Console(file=out, width=width))
    return [line.split() for line in out.getvalue().splitlines()]


def test_fees_of_no_account_are_a_row_of_their_own_and_in_the_sum():
    """Nothing is loading where nothing is read; providers are told apart, and all is summed up."""
    report = build(snapshot("acme", fees=FEES), (), "month", ("model",), NOW)
    assert [(one.account, one.is_read, one.metered_usd) for one in report.accounts] == [
        ("acme", True, 32.0), ("none", False, 0.0), ("none", False, 0.0)
    ]  # fmt: skip
    assert report.total_usd == pytest.approx(332)
    lines = shown(report, print_report)
    assert ["none", "(other)", "-", "$150.00", "$150.00", "-", "-"] in lines
    assert ["All", "$32.00", "$300.00", "$332.00", "0"] in lines
    assert ["opus", "$32.00", "100%", "0", "-"] in lines


def test_names_tell_their_account_when_several_are_read():
    """With two accounts that have usage, members are told apart."""
    lines = shown(build(snapshot("a", "b"), (), "month", ("model",), NOW), print_report)
    assert ["a:", "opus", "$32.00", "50%", "0", "-"] in lines


def test_a_sum_without_one_of_its_parts_is_not_known():
    """While one account is loading there is no sum."""
    known = snapshot("a", "b")
    report = build(replace(known, sources=known.sources[:1]), (), "month", (), NOW)
    assert report.total_usd is None
    assert ["b", "loading", "$0.00", "-", "0", "-"] in shown(report, print_report)


def test_what_has_fees_only_has_no_months_of_its_own():
    """Fees without usage are in the sum, and have no table of nothing."""
    found = project(snapshot("acme", fees=FEES), 2, NOW)
    text = shown(found, print_projection)
    heads = [line[0] for line in text if "Metered" in line]
    assert heads == ["All", "acme"]
    assert [one.fixed_fees_usd for one in found.months[:2]] == pytest.approx([600, 600])
    assert [one.provider for one in found.months if one.account == "none"] == [
        "anthropic", "anthropic", "other", "other"
    ]  # fmt: skip
