"""Polls that fail, are under way or catch up: what a scrape shows meanwhile, and afterwards."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from claude_cost_exporter.simulator import Switches, faults
from tests.support.simulated import USAGE, counted, run

FAILURES = {
    "unauthorized": faults.error(401),
    "forbidden": faults.error(403),
    "bad_request": faults.error(400),
    "not_found": faults.error(404),
    "rate_limited": faults.rate_limited(),
    "server_error": faults.error(529),
    "transport": faults.dropped(),
    "parse": faults.html(200),
    "pagination": faults.body(b'{"data": [], "has_more": true, "next_page": null}'),
    "body_too_large": faults.giant(70_000_000),
    "clock_skew": faults.clock_off(timedelta(hours=2)),
}
UP = 'llm_source_up{account="sim",provider="anthropic",source="usage"} '


@pytest.mark.parametrize("kind", FAILURES)
def test_t9_every_failure_has_its_own_kind(simulated, kind):
    """T9: each way to fail is a kind of its own in the error metric, and ends when it ends."""
    run(simulated, 0.5)
    simulated.simulator.faults.add(FAILURES[kind], times=500, endpoint=USAGE)
    simulated.poll()
    text = simulated.text()
    assert f'_poll_failures_total{{account="sim",kind="{kind}",source="usage"}} 1.0' in text
    assert text.count("claude_cost_exporter_poll_failures_total{") == 1
    assert UP + "0.0" in text
    simulated.simulator.faults.clear()
    simulated.wait(minutes=16)  # longer than any answer asked to wait
    simulated.poll()
    assert simulated.source().error == ""
    assert UP + "1.0" in simulated.text()


@pytest.mark.parametrize("hours_off", [2, -2])
@pytest.mark.parametrize("from_the_start", [False, True])
def test_a_clock_two_hours_off_loses_nothing(simulated, hours_off, from_the_start):
    """While this machine's clock is off, nothing counts and both times are named; then all does."""
    if not from_the_start:
        run(simulated, 1)
    before, off = simulated.counter(), timedelta(hours=hours_off)
    simulated.clock.step_wall(off)
    simulated.simulator.switches = Switches(clock_skew_seconds=-off.total_seconds())
    run(simulated, 0.5)
    theirs = simulated.clock.now() - off - timedelta(minutes=5)
    assert (
        f"this machine's clock says {theirs + off:%Y-%m-%dT%H:%M:%SZ} and the API says "
        f"{theirs:%Y-%m-%dT%H:%M:%SZ}, 7200 s apart"
    ) in simulated.source().error
    assert UP + "0.0" in simulated.text()
    assert simulated.counter() == before
    simulated.clock.step_wall(-off)
    simulated.simulator.switches = Switches()
    baseline = counted(simulated) if from_the_start else 0  # what was there before the first poll
    run(simulated, 2)
    simulated.wait(minutes=10)
    simulated.poll()
    simulated.wait(minutes=4)
    simulated.poll()
    assert simulated.source().error == ""
    assert UP + "1.0" in simulated.text()
    assert simulated.counter() == counted(simulated) - baseline > 0
    assert simulated.counter("llm_api_key_cost_usd_total") == simulated.counter()


AGES = ("source_up", "source_last_success", "source_data_watermark", "source_catching_up")


def data_lines(text):
    """Return the samples that are about money, tokens and prices, not about health."""
    return [
        line
        for line in text.splitlines()
        if line.startswith("llm_") and not line.startswith(tuple(f"llm_{age}" for age in AGES))
    ]


def test_t4_a_failing_endpoint_keeps_the_last_values(simulated):
    """T4: with the endpoint at 500 every value stays, `up` is 0, and the last success grows old."""
    run(simulated, 1)
    text = simulated.text()
    (success,) = re.findall(r'last_success_timestamp_seconds{.*"usage"} (\S+)', text)
    simulated.simulator.faults.add(faults.error(500), times=5_000, endpoint=USAGE)
    for _ in range(6):
        simulated.poll()
        simulated.wait(minutes=5)
    later = simulated.text()
    assert UP + "0.0" in later
    assert re.findall(r'last_success_timestamp_seconds{.*"usage"} (\S+)', later) == [success]
    assert simulated.clock.now().timestamp() - float(success) > 30 * 60
    kept = [line for line in data_lines(text) if "_total{" in line]
    assert kept
    assert [line for line in data_lines(later) if "_total{" in line] == kept
    assert {line.split()[0] for line in data_lines(later)} == {
        line.split()[0] for line in data_lines(text)
    }


NIL = (b"", b"null", b"{}", b'{"error": null}', b'{"error": {"message": null}}', b"[]", b"0")


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("body", NIL)
def test_t20_a_nil_payload_does_not_end_the_process(simulated, status, body):
    """T20: an answer of nothing, good or bad, is a failed poll with a sentence, and then over."""
    simulated.poll()
    fault = faults.Fault(status, body=body, headers=(("x-should-retry", "false"),))
    simulated.simulator.faults.add(fault, times=20)
    simulated.wait(hours=2)
    simulated.poll()
    assert {attempt.error != "" for attempt in simulated.poller.attempts.values()} == {True}
    assert "internal" not in simulated.text()
    simulated.simulator.faults.clear()
    simulated.wait(minutes=6)
    simulated.poll()
    assert {attempt.error for attempt in simulated.poller.attempts.values()} == {""}


def test_t15_a_scrape_during_a_poll_sees_the_last_whole_set(simulated):
    """T15: between any two requests of a poll a scrape gets the set of before, and it is whole."""
    simulated.rendered = True
    simulated.restart()
    run(simulated, 1)
    answer, seen = simulated.simulator.handle, []

    def handle(request):
        seen.append(simulated.exporter.publisher.current)
        return answer(request)

    before = simulated.exporter.publisher.current
    simulated.simulator.handle = handle
    simulated.wait(minutes=1)
    simulated.poll()
    after = simulated.exporter.publisher.current
    texts = [one.exposition.text.plain.decode() for one in (before, *seen, after)]
    assert len(seen) > 2
    assert {len(data_lines(text)) for text in texts} == {len(data_lines(texts[0]))}
    assert seen[-1] is not after


def test_a_gap_is_marked_as_catching_up(simulated):
    """After a long gap between good polls `catching_up` is 1 for one hour, then 0."""
    run(simulated, 1)
    simulated.simulator.faults.add(FAILURES["bad_request"], times=8, endpoint=USAGE)
    run(simulated, 40 / 60)
    line = 'llm_source_catching_up{account="sim",provider="anthropic",source="usage"} '
    assert line + "1.0" in simulated.text()
    run(simulated, 30 / 60)
    assert line + "1.0" in simulated.text()
    run(simulated, 15 / 60)
    assert line + "0.0" in simulated.text()
