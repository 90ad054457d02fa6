"""The counters: where they start, that they never fall, what they leave out."""

from __future__ import annotations

from datetime import timedelta

import pytest

from claude_cost_exporter.clock import HOUR
from claude_cost_exporter.errors import LedgerError
from claude_cost_exporter.ledger.base import Settings
from claude_cost_exporter.ledger.counters import CounterStore
from claude_cost_exporter.pricing.rates import Rates
from claude_cost_exporter.records import Window
from tests.support.ledger import INPUT_NANO, MINUTE, MODEL, START, Account, used

HELD = 2 * MINUTE


def test_the_first_poll_is_the_baseline(account):
    """What the first good poll shows of its hour is not counted, what comes after is."""
    account.poll(START, *used(START, 100))
    assert account.cost(START + HELD) == 0
    account.poll(START + HELD, *used(START, 140))
    assert account.cost(START + 2 * HELD) == 40 * INPUT_NANO


def test_rows_before_the_first_hour_never_count(account):
    """History that arrives later moves no counter, but its label sets are there at 0."""
    account.poll(START, *used(START, 100))
    old = START - 30 * HOUR
    window = Window(START.replace(minute=0) - 40 * HOUR, START.replace(minute=0) - 3 * HOUR)
    account.load(START, window, *used(old, 500, ws="wrkspc_old"))
    series = account.counter(START, "llm_cost_usd_total")
    assert series == {
        ("wrkspc_a", "claude-x-1", "standard", "standard", "tokens", "input"): 0,
        ("wrkspc_old", "claude-x-1", "standard", "standard", "tokens", "input"): 0,
    }


def test_t1_same_answer_polled_100_times_changes_nothing(account):
    """T1: the same API answer polled N times leaves the counters unchanged."""
    account.poll(START, *used(START, 100))
    account.poll(START + HELD, *used(START, 140))
    before = account.snapshot(START + 2 * HELD)
    for number in range(100):
        changes = account.poll(START + 2 * HELD + number * timedelta(seconds=1), *used(START, 140))
        assert changes.written == 0
    after = account.snapshot(START + 2 * HELD)
    assert (before.counters, before.days) == (after.counters, after.days)


def test_a_new_label_set_is_held_at_zero(account):
    """A label set that is new later shows 0 for the hold, then its value."""
    account.poll(START, *used(START, 100))
    later = START + 10 * MINUTE
    account.poll(later, *used(START, 100), *used(START, 7, ws="wrkspc_new"))
    new = ("wrkspc_new", "claude-x-1", "standard", "standard", "tokens", "input")
    assert account.counter(later, "llm_cost_usd_total")[new] == 0
    just_before = later + timedelta(seconds=89)
    assert account.counter(just_before, "llm_cost_usd_total")[new] == 0
    assert account.counter(later + HELD, "llm_cost_usd_total")[new] == 7 * INPUT_NANO


def test_t5_a_value_that_was_never_shown_waits_again_after_a_crash(account):
    """T5: a label set born just before the process died shows 0 for the hold when it is back."""
    account.poll(START, *used(START, 100))
    born = START + 10 * MINUTE
    account.poll(born, *used(START, 100), *used(START, 7, ws="wrkspc_new"))
    back = born + 20 * MINUTE
    account.reopen(back)
    new = ("wrkspc_new", "claude-x-1", "standard", "standard", "tokens", "input")
    assert account.counter(back, "llm_cost_usd_total")[new] == 0
    assert account.counter(back + HELD, "llm_cost_usd_total")[new] == 7 * INPUT_NANO


def test_failing_commits_neither_count_nor_hold_for_ever(account, monkeypatch):
    """What was not committed is forgotten, and a hold goes on while other writes fail."""
    account.poll(START, *used(START, 100))
    born = START + 10 * MINUTE
    account.poll(born, *used(START, 100), *used(START, 7, ws="wrkspc_new"))

    def broken(*_):
        raise LedgerError("no space left")

    for minute in range(1, 4):
        with monkeypatch.context() as failing:
            failing.setattr("claude_cost_exporter.ledger.reading.advance", broken)
            with pytest.raises(LedgerError):
                account.poll(born + minute * MINUTE, *used(START, 1000))
        account.snapshot(born + minute * MINUTE)
    assert account.cost(born + 4 * MINUTE) == 7 * INPUT_NANO


