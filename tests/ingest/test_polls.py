"""Polling one account: what a failure leaves, when polls begin, and whose usage counts."""

from __future__ import annotations

from datetime import timedelta
from threading import Event

from structlog.testing import capture_logs

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.errors import ParseError, StoppedError
from claude_cost_exporter.records import OrganizationRecord
from tests.support.polling import ACME, NANO_OF_AN_HOUR, OPEN, START, fail_with

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
