"""Simulated days through real Prometheus: what increase() says, beside what was spent.

Three days for each fault, five for all faults together, and five for each in `make soak`.

What is compared. A simulator knows exactly what was used in every minute, and shows it 2 to 5
minutes after the minute's end, as the Admin API does. The exporter polls it every 5 minutes and
is scraped every 60 s, in simulated time at full speed (tests/support/scrapes.py). What each
scrape would have been answered is written as OpenMetrics with the scrape's time, loaded with
promtool, and asked for over HTTP:

    sum(increase(llm_cost_usd_total[WINDOW]))    5 minutes after the window's end

The truth it is compared with is what was spent inside the window, by the time of the usage and
after all corrections; nothing is shifted to make the two agree. So an error holds, on purpose:

- what the API or the exporter had not shown by then. With polls every 5 minutes that is up to
  the spend of 5 minutes at each end of the window; `unlucky phase` (in a soak) polls just
  too late.
- what increase() makes up: it stretches the samples to the whole window, by one scrape
  interval: 60 s are 0.07 % of a day, 1.7 % of an hour.

So a day is within 0.1 % as long as both its ends meet the polls at about the same phase. When
the phase moves inside a day, the spend of up to 5 minutes at midnight comes on top: in the worst
case that was found, by a restart, the error of one day is +0.14 %. No case here is that unlucky;
an outage does not move it, because the exporter keeps its rhythm.

The total is asked for from before the first sample on; a counter that starts at 0 is not
stretched to the left. Nothing marks in the file that a scrape failed (Prometheus would store a
staleness marker); range functions skip such marks.
"""

from __future__ import annotations

import multiprocessing
import random
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import timedelta

import pytest

from claude_cost_exporter.records import NANO
from claude_cost_exporter.simulator.scenarios import NEW_MODEL
from tests.e2e.accuracy import measure, table
from tests.e2e.servers import Prometheus
from tests.support.five_days import (
    BY_NAME,
    CASES,
    FIRST_POLL,
    FIRST_SCRAPE,
    FURTHER,
    UNSEEN_HOLD,
    record,
)
from tests.support.scrapes import ScrapedRun
from tests.support.simulated import START
from tests.support.telling import report, say

TOTAL = 1e-4
DAY = 1e-3
HOURS = 0.1  # nobody promises an hour; this notices when one gets worse
LEDGER_KEPT = [case.name for case in CASES if not any(stop.harm for stop in case.stops)]
LEDGER_LOST = [name for name in BY_NAME if name not in LEDGER_KEPT]


@pytest.fixture(scope="session")
def recorded(request, both_prometheus_tools, tmp_path_factory):
    """The truth of every case, and the folder of each Prometheus that holds all recordings.

    The cases run side by side, in processes of their own. That takes minutes, so each says when
    it is done.
    """
    for case in FURTHER:
        if case not in CASES:
            say(request.config, f"left out: five days, {case.name}: `make soak` runs it")
    homes = {tools: tmp_path_factory.mktemp("prometheus") for tools in both_prometheus_tools}
    stores = {home / "data": tools for tools, home in homes.items()}
    folders = [tmp_path_factory.mktemp("five-days") for _ in CASES]
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as processes:
        names = {
            processes.submit(record, case, folder, stores): case.name
            for case, folder in zip(CASES, folders, strict=True)
        }
        for number, done in enumerate(as_completed(names), 1):
            done.result()
            report(request.config, f"five days, {names[done]}: done ({number} of {len(names)})")
    return {name: done.result() for done, name in names.items()}, homes


@pytest.fixture(scope="module")
def measured(request, prometheus_tools, recorded):
    """What one Prometheus says about every case."""
    truths, homes = recorded
    with Prometheus(prometheus_tools, homes[prometheus_tools]) as prometheus:
        found = {name: measure(prometheus, name, truth) for name, truth in truths.items()}
    say(request.config, "\n".join(table(prometheus_tools.version, found)))
    return found


@pytest.mark.parametrize("name", BY_NAME)
def test_the_total_is_right(measured, name):
    """The total is within 0.01 % of all that was spent while there was a ledger to count it."""
    one = measured[name]
    missed = sum(one.truth.missed.values())

    assert abs(one.total * NANO + missed) <= TOTAL * one.truth.total


