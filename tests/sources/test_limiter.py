"""The limiter: a budget for each ten minutes, one request at a time, history beside it."""

from __future__ import annotations

from datetime import timedelta
from threading import Event, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_cost_exporter.clock import ManualClock, SystemClock
from claude_cost_exporter.sources.limiter import Limiter
from tests.support.api import NOW


def limiter(clock, **options):
    return Limiter(clock, Event(), **options)


def most_in_ten_minutes(moments):
    return max(sum(start <= one < start + 600 for one in moments) for start in moments)


@given(st.lists(st.floats(0, 120), min_size=1, max_size=200))
def test_no_ten_minutes_hold_more_than_the_budget(pauses):
    """However requests arrive, no ten minutes hold more than 60 of them."""
    clock = ManualClock(NOW)
    gate, moments = limiter(clock), []
    for pause in pauses:
        with gate.request(history=False):
            moments.append(clock.monotonic())
        clock.advance(timedelta(seconds=pause))
    assert most_in_ten_minutes(moments) <= 60


@pytest.mark.parametrize("share", [1.0, 1 - 1e-9, 0.5])
def test_a_clock_that_wakes_early_does_not_stretch_the_budget(share):
    """Waiting is over when the time has come, not when the clock says that it woke up."""

    class Early(ManualClock):
        def wait(self, seconds, stop):
            return super().wait(seconds * share if seconds > 1 else seconds, stop)

    clock = Early(NOW)
    gate, moments = limiter(clock), []
    for number in range(400):
        with gate.request(history=False):
            moments.append(clock.monotonic())
        clock.advance(timedelta(seconds=number / 7))
    assert most_in_ten_minutes(moments) <= 60


def test_a_burst_of_the_whole_budget_is_not_slowed_down():
    """Pagination may burst: the first 60 requests do not wait."""
    clock = ManualClock(NOW)
    gate = limiter(clock)
    for _ in range(60):
        with gate.request(history=False):
            pass
    assert clock.monotonic() == 0
    assert gate.per_minute() == 6.0


def test_history_is_spaced_and_outside_the_budget():
    """The history load takes one second for each request and nothing of the budget."""
    clock = ManualClock(NOW)
    gate = limiter(clock)
    for _ in range(100):
        with gate.request(history=True):
            pass
    assert clock.monotonic() == pytest.approx(99, abs=0.2)
    assert gate.per_minute() == 0


def test_the_rate_falls_as_requests_grow_old():
    """The metric is over the last ten minutes, also while nobody asks."""
    clock = ManualClock(NOW)
    gate = limiter(clock)
    with gate.request(history=False):
        pass
    assert gate.per_minute() == 0.1
    clock.advance(timedelta(seconds=601))
    assert gate.per_minute() == 0


def test_requests_of_one_organisation_are_serial():
    """A second request starts when the first has ended."""
    gate, order = limiter(SystemClock()), []
    first_runs, may_end = Event(), Event()

    def first():
        with gate.request(history=False):
            first_runs.set()
            may_end.wait()
            order.append("first ended")

    def second():
        with gate.request(history=True):
            order.append("second began")

    threads = [Thread(target=first), Thread(target=second)]
    threads[0].start()
    first_runs.wait()
    threads[1].start()
    assert gate.per_minute() == 0.1  # the metric does not wait for a request to end
    may_end.set()
    for thread in threads:
        thread.join()
    assert order == ["first ended", "second began"]


def test_a_stop_ends_the_wait():
    """Who waits for the budget when the exporter stops waits no longer."""
    stop = Event()
    gate = Limiter(SystemClock(), stop, most=1)
    with gate.request(history=False):
        pass
    done = Event()

    def wait():
        with gate.request(history=False):
            done.set()

    thread = Thread(target=wait, daemon=True)
    thread.start()
    stop.set()
    thread.join(5)
    assert done.is_set()
