"""Polling one account: which windows are read when, and how history comes in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.errors import ParseError
from claude_cost_exporter.records import Window
from tests.support.polling import NANO_OF_AN_HOUR, OPEN, START, fail_with

# --- windows


def test_what_was_not_read_does_not_count_as_read(polling):
    """A source may say how much of a window it has read; the next window begins there."""
    one = polling()
    one.source.reads = lambda window: Window(window.start, OPEN - HOUR)
    one.poll()
    assert one.progress().watermark == OPEN - HOUR
    one.poll(hours=9)
    assert one.progress().watermark == OPEN - HOUR
    one.source.reads = lambda window: window
    assert one.poll(minutes=1)[0].start == OPEN - HOUR
    assert one.progress().watermark == one.clock.now()


def test_no_time_at_all_is_a_good_poll_that_stores_nothing(polling):
    """A poll that was answered and read nothing is up, and leaves the ledger as it was."""
    one = polling()
    one.source.reads = lambda window: Window(window.start, window.start)
    one.poll()
    assert one.attempt().error == ""
    assert one.progress().watermark is None
    assert one.total() == 0


def test_an_hour_read_up_to_a_minute_is_begun_and_not_complete(polling):
    """The first poll's newest hour is the baseline, however far behind the data are."""
    one = polling()
    reached = OPEN - HOUR + timedelta(minutes=20)
    one.source.reads = lambda window: Window(window.start, reached)
    one.poll()
    assert one.progress().watermark == reached
    assert one.ledger.snapshot(one.clock.now()).accounts[0].counting_since == one.clock.now()
    one.source.reads = lambda window: window
    one.poll(minutes=1)
    one.ledger.snapshot(one.clock.now())
    one.clock.advance(timedelta(minutes=2))
    counted = sum(one.ledger.snapshot(one.clock.now()).counters["llm_cost_usd_total"].values())
    assert counted == NANO_OF_AN_HOUR  # the open hour; the one before is the baseline


def test_history_ends_where_the_provider_has_no_more(polling):
    """History is loaded from where the source says it begins, and not asked for beyond."""
    one = polling(history=30 * DAY)
    one.source.serves_since = OPEN - 10 * DAY
    one.poll()
    while one.poller.load_history():
        pass
    assert one.progress().history_start == one.progress().history_target == OPEN - 10 * DAY
    one.source.serves_since = OPEN - 8 * DAY
    assert not one.poller.load_history()


def test_history_that_cannot_be_read_does_not_turn_in_circles(polling):
    """A chunk of which nothing was read ends the load until the next poll."""
    one = polling(history=5 * DAY)
    one.poll()
    one.source.reads = lambda window: Window(window.start, window.start)
    assert not one.poller.load_history()
    assert one.progress().history_start == OPEN - 3 * HOUR


def test_the_first_poll_reads_three_hours_and_the_open_one(polling):
    """A ledger that knows nothing begins small; older hours are the history load's."""
    assert polling().poll() == [Window(OPEN - 3 * HOUR, OPEN + HOUR)]


def test_a_poll_never_reaches_back_beyond_what_was_loaded(polling):
    """The 48 h of a fresh ledger are what it holds, not what it does not."""
    one = polling()
    one.poll()
    assert one.poll(minutes=61) == [Window(OPEN - 3 * HOUR, OPEN + 2 * HOUR)]


def test_cadences_read_again_what_may_have_changed(polling):
    """With a month in the ledger: 3 h with each poll, 48 h each hour, 31 days each day."""
    one = polling(history=31 * DAY)
    one.poll()
    while one.poller.load_history():
        pass
    one.source.windows.clear()
    for _ in range(24 * 12 + 1):
        one.poll(minutes=5)
    lengths = one.source.lengths()
    assert lengths.count(4) == 24 * 12 + 1 - 24
    assert lengths.count(49) == 23  # the 24th is part of the month
    month = [length for length in lengths if length not in {4, 49}]
    assert sum(month) == 31 * 24 + 1
    assert max(month) <= 7 * 24


def test_after_an_outage_the_window_reaches_back_to_the_last_read(polling):
    """However long nothing was read, no hour is left out, and each part is at most a week."""
    one = polling()
    one.poll()
    read = one.poll(days=40)
    assert read[0].start == OPEN
    assert read[-1].end == OPEN + 40 * DAY + HOUR
    assert [later.start for later in read[1:]] == [sooner.end for sooner in read[:-1]]
    assert max(part.end - part.start for part in read) == 7 * DAY
    known = one.progress()
    assert (known.history_start, known.watermark) == (OPEN - 3 * HOUR, one.clock.now())
    assert known.catching_up_until == one.clock.now() + HOUR


