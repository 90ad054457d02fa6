"""Polling one account: what is read when, what a failure leaves, how history comes in."""

from __future__ import annotations

from datetime import timedelta
from threading import Event

import pytest
from structlog.testing import capture_logs

from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.errors import ParseError, StoppedError
from claude_cost_exporter.records import OrganizationRecord, Window
from tests.support.polling import ACME, START, Polling

OPEN = START.replace(minute=0)
NANO_OF_AN_HOUR = 100 * 3_000  # 100 input tokens at $3 a million


@pytest.fixture
def polling(tmp_path):
    """Make pollings on one ledger file, and close it in the end."""
    made = []

    def make(**options):
        made.append(Polling(tmp_path, **options))
        return made[-1]

    yield make
    for one in made:
        one.ledger.close()


def fail_with(error):
    return lambda window: error


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


# --- failures


def test_t4_a_failed_poll_keeps_everything_and_ages(polling):
    """T4: rows, totals and the last good time stay; the attempt says when and why it failed."""
    one = polling()
    one.poll()
    before = (one.total(), one.progress())
    one.source.fails = fail_with(ParseError("$.data[0].results[0].output_tokens"))
    one.poll(minutes=1)
    assert (one.total(), one.progress()) == before
    attempt = one.attempt()
    assert attempt.error == "$.data[0].results[0].output_tokens"
    assert (attempt.last_good, attempt.at) == (START, START + timedelta(minutes=1))
    assert one.polls.failures == ["", "parse"]


def test_a_defect_ends_a_poll_and_not_the_thread(polling):
    """An exception that nobody expected is a failure of kind internal, with its name."""
    one = polling()
    one.source.fails = fail_with(ZeroDivisionError("division by zero"))
    one.poll()
    assert one.attempt().error == "unexpected ZeroDivisionError: division by zero"
    one.source.fails = fail_with(None)
    one.poll(minutes=1)
    assert one.polls.failures == ["internal", ""]


def test_a_defect_in_the_rendering_does_not_end_the_thread(polling):
    """When what was read cannot be shown, it is still kept, and the next poll goes on."""
    one = polling()

    def break_down():
        raise ZeroDivisionError("division by zero")

    one.listener = break_down
    with capture_logs() as logged:
        one.poll()
        one.poll(minutes=1)
    assert [line["event"] for line in logged] == ["rendering failed"] * 2
    assert one.total() == 4 * NANO_OF_AN_HOUR


def test_a_stop_is_no_failure(polling):
    """A poll that the end of the exporter cut short is neither logged nor counted."""
    one = polling()
    one.source.fails = fail_with(StoppedError("stopped"))
    with capture_logs() as logged:
        one.poll()
    assert (logged, one.polls.failures, one.poller.attempts) == ([], [], {})


def test_one_bad_old_bucket_does_not_hold_up_today(polling):
    """When the month cannot be read again, polls go on, and a note says so until it can."""
    one = polling(history=31 * DAY)
    one.poll()
    while one.poller.load_history():
        pass
    bad = OPEN - 20 * DAY
    one.source.fails = lambda w: ParseError("bad") if w.start <= bad < w.end else None
    one.poll(days=1)
    assert one.attempt().error == "bad"
    for _ in range(3):
        one.poll(minutes=1)
        assert one.attempt().error == ""
        assert "the last 744 h could not be read again: bad" in one.attempt().notes
    assert one.progress().watermark == one.clock.now()
    one.source.fails = fail_with(None)
    one.poll(minutes=5)
    assert one.attempt().notes == ()


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


# --- the thread


def run_until(one, moment):
    """Run the poller's thread body until the clock has passed `moment`."""
    stop, wait = Event(), one.clock.wait

    def waiting(seconds, event):
        if one.clock.now() >= moment:
            stop.set()
        return wait(seconds, event)

    one.clock.wait = waiting
    one.poller.run(stop)


def test_polls_begin_one_interval_after_another(polling):
    """A poll that takes 20 s is followed 40 s later by the next one."""
    one = polling()
    one.source.seconds = 20
    run_until(one, START + 10 * timedelta(minutes=1))
    assert len(one.source.windows) == 11


def test_history_is_loaded_between_polls(polling):
    """While the next poll is not due, parts of history follow each other."""
    one = polling(history=90 * DAY)
    one.source.seconds = 5
    run_until(one, START + timedelta(minutes=5))
    assert one.progress().history_start == OPEN - 90 * DAY


def test_t17_a_slow_api_delays_and_never_stops_anything(polling):
    """T17: when a poll takes longer than its interval, polls still go on, and history gets in."""
    one = polling(history=90 * DAY)
    one.source.seconds = 100
    run_until(one, START + timedelta(hours=1))
    assert one.progress().history_start == OPEN - 90 * DAY
    assert one.clock.now() - one.progress().watermark <= timedelta(seconds=300)


# --- whose usage it is


def test_a_new_ledger_with_one_account_asks_nobody(polling):
    """A single account of a new ledger cannot be another's; it needs no extra request."""
    one = polling()
    one.poll()
    assert one.asked == []


def test_the_owner_is_asked_once_for_each_start(polling):
    """A ledger that knows an owner makes sure, at each start, that it is still the one."""
    one = polling()
    one.ledger.claim("acme", one.owner)
    one.poll()
    one.poll(minutes=1)
    assert one.asked == [False]
    one.restart()
    one.poll(minutes=1)
    assert one.asked == [False, False]


def test_usage_waits_until_its_owner_is_known(polling):
    """While nobody can say whose the key is, nothing of it counts; then everything does."""
    one = polling()
    one.ledger.claim("acme", ACME)
    one.owner = None
    one.poll()
    assert one.attempt().error == "/v1/organizations/me: HTTP 503"
    assert one.source.windows == []
    one.owner = ACME
    one.poll(minutes=1)
    assert one.attempt().error == ""
    assert one.total() == 4 * NANO_OF_AN_HOUR


def test_a_renamed_account_is_told_to_use_its_old_name(polling):
    """An organisation that the ledger knows under another name is not counted under a new one."""
    one = polling()
    one.ledger.claim("acme", ACME)
    one.poll()
    one.restart("acme-2")
    one.poll(minutes=1)
    assert one.attempt().error == (
        "account acme-2 belongs to organisation org-acme, which this ledger knows as account "
        "acme: use the old name again, or a new ledger (ledger.url)"
    )
    assert one.polls.failures == ["", "duplicate_organization"]
    assert one.total("acme-2") == 0
    one.restart("acme")
    one.poll(minutes=1)
    assert one.attempt().error == ""


def test_a_key_of_another_organisation_is_refused(polling):
    """An account keeps its organisation: rows of two never mix under one name."""
    one = polling()
    one.ledger.claim("acme", ACME)
    one.poll()
    before = one.total()
    one.restart()
    one.owner = OrganizationRecord("org-zeta", "Zeta")
    one.poll(minutes=1)
    assert one.attempt().error == (
        "account acme has the key of organisation org-zeta, and in this ledger it is organisation "
        "org-acme: give it a key of that one, or another account name"
    )
    assert one.polls.failures == ["", "other_organization"]
    assert one.total() == before


def test_an_account_that_is_gone_does_not_hinder_another_organisation(polling):
    """A second organisation under a new name is counted beside what is known of the first."""
    one = polling()
    one.ledger.claim("acme", ACME)
    one.poll()
    one.owner = OrganizationRecord("org-zeta", "Zeta")
    one.restart("zeta")
    one.poll(minutes=1)
    assert one.attempt().error == ""
    assert one.ledger.owners() == {"acme": "org-acme", "zeta": "org-zeta"}
