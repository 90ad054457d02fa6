"""The hours that bands are made of: whole days that were read, of the scopes that spend most."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.ledger.base import Batch, Settings
from claude_cost_exporter.records import Window
from claude_cost_exporter.snapshot import Scope
from tests.support.ledger import INPUT_NANO, MODEL, Account, used

NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
TODAY = NOW.replace(hour=0, minute=0)
ALL = Scope("acme", "all", "all")


@pytest.fixture
def one(tmp_path):
    account = Account(f"sqlite:///{tmp_path}/ledger.db", Settings(), NOW)
    yield account
    account.ledger.close()


def test_whole_days_until_midnight(one):
    """Three and a half days that were read are three days of hours; idle hours cost 0."""
    usage = used(TODAY - 2 * HOUR, 5) + used(TODAY + HOUR, 7)
    one.poll(NOW, *usage, back=3 * 24 + 22)
    series = one.snapshot(NOW).past[ALL]
    assert series.start == TODAY - 3 * DAY
    assert len(series.amounts) == 72
    assert series.amounts[70] == 5 * INPUT_NANO
    assert sum(series.amounts) == 5 * INPUT_NANO


def test_late_usage_is_seen_within_an_hour(one):
    """What was read is kept for the hour, and read anew in the next one."""
    one.poll(NOW, *used(TODAY - HOUR, 5), back=48)
    one.poll(NOW + HOUR / 4, *used(TODAY - HOUR, 9), back=48)
    assert one.snapshot(NOW + HOUR / 4).past[ALL].amounts[-1] == 5 * INPUT_NANO
    assert one.snapshot(NOW + HOUR).past[ALL].amounts[-1] == 9 * INPUT_NANO


def test_history_that_was_just_loaded_counts_at_once(one):
    """A chunk of history lengthens the past without waiting for the next hour."""
    one.poll(NOW, *used(TODAY - HOUR, 5), back=34)
    end = TODAY - DAY
    one.load(NOW, Window(end - 6 * DAY, end), *used(end - HOUR, 3))
    series = one.snapshot(NOW).past[ALL]
    assert series.start == TODAY - 7 * DAY
    assert sum(series.amounts) == 8 * INPUT_NANO


def test_the_models_that_cost_most_are_watched(one):
    """Of twelve models the ten with the largest spend have a past."""
    usage = [
        row
        for n in range(12)
        for row in used(TODAY - HOUR, 10 + n, dims=MODEL._replace(model=f"claude-m{n:02}"))
    ]
    one.poll(NOW, *usage, back=48)
    past = one.snapshot(NOW).past
    assert {scope.member for scope in past if scope.kind == "model"} == {
        f"claude-m{n:02}" for n in range(2, 12)
    }


def read(one, account, *usage, back=48):
    """Let another account of the ledger have been read up to now."""
    one.ledger.register(account, "anthropic")
    window = Window(TODAY - back * HOUR, NOW.replace(minute=0) + HOUR)
    one.ledger.upsert(Batch(account, "usage", window, NOW, list(usage)))


def test_the_largest_members_are_those_of_all_accounts(one):
    """A model that is twelfth in each of two accounts is first over both, and watched in both."""
    own, shared = ([f"{name}{n}" for n in range(11)] for name in ("a", "b"))
    for account, models in (("acme", own), ("b", shared)):
        usage = [used(TODAY - HOUR, 10, dims=MODEL._replace(model=model)) for model in models]
        usage.append(used(TODAY - HOUR, 9, dims=MODEL._replace(model="claude-both")))
        read(one, account, *(row for rows in usage for row in rows))
    models = [scope for scope in one.snapshot(NOW).past if scope.kind == "model"]
    assert len({scope.member for scope in models}) == 10
    assert {scope.account for scope in models if scope.member == "claude-both"} == {"acme", "b"}


def test_an_account_that_spends_nothing_is_known(one):
    """Its hours are zeros, rather than unknown, which would hide the bands of every account."""
    read(one, "acme", *used(TODAY - HOUR, 5))
    read(one, "idle")
    series = one.snapshot(NOW).past[Scope("idle", "all", "all")]
    assert (series.start, list(series.amounts)) == (TODAY - 2 * DAY, [0] * 48)


def test_an_account_that_spends_nothing_any_more_keeps_its_past(one):
    """What was spent before the last four weeks is still among its hours."""
    read(one, "acme", *used(TODAY - 40 * DAY, 5), back=50 * 24)
    series = one.snapshot(NOW).past[ALL]
    assert (len(series.amounts), sum(series.amounts)) == (50 * 24, 5 * INPUT_NANO)


def test_half_a_day_is_no_past(one):
    """Before one whole day was read there is nothing to compare with."""
    one.poll(NOW, *used(TODAY - HOUR, 5), back=20)
    assert one.snapshot(NOW).past == {}


def test_days_and_hours_reach_as_far_back_as_views_need(one):
    """Every day of the total, a month of its hours, last month's days of a model in no budget."""
    one.poll(NOW, *used(NOW, 5), back=3)
    model = Scope("acme", "model", "claude-x-1")
    usage = [row for back in (400, 80, 30) for row in used(TODAY - back * DAY, 1)]
    one.load(NOW, Window(TODAY - 400 * DAY, NOW.replace(minute=0)), *usage)
    shown = one.snapshot(NOW)
    assert {(TODAY.date() - day).days for day in shown.days[ALL]} == {0, 30, 80, 400}
    assert {(TODAY.date() - day).days for day in shown.days[model]} == {0, 30}
    assert {(TODAY - hour).days for hour in shown.hours[ALL]} == {-1, 30}