@pytest.mark.parametrize("name", BY_NAME)
def test_every_day_is_right(measured, name):
    """A day is within 0.1 %, unless it was restated when closed, or a ledger was lost in it."""
    one = measured[name]
    for day, (error, spent) in enumerate(zip(one.days, one.truth.days, strict=True)):
        within, missed = DAY * spent, one.truth.missed.get(day, 0)
        if day in BY_NAME[name].closed_days:
            within += one.truth.restated_down

        assert abs(error * NANO + missed) <= within, f"day {day + 1}"


@pytest.mark.parametrize("name", BY_NAME)
def test_hours_are_right_on_average(measured, name):
    """The mean |error| of an hour is below 10 % of the mean hour."""
    assert measured[name].hourly_error < HOURS


@pytest.mark.parametrize("name", LEDGER_KEPT)
def test_the_counters_end_where_the_api_does(measured, name):
    """At the end the counters sum up to what the last poll was shown, to the nano-dollar."""
    one = measured[name]

    assert sum(one.last.values()) == one.truth.last_shown
    assert one.resets == 0


@pytest.mark.parametrize("name", LEDGER_KEPT)
def test_the_counters_are_never_ahead_of_the_api(measured, name):
    """The counters exceed what the API shows by at most the downward restatements."""
    assert measured[name].excess <= measured[name].truth.restated_down


def test_reattributed_spend_is_counted_twice_until_it_is_absorbed(measured):
    """Spend that moves between workspaces makes the sum exceed the API, within its bound."""
    one = measured["reattribution"]

    assert 0 < one.excess <= one.truth.restated_down
    assert measured["steady"].excess <= 0


def test_t5_restarts_change_nothing(measured):
    """T5: after four restarts, one of them over midnight, every series ends as without any."""
    assert measured["restarts"].last == measured["steady"].last


@pytest.mark.parametrize("name", LEDGER_LOST)
def test_t5_a_lost_ledger_misses_only_the_time_without_it(measured, name):
    """T5: what is missing is what was spent between the last exposure and the first poll after."""
    one = measured[name]

    assert sorted(one.truth.missed) == [1, 2]
    assert min(one.truth.missed.values()) > 0
    missed = sum(one.truth.missed.values())
    assert one.total * NANO == pytest.approx(-missed, abs=TOTAL * one.truth.total)
    assert one.resets > 0


def test_t6_restated_hours_end_as_the_api_shows_them(measured):
    """T6: after -5 % and +5 % in open and closed hours the counters equal the API."""
    one = measured["restatement"]

    assert one.truth.restated_down > 0
    assert sum(one.last.values()) == one.truth.last_shown != measured["steady"].truth.last_shown


def test_t7_rows_that_arrive_after_midnight_count_once_and_for_their_day(measured):
    """T7: late rows, also those of the day before, neither get lost nor count twice."""
    one = measured["late rows"]

    assert one.truth.days == measured["steady"].truth.days
    assert sum(one.last.values()) == one.truth.last_shown < measured["steady"].truth.last_shown
    assert max(map(abs, one.days)) * NANO <= DAY * max(one.truth.days)


def test_the_recording_is_what_scrapes_get(tmp_path):
    """The recording equals, byte by byte, what `serve` would have answered to each scrape.

    The days are recorded from one counter family, rendered only when it can have changed.
    Here everything is rendered at every occasion, over the birth of a model and a restart.
    """

    def scrapes(folder, *, whole):
        random.seed(1)
        folder.mkdir()
        seen = []
        run = ScrapedRun(
            folder,
            NEW_MODEL,
            start=START,
            first_poll=FIRST_POLL,
            first_scrape=FIRST_SCRAPE,
            sink=seen.append,
            whole=whole,
        )
        run.run(timedelta(minutes=70), (UNSEEN_HOLD,))
        return seen

    recording = scrapes(tmp_path / "recording", whole=False)

    assert len(recording) == 61  # one a minute, but for the four in which nobody answered
    assert recording == scrapes(tmp_path / "whole", whole=True)
