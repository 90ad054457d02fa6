"""Roll-up: old hour rows become day rows, and no sum changes."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

from claude_cost_exporter.clock import HOUR
from claude_cost_exporter.ledger.base import BillBatch
from claude_cost_exporter.records import Window
from tests.support.ledger import INPUT_NANO, START, used


def stored(tmp_path):
    """Return rows by bucket width, input tokens and cost of the ledger file."""
    connection = sqlite3.connect(tmp_path / "ledger.db")
    widths = dict(connection.execute("select bucket_seconds, count(*) from usage group by 1"))
    sums = connection.execute("select sum(input), sum(cost) from usage").fetchone()
    connection.close()
    return widths, sums


def test_roll_up_keeps_every_sum(account, tmp_path):
    """Rows older than 100 days become day rows; tokens and cost stay the same."""
    first = START.replace(hour=0, minute=0)
    rows = [row for hour in range(30) for row in used(first + hour * HOUR, 10 + hour)]
    account.poll(first + 29.5 * HOUR, *rows, back=29)
    widths, before = stored(tmp_path)
    assert widths == {3600: 60}
    account.reopen(START)
    account.poll(first + timedelta(days=101, hours=1), *rows, back=101 * 24)
    widths, after = stored(tmp_path)
    assert widths == {86_400: 2, 3600: 12}
    assert after == before


def test_an_hour_stands_beside_the_day_that_begins_with_it(account, tmp_path):
    """A late row of a day that was rolled up leaves the day's row alone, and then joins it."""
    midnight = START.replace(hour=0, minute=0)
    account.poll(midnight + 23.5 * HOUR, *used(midnight, 5), *used(midnight + HOUR, 8), back=23)
    first, second = (midnight + timedelta(days=days) for days in (102, 103))
    account.poll(first, *used(midnight, 5), *used(midnight + HOUR, 8), back=102 * 24)
    assert stored(tmp_path) == ({86_400: 2}, (26, 26 * INPUT_NANO))
    late = Window(midnight, midnight + HOUR)
    for tokens in (3, 4, 4):
        account.load(first, late, *used(midnight, tokens))
        widths, sums = stored(tmp_path)
        assert widths == {86_400: 2, 3600: 2}
        assert sums == (26 + 2 * tokens, (26 + 2 * tokens) * INPUT_NANO)
    account.poll(second, back=30)
    assert stored(tmp_path) == ({86_400: 2}, (34, 34 * INPUT_NANO))


def test_roll_up_leaves_a_day_that_is_loaded_in_part(account, tmp_path):
    """A day that the history load has cut in two is rolled up when its first half is there too."""
    noon = START.replace(hour=12, minute=0) - timedelta(days=200)
    midnight = noon - 12 * HOUR
    account.poll(START, back=0)
    recent = START.replace(minute=0)
    account.load(START + timedelta(days=1), Window(noon, recent), *used(noon, 5))
    assert stored(tmp_path)[0] == {3600: 2}
    before = Window(noon - 24 * HOUR, noon)
    account.load(START + timedelta(days=2), before, *used(midnight, 7))
    assert stored(tmp_path) == ({86_400: 2}, (24, 24 * INPUT_NANO))


def test_roll_up_does_not_wait_for_other_sources(account, tmp_path):
    """How far back another source has been read says nothing about old hour rows."""
    first = START.replace(hour=0, minute=0)
    account.poll(first + 23.5 * HOUR, *used(first, 5), back=23)
    account.reopen(START)
    now = first + timedelta(days=102)
    yesterday = Window(now - timedelta(days=1), now)
    account.ledger.bill(BillBatch("acme", "cost", yesterday, now, (), ("bill/legacy",)))
    account.poll(now, *used(first, 5), back=102 * 24)
    assert stored(tmp_path)[0] == {86_400: 2}