def test_a_long_read_that_breaks_off_is_resumed_where_it_was(polling):
    """Parts that were read completely are kept; the next poll goes on behind them."""
    one = polling()
    one.poll()
    broken = OPEN + 20 * DAY
    one.source.fails = lambda window: ParseError("no") if window.end > broken else None
    one.poll(days=40)
    assert one.attempt().error == "no"
    known = one.progress()
    assert known.last_success == START  # the newest hours were not read
    assert broken - 7 * DAY <= known.watermark <= broken
    one.restart()
    one.source.fails = lambda window: None
    assert one.poll()[0].start <= known.watermark
    assert one.progress().watermark == one.clock.now()
    assert one.progress().history_start == OPEN - 3 * HOUR


def test_a_large_organisation_is_read_in_smaller_parts(polling):
    """Rows wait in memory until they are stored, so a part holds so many and no more."""
    one = polling(history=20 * DAY)
    one.source.rows_per_hour = 400  # 800 rows with the probe's
    one.poll()
    one.poller.load_history()
    assert one.source.lengths() == [4, 62]


def test_a_clock_that_steps_back_loses_no_hour(polling):
    """After a step back the window still reaches the last read, and what was read stays."""
    one = polling()
    one.poll(hours=5)
    before = one.total()
    one.clock.step_wall(-4 * HOUR)
    one.poll(minutes=1)
    assert one.attempt().error == ""
    one.clock.step_wall(4 * HOUR)
    one.poll(minutes=1)
    assert one.total() >= before
    assert one.progress().watermark == one.clock.now()


# --- history


def test_history_comes_newest_first_and_survives_a_kill(polling):
    """Each part is stored for itself; after a kill the load goes on with the next one."""
    one = polling(history=30 * DAY)
    one.poll()
    assert one.poller.load_history()
    assert one.source.windows[-1] == Window(OPEN - 3 * HOUR - 7 * DAY, OPEN - 3 * HOUR)
    one.restart()
    one.poll()
    one.source.windows.clear()
    assert one.poller.load_history()
    assert one.source.windows == [Window(OPEN - 3 * HOUR - 14 * DAY, OPEN - 3 * HOUR - 7 * DAY)]
    while one.poller.load_history():
        pass
    known = one.progress()
    assert known.history_start == known.history_target == OPEN - 30 * DAY
    assert one.total() == (30 * 24 + 1) * NANO_OF_AN_HOUR


def test_a_kill_in_the_middle_of_a_part_loses_that_part_only(polling):
    """A part that was not stored is read again as a whole."""
    one = polling(history=30 * DAY)
    one.poll()
    one.source.fails = lambda window: KeyboardInterrupt() if window.end < OPEN else None
    with pytest.raises(KeyboardInterrupt):
        one.poller.load_history()
    one.source.fails = fail_with(None)
    one.restart()
    one.poll()
    before = one.total()
    one.poller.load_history()
    assert one.total() - before == 7 * 24 * NANO_OF_AN_HOUR


def test_history_that_fails_waits_and_is_said(polling):
    """A failed part is tried again after the next poll; meanwhile the status says why."""
    one = polling(history=30 * DAY)
    one.poll()
    one.source.fails = lambda window: ParseError("bad") if window.end < OPEN else None
    assert not one.poller.load_history()
    one.poll(minutes=1)
    assert one.attempt().notes == ("older history could not be loaded: bad",)
    one.source.fails = fail_with(None)
    assert one.poller.load_history()
    one.poll(minutes=1)
    assert one.attempt().notes == ()


def test_a_defect_in_the_history_load_does_not_end_the_thread(polling):
    """An exception that nobody expected makes history wait, nothing more."""
    one = polling(history=30 * DAY)
    one.poll()
    one.source.fails = fail_with(ZeroDivisionError("division by zero"))
    with capture_logs() as logged:
        assert not one.poller.load_history()
    assert logged[-1]["event"] == "history waits"
    assert logged[-1]["exc_info"] is True


def test_what_cannot_be_polled_is_not_loaded(polling):
    """While polls fail, the history load does not add to the trouble."""
    one = polling(history=30 * DAY)
    one.poll()
    one.source.fails = fail_with(ParseError("no"))
    one.poll(minutes=1)
    before = len(one.source.windows)
    assert not one.poller.load_history()
    assert len(one.source.windows) == before


def test_a_longer_history_in_the_configuration_is_loaded(polling, tmp_path):
    """When the setting grows, the load goes on from where it had ended."""
    one = polling(history=2 * DAY)
    one.poll()
    while one.poller.load_history():
        pass
    one.ledger.close()
    more = polling(history=5 * DAY)
    more.poll()
    while more.poller.load_history():
        pass
    assert more.progress().history_start == OPEN - 5 * DAY