def test_a_reload_that_fails_is_made_up_for(account, monkeypatch):
    """When even reading back fails, nothing of it is shown later: the next transaction reads."""
    account.poll(START, *used(START, 0))
    account.poll(START + MINUTE, *used(START, 100))
    assert account.cost(START + 3 * MINUTE) == 100 * INPUT_NANO

    def broken(*_):
        raise LedgerError("input/output error")

    with monkeypatch.context() as failing:
        failing.setattr("claude_cost_exporter.ledger.reading.advance", broken)
        with pytest.raises(LedgerError):
            account.poll(START + 3 * MINUTE, *used(START, 200))
        failing.setattr(CounterStore, "load", broken)
        with pytest.raises(LedgerError):
            account.snapshot(START + 4 * MINUTE)
    assert account.cost(START + 5 * MINUTE) == 100 * INPUT_NANO
    account.poll(START + 6 * MINUTE, *used(START, 200))
    assert account.cost(START + 6 * MINUTE) == 200 * INPUT_NANO


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_a_clock_step_does_not_move_the_hold(account, step):
    """The hold lasts as long as it lasts, whatever the wall clock does meanwhile."""
    account.poll(START, *used(START, 100))
    account.poll(START + MINUTE, *used(START, 107))
    account.clock.step_wall(step)
    stepped = account.clock.now()
    assert account.cost(stepped + timedelta(seconds=29)) == 0
    assert account.cost(stepped + timedelta(seconds=30)) == 7 * INPUT_NANO


def test_a_clock_step_does_not_hold_again(account):
    """A wall clock that steps back does not take a value away that has been exposed."""
    account.poll(START, *used(START, 100))
    account.poll(START + MINUTE, *used(START, 107))
    assert account.cost(START + 5 * MINUTE) == 7 * INPUT_NANO
    assert account.cost(START - HOUR) == 7 * INPUT_NANO


def test_what_ends_before_the_ledger_begins_is_refused(account):
    """A read that does not touch what was read would claim the hole between: nothing is stored."""
    account.poll(START, *used(START, 100))
    before = account.ledger.progress("acme", "usage"), account.snapshot(START).days
    with pytest.raises(LedgerError, match="the ledger begins at 2026-11-03T07:00:00Z: is the clo"):
        account.poll(START - 30 * HOUR, *used(START - 30 * HOUR, 500))
    after = account.ledger.progress("acme", "usage"), account.snapshot(START).days
    assert after == before
    account.poll(START + MINUTE, *used(START, 140))
    assert account.cost(START + 2 * HELD) == 40 * INPUT_NANO


def test_t6_a_downward_restatement_waits_for_growth(account):
    """T6: a bucket revised down does not lower the counter; later growth absorbs it."""
    account.poll(START, *used(START, 0))
    account.poll(START + MINUTE, *used(START, 100))
    assert account.cost(START + 5 * MINUTE) == 100 * INPUT_NANO
    account.poll(START + 6 * MINUTE, *used(START, 60))
    assert account.cost(START + 6 * MINUTE) == 100 * INPUT_NANO
    account.poll(START + 7 * MINUTE, *used(START, 90))
    assert account.cost(START + 7 * MINUTE) == 100 * INPUT_NANO
    account.poll(START + 8 * MINUTE, *used(START, 130))
    assert account.cost(START + 8 * MINUTE) == 130 * INPUT_NANO


def test_t5_a_restart_keeps_the_counters(account):
    """T5: after a restart the counter goes on where it was, and counts what was missed."""
    account.poll(START, *used(START, 10))
    account.poll(START + MINUTE, *used(START, 50))
    assert account.cost(START + 5 * MINUTE) == 40 * INPUT_NANO
    account.reopen(START + 20 * MINUTE)
    assert account.cost(START + 20 * MINUTE) == 40 * INPUT_NANO
    account.poll(START + 21 * MINUTE, *used(START, 80))
    assert account.cost(START + 21 * MINUTE) == 70 * INPUT_NANO


def test_a_key_that_disappears_becomes_zero(account):
    """A stored key that is absent from a complete read is 0 from then on."""
    account.poll(START, *used(START, 10))
    account.poll(START + MINUTE, *used(START, 10), *used(START, 5, key="apikey_b"))
    account.poll(START + 2 * MINUTE, *used(START, 10))
    day = account.snapshot(START + 2 * MINUTE).days
    by_key = {scope.member: sum(v.values()) for scope, v in day.items() if scope.kind == "api_key"}
    assert by_key == {"apikey_a": 10 * INPUT_NANO, "apikey_b": 0}


