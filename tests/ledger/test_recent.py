"""Tokens of the last day and week: complete hours, by what they cost."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.ledger.base import Settings
from claude_cost_exporter.records import Tokens, Window
from claude_cost_exporter.snapshot import LATE, Used
from tests.support.ledger import MODEL, Account, used

NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
TOP = NOW.replace(minute=0)


@pytest.fixture
def one(tmp_path):
    account = Account(f"sqlite:///{tmp_path}/ledger.db", Settings(), NOW)
    yield account
    account.ledger.close()


def test_complete_hours_of_a_day_and_a_week(one):
    """The open hour, and what is older than the window, do not count."""
    tokens = {TOP: 1, TOP - HOUR: 10, TOP - DAY: 100, TOP - DAY - HOUR: 1000, TOP - 8 * DAY: 10_000}
    usage = [row for hour, count in tokens.items() for row in used(hour, Tokens(count, count))]
    one.poll(NOW, *usage, back=9 * 24)
    shown = one.snapshot(NOW)
    where = MODEL._replace(workspace_id="wrkspc_a")
    assert shown.last_day == (Used("acme", where, Tokens(110, 110)),)
    assert shown.last_week == (Used("acme", MODEL, Tokens(1110, 1110)),)


def test_keys_of_one_workspace_are_one(one):
    """What is compared by workspace and model is summed over keys."""
    usage = used(TOP - HOUR, 5, key="a") + used(TOP - HOUR, 7, key="b")
    one.poll(NOW, *usage, back=24)
    assert [use.tokens.input for use in one.snapshot(NOW).last_day] == [12]


def inputs(recent):
    return [use.tokens.input for use in recent]


def test_a_window_is_absent_until_all_of_it_was_read(one):
    """Three hours of history are no day, a day is no week; the history load completes them."""
    one.poll(NOW, *used(TOP - HOUR, 1), back=3)
    first = one.snapshot(NOW)
    one.load(NOW, Window(TOP - DAY, TOP - 3 * HOUR), *used(TOP - 20 * HOUR, 10))
    second = one.snapshot(NOW)
    one.load(NOW, Window(TOP - 7 * DAY, TOP - DAY), *used(TOP - 5 * DAY, 100))
    third = one.snapshot(NOW)
    assert [inputs(each.last_day) for each in (first, second, third)] == [[], [11], [11]]
    assert [inputs(each.last_week) for each in (first, second, third)] == [[], [], [111]]


def test_windows_end_where_the_data_end(one):
    """Half a day without a poll makes no day of half the tokens."""
    usage = [row for back in (1, 20, 30) for row in used(TOP - back * HOUR, 5)]
    one.poll(NOW, *usage, back=48)
    assert inputs(one.snapshot(NOW + DAY / 2).last_day) == [10]


def test_the_last_hour_is_complete_when_it_was_read_after_its_end(one):
    """Some minutes after its end an hour may still get usage; then it counts."""
    usage = used(TOP - HOUR, 5)
    one.poll(TOP, *usage, back=48)
    early = one.snapshot(TOP)
    one.poll(TOP + LATE, *usage)
    assert (inputs(early.last_day), inputs(one.snapshot(TOP + LATE).last_day)) == ([], [5])
