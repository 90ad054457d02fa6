"""What a ledger tells of the time before its counters, down to the hour they began in."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from claude_cost_exporter.clock import DAY, HOUR, floor_hour
from claude_cost_exporter.errors import BackfillError, LedgerError
from claude_cost_exporter.ledger.base import Batch, Settings
from claude_cost_exporter.ledger.reader import LedgerReader
from claude_cost_exporter.records import NANO, Window
from tests.support.backfilled import before_the_reset, series_of, write
from tests.support.ledger import INPUT_NANO, MODEL, START, Account, used

COST = "llm_cost_usd_total"
H0 = floor_hour(START)


@pytest.fixture
def account(tmp_path):
    account = Account(f"sqlite:///{tmp_path}/ledger.db", Settings())
    account.ledger.aim_history("acme", "usage", START - DAY)
    yield account
    account.ledger.close()


@pytest.fixture
def past(account, tmp_path):
    """Return a function that gives the only series of llm_cost_usd_total as time -> nano-USD."""

    def written(**options):
        text = write(account.url, tmp_path / "past.om", "acme", **{"partial": True} | options)
        found = before_the_reset(series_of(text))
        (points,) = [points for (name, _), points in found.items() if name == COST]
        return {at: round(value * NANO) for at, value in points}

    return written


def epoch(moment):
    return int(moment.timestamp())


def test_an_hour_is_added_in_equal_parts(account, past):
    """Every step adds a twelfth of the hour, and a full hour has exactly what it cost."""
    account.poll(START, *used(H0 - HOUR, 1000))
    found = past()
    steps = [found[epoch(H0 - HOUR) + 300 * step] for step in range(13)]
    assert steps == [1000 * INPUT_NANO * step // 12 for step in range(13)]


def test_the_first_hour_ends_with_what_the_first_poll_saw(account, past):
    """Half of an hour was seen at half past; what came later counts live and not here."""
    account.poll(START, *used(START, 300))
    account.poll(START + timedelta(minutes=20), *used(START, 1000))
    found = past()
    assert max(found) == epoch(START)
    assert found[epoch(START)] == 300 * INPUT_NANO
    assert found[epoch(H0) + 900] == 150 * INPUT_NANO
    assert account.cost(START + HOUR) == 700 * INPUT_NANO


def test_another_step(account, past):
    """Samples can be a minute apart."""
    account.poll(START, *used(H0 - HOUR, 1000))
    times = sorted(past(step=60))
    assert {later - earlier for earlier, later in pairwise(times)} == {60}


def test_counting_anew_is_written(account, tmp_path):
    """A 0 follows the last value, also for a key that is new since the first poll."""
    account.poll(START, *used(H0 - HOUR, 1000))
    later = START + timedelta(minutes=20)
    account.poll(later, *used(H0 - HOUR, 1000), *used(later, 5, key="apikey_new"))
    found = series_of(write(account.url, tmp_path / "past.om", "acme", partial=True))
    costs = {dict(labels)["api_key_id"]: points for (name, labels), points in found.items()
             if name == "llm_api_key_cost_usd_total"}  # fmt: skip
    begin = epoch(START)
    assert costs["apikey_a"][-2:] == [(begin, 1000 * INPUT_NANO / NANO), (begin + 0.125, 0)]
    assert costs["apikey_new"] == [(begin + 0.125, 0)]


def test_some_days_only(account, tmp_path):
    """Counters rise from 0 at a midnight; gauges of that time know the days before."""
    account.ledger.aim_history("acme", "usage", START - 9 * DAY)
    account.poll(START, *used(H0 - HOUR, 1000))
    rows = [row for days in range(1, 10) for row in used(H0 - days * DAY, 100)]
    account.load(START, Window(START - 9 * DAY, H0), *rows, *used(H0 - HOUR, 1000))
    found = series_of(write(account.url, tmp_path / "past.om", "acme", days=2))
    (cost,) = [points for (name, _), points in found.items() if name == COST]
    midnight = epoch(START.replace(hour=0, minute=0) - 2 * DAY)
    assert min(at for points in found.values() for at, _ in points) > midnight
    assert cost[0] == (epoch(H0 - 2 * DAY), 0)
    assert max(value for _, value in cost) * NANO == pytest.approx(1200 * INPUT_NANO)
    (yesterday,) = [
        dict(points)
        for (name, labels), points in found.items()
        if name == "llm_spend_usd" and {("window", "yesterday"), ("kind", "metered")} <= labels
    ]
    assert yesterday[epoch(H0 - 2 * DAY)] * NANO == pytest.approx(100 * INPUT_NANO)


def test_days_that_were_rolled_up_are_spread_evenly(account):
    """A day of which only the sum is left adds a 24th of it in each hour."""
    day = (START - 120 * DAY).replace(hour=0, minute=0)
    account.poll(START, *used(H0, 12))
    account.load(START, Window(day, H0 - 3 * HOUR), *used(day + 7 * HOUR, 2400))
    account.poll(START + DAY, *used(START + DAY, 5), back=30)
    with LedgerReader(account.url) as ledger, ledger.counter_history(1000) as history:
        (one,) = history.accounts()
        hours = list(history.hours(one))
    costs = [
        sum(amount for (family, _), amount in hour.amounts.items() if family == COST)
        for hour in hours
    ]
    assert hours[0].start == epoch(day)
    assert costs[:24] == [100 * INPUT_NANO] * 24
    assert not any(costs[24:-1])


def test_no_usage_before_the_counters(account, tmp_path):
    """A ledger that has nothing to tell is refused in a sentence, and no file is left."""
    account.poll(START)
    account.load(START, Window(START - DAY, H0))
    with pytest.raises(BackfillError, match="no usage from before"):
        write(account.url, tmp_path / "past.om", "acme")
    assert not list(tmp_path.glob("*past.om*"))


def test_history_that_is_being_loaded(account, tmp_path):
    """It is refused unless that is wanted, because a second time would overlap the first one."""
    account.poll(START, *used(H0 - HOUR, 1000))
    with pytest.raises(BackfillError, match="history of acme is being loaded"):
        write(account.url, tmp_path / "past.om", "acme")
    account.load(START, Window(START - DAY, H0), *used(H0 - HOUR, 1000))
    assert COST in write(account.url, tmp_path / "past.om", "acme")


def test_the_first_poll_is_still_to_come(account, tmp_path):
    """A past that may come is not called none, also where the ledger has not heard of it yet."""
    for name in ("acme", "unheard"):
        with pytest.raises(BackfillError, match=f"history of {name} is being loaded .not begun."):
            write(account.url, tmp_path / "past.om", name)


def test_one_of_two_accounts_is_slow(account, tmp_path):
    """The whole past of one waits for the other: a second time would overlap the first one."""
    account.poll(START, *used(H0 - HOUR, 1000))
    account.load(START, Window(START - DAY, H0), *used(H0 - HOUR, 1000))
    account.ledger.register("slow", "anthropic")
    with pytest.raises(BackfillError, match=r"history of slow is being loaded \(not begun\)"):
        write(account.url, tmp_path / "past.om", "acme", "slow")
    account.ledger.aim_history("slow", "usage", START - DAY)
    end = H0 + HOUR
    account.ledger.upsert(Batch("slow", "usage", Window(end - 4 * HOUR, end), START, []))
    with pytest.raises(BackfillError, match=r"slow is being loaded \(back to 2026-11-03\)"):
        write(account.url, tmp_path / "past.om", "acme", "slow")
    found = series_of(write(account.url, tmp_path / "past.om", "acme", "slow", partial=True))
    assert {dict(labels)["account"] for name, labels in found if name == COST} == {"acme"}
    first = Window(START - DAY, end - 4 * HOUR)
    account.ledger.upsert(
        Batch("slow", "usage", first, START, used(START - DAY, 7), is_history=True)
    )
    found = series_of(write(account.url, tmp_path / "past.om", "acme", "slow"))
    assert {dict(labels)["account"] for name, labels in found if name == COST} == {"acme", "slow"}


def test_accounts_that_are_gone_keep_their_past(account, tmp_path):
    """Counters of an account without a configuration go on, and so does their past."""
    account.poll(START, *used(H0 - HOUR, 1000))
    text = write(account.url, tmp_path / "past.om")
    assert {name for name, _ in series_of(text)} >= {COST, "llm_tokens_total"}


def test_a_ledger_that_is_not_there(tmp_path):
    """The sentence names the file."""
    with pytest.raises(LedgerError, match=r"there is no ledger .*ledger\.db"):
        write(f"sqlite:///{tmp_path}/ledger.db", tmp_path / "past.om")


def test_an_output_that_cannot_be_written(account, tmp_path):
    """The sentence names the file and the reason."""
    account.poll(START, *used(H0 - HOUR, 1000))
    with pytest.raises(BackfillError, match=r"cannot write .*past\.om: No such file"):
        write(account.url, tmp_path / "nowhere" / "past.om", partial=True)


def test_labels_with_every_kind_of_character(account, tmp_path):
    """Quotes, backslashes and new lines of ids are escaped as /metrics escapes them."""
    odd = 'w"\\\n%{'
    account.poll(START, *used(H0 - HOUR, 1000, ws=odd, dims=MODEL))
    text = write(account.url, tmp_path / "past.om", "acme", partial=True)
    assert 'workspace_id="w\\"\\\\\\n%{"' in text