def test_t7_usage_after_midnight_counts_yesterday_once(url):
    """T7: usage that arrives after UTC midnight for yesterday is counted once, in yesterday."""
    account = Account(url, Settings())
    evening = START.replace(hour=23, minute=50)
    account.poll(evening, *used(evening, 10))
    after_midnight = evening + 20 * MINUTE
    for minute in range(3):
        account.poll(after_midnight + minute * MINUTE, *used(evening, 25))
    snapshot = account.snapshot(after_midnight + 5 * MINUTE)
    (total,) = (days for scope, days in snapshot.days.items() if scope.kind == "all")
    assert total == {evening.date(): 25 * INPUT_NANO}
    assert account.cost(after_midnight + 5 * MINUTE) == 15 * INPUT_NANO
    account.ledger.close()


def test_a_row_of_zeros_is_no_usage(account):
    """What was listed with nothing in it makes no series, and makes none look used."""
    now = START + 40 * 24 * HOUR
    idle = MODEL._replace(model="claude-idle-1")
    account.poll(START, *used(START, 5))
    account.poll(now, *used(now, 0), *used(now, 0, dims=idle, ws="wrkspc_idle"))
    snapshot = account.snapshot(now)
    assert snapshot.in_use == {"acme": frozenset()}
    labels = {label for series in snapshot.counters.values() for one in series for label in one}
    assert not labels & {"claude-idle-1", "wrkspc_idle"}
    account.poll(now, *used(now, 7, dims=idle))
    assert account.snapshot(now).in_use == {"acme": frozenset({idle})}


def test_restatements_of_settled_hours_are_counted(account):
    """Only hours that had been read an hour after their end count as restated."""
    settled, fresh = START - 2 * HOUR, START
    account.poll(START, *used(settled, 100), *used(fresh, 100))
    account.poll(START + MINUTE, *used(settled, 90), *used(fresh, 500))
    account.poll(START + 2 * MINUTE, *used(settled, 120), *used(fresh, 500))
    restated = account.counter(START + 10 * MINUTE, "llm_cost_restated_usd_total")
    assert restated == {("up",): 30 * INPUT_NANO, ("down",): 10 * INPUT_NANO}


def test_t10_unknown_model_has_tokens_but_no_cost(account):
    """T10: tokens without a price are counted as unpriced, and their cost is absent, not 0."""
    unknown = Rates(None, 10**7, origin="", reason="unknown_model")
    account.poll(START, *used(START, 100, rates=unknown))
    account.poll(START + MINUTE, *used(START, 160, rates=unknown))
    later = START + 5 * MINUTE
    assert account.counter(later, "llm_cost_usd_total") == {}
    unpriced = account.counter(later, "llm_unpriced_tokens_total")
    assert unpriced == {("claude-x-1", "standard", "input", "unknown_model"): 60}
    shown = {scope.kind for scope in account.snapshot(later).days}
    assert shown.isdisjoint({"model", "workspace", "api_key", "token_type"})


def test_a_row_keeps_the_rates_it_was_born_with(account):
    """A price change reaches new buckets only: rows read again keep their first rates."""
    account.poll(START, *used(START, 0))
    account.poll(START + MINUTE, *used(START, 10))
    dearer = Rates((9_000_000_000,) * 5, 10**7, origin="override")
    account.poll(START + 2 * MINUTE, *used(START, 30, rates=dearer))
    assert account.cost(START + 5 * MINUTE) == 30 * INPUT_NANO


def test_t14_beyond_the_cap_new_label_sets_go_to_other(url):
    """T14: the series cap holds, for ever, and says how many label sets it dropped."""
    account = Account(url, Settings(series_cap=3))
    account.poll(START, *used(START, 1))
    many = [row for n in range(10) for row in used(START, 5, key=f"apikey_{n}")]
    account.poll(START + MINUTE, *used(START, 1), *many)
    family = "llm_api_key_cost_usd_total"
    later = START + 5 * MINUTE
    assert len(account.counter(later, family)) == 4
    assert sum(account.counter(later, family).values()) == 50 * INPUT_NANO
    account.reopen(later)
    account.poll(later, *used(START, 1), *many)
    assert account.snapshot(later).series_dropped[family] == 8
    assert sum(account.counter(later, family).values()) == 50 * INPUT_NANO
    account.ledger.close()
