"""Retries: what is asked again, after how long, and when enough is enough."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from itertools import pairwise

import httpx
import pytest
import tenacity
from hypothesis import given
from hypothesis import strategies as st

from claude_cost_exporter import errors
from claude_cost_exporter.sources import http
from claude_cost_exporter.sources.refusals import http_date, retry_after
from tests.support.api import NOW, Bench, answer, refused

GOOD = answer(200, {"good": True})
BROKEN = {
    "timeout": httpx.ReadTimeout("The read operation timed out"),
    "connect timeout": httpx.ConnectTimeout("timed out"),
    "reset": httpx.ReadError("[Errno 104] Connection reset by peer"),
    "hung up": httpx.RemoteProtocolError("Server disconnected without sending a response."),
    "refused": httpx.ConnectError("[Errno 111] Connection refused"),
}


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_what_may_pass_is_asked_again(bench, status):
    """Overload, server errors and rate limits are asked again until they are over."""
    bench.api.will(refused(status), refused(status), GOOD)
    assert bench.get() == b'{"good": true}'
    assert bench.observed.statuses == [str(status), str(status), "200"]


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 410, 413, 422])
def test_what_cannot_pass_is_asked_once(bench, status):
    """A refusal that another attempt cannot change is raised at once."""
    bench.error(errors.SourceError, refused(status))
    assert bench.observed.statuses == [str(status)]
    assert bench.clock.monotonic() == 0


@pytest.mark.parametrize("failure", BROKEN.values(), ids=list(BROKEN))
def test_broken_connections_are_asked_again(bench, failure):
    """Timeouts, resets and refused connections are tried again, then named with their host."""
    bench.api.will(failure, failure, GOOD)
    assert bench.get() == b'{"good": true}'
    said = bench.error(errors.TransportError, failure)
    assert "/v1/thing: no answer from api.example.test: " in said
    assert str(failure) in said
    assert "tried " in said


@pytest.mark.parametrize(
    ("status", "said", "requests"),
    [(400, "true", 2), (401, "true", 2), (429, "false", 1), (529, "false", 1), (503, "maybe", 2)],
)
def test_x_should_retry_is_honoured(bench, status, said, requests):
    """The server's own word on trying again counts more than the status."""
    bench.api.will(refused(status, x_should_retry=said), GOOD)
    if requests == 1:
        with pytest.raises(errors.SourceError):
            bench.get()
    else:
        bench.get()
    assert len(bench.api.requests) == requests


AFTER = {
    "seconds": ({"retry_after": "7"}, 7),
    "a fraction": ({"retry_after": "1.5"}, 1.5),
    "milliseconds": ({"retry_after_ms": "2500", "retry_after": "9"}, 2.5),
    "a date": ({"retry_after": format_datetime(NOW + timedelta(seconds=9), usegmt=True)}, 9),
}


@pytest.mark.parametrize(("headers", "seconds"), AFTER.values(), ids=list(AFTER))
def test_t9_retry_after_is_honoured(bench, headers, seconds):
    """T9: the wait is what Retry-After says, as seconds, milliseconds or date, and a bit more."""
    bench.api.will(refused(429, **headers), GOOD)
    bench.get()
    assert seconds <= bench.clock.monotonic() <= seconds + 1


STALE = {
    "a stale reset": {"anthropic_ratelimit_requests_reset": "2026-11-03T10:29:00Z"},
    "a far reset": {"anthropic_ratelimit_requests_reset": "2026-11-09T00:00:00Z"},
    "a date that has passed": {
        "retry_after": format_datetime(NOW - timedelta(hours=1), usegmt=True)
    },
    "a date without a zone": {"retry_after": "Tue, 03 Nov 2026 10:31:00 -0000"},
    "a word": {"retry_after": "soon"},
    "a negative number": {"retry_after": "-5"},
    "nothing": {},
}


@pytest.mark.parametrize("headers", STALE.values(), ids=list(STALE))
def test_t9_a_stale_reset_is_not_trusted(bench, headers):
    """T9: without a usable Retry-After the wait is the client's own, whatever a reset says."""
    bench.api.will(refused(429, **headers), GOOD)
    bench.get()
    assert 0.5 <= bench.clock.monotonic() <= 1.0


def test_waits_grow_and_are_jittered():
    """Each wait is between half and the whole of a limit that doubles up to 20 s."""
    waits = []
    for _ in range(40):
        bench = Bench()
        before = []
        bench.api.before = lambda: before.append(bench.clock.monotonic())  # noqa: B023
        bench.api.will(refused(500))
        with pytest.raises(errors.ServerError):
            bench.get()
        waits.append([later - sooner for sooner, later in pairwise(before)])
        bench.client.close()
    for index, limit in enumerate([1, 2, 4, 8]):
        seen = [wait[index] for wait in waits]
        assert limit / 2 <= min(seen) < max(seen) <= limit
        assert len({round(one, 6) for one in seen}) > 30
    assert max(max(wait) for wait in waits) <= 20


@pytest.mark.parametrize("max_wait", [5, 60, 300, 6 * 3600])
@pytest.mark.parametrize(
    "script",
    [refused(529), refused(429, retry_after="11"), BROKEN["reset"]],
    ids=["529", "429", "reset"],
)
def test_the_total_wait_is_within_the_poll_interval(max_wait, script):
    """The waits of one request never add up to more than the interval, nor to five minutes."""
    bench = Bench(max_wait=timedelta(seconds=max_wait))
    said = bench.error(errors.SourceError, script)
    assert bench.clock.monotonic() <= min(max_wait, http.LONGEST_PATIENCE_SECONDS) <= 300
    attempts = len(bench.api.requests)
    assert attempts == 1 or said.endswith(
        f"tried {attempts} times in {bench.clock.monotonic():.0f} s"
    )
    bench.client.close()


def test_any_number_of_attempts_can_be_waited_for(bench):
    """An outage that fails fast for very long is still waited through, a wait at a time."""
    states = [tenacity.RetryCallState(None, None, (), {}) for _ in range(2)]
    states[0].attempt_number, states[1].attempt_number = 8, 5_000
    for state in states:
        assert bench.client._backoff(state) >= http.LONGEST_BACKOFF_SECONDS / 2
        assert bench.client._backoff(state) <= http.LONGEST_BACKOFF_SECONDS


def test_slow_failures_use_the_patience_up(bench):
    """Time that attempts take counts: a server that times out for 30 s is asked twice, not more."""
    bench.api.before = lambda: bench.clock.advance(timedelta(seconds=30))
    bench.error(errors.TransportError, BROKEN["timeout"])
    assert len(bench.api.requests) == 2


def test_waiting_for_the_budget_is_not_impatience(bench):
    """A request that waited long for its place in the budget is still tried again when it fails."""
    for _ in range(60):
        with bench.limiter.request(history=False):
            pass
    bench.api.will(refused(529), GOOD)
    bench.get()
    assert bench.clock.monotonic() >= 600
    assert len(bench.api.requests) == 2


def test_a_long_retry_after_outlives_the_request(bench):
    """A Retry-After that is longer than the interval is honoured by the requests after it, too."""
    bench.api.will(refused(429, retry_after="600"), GOOD)
    with pytest.raises(errors.RateLimitedError):
        bench.get()
    assert bench.clock.monotonic() == 0
    bench.clock.advance(timedelta(seconds=590))
    said = bench.error(errors.RateLimitedError, GOOD, path="/v1/other")
    assert said.startswith("/v1/other: not asked for another 10 s, as told: /v1/thing: HTTP 429")
    assert len(bench.api.requests) == 1
    bench.clock.advance(timedelta(seconds=11))
    assert bench.get() == b'{"good": true}'


def test_an_absurd_retry_after_ends(bench):
    """Nobody can silence the exporter for more than 15 minutes."""
    bench.api.will(refused(503, retry_after="999999999"), GOOD)
    with pytest.raises(errors.ServerError):
        bench.get()
    bench.clock.advance(timedelta(seconds=http.LONGEST_PAUSE_SECONDS + 1))
    assert bench.get() == b'{"good": true}'


def test_a_stop_ends_the_back_off_at_once(bench):
    """When the exporter is stopped, nothing is tried again and nothing is waited for."""
    bench.api.before = bench.stop.set
    bench.error(errors.ServerError, refused(500))
    assert len(bench.api.requests) == 1
    assert bench.clock.monotonic() == 0


def test_a_stop_in_the_middle_of_a_wait_is_no_fault_of_the_api(bench, monkeypatch):
    """A wait that a stop cut short ends in StoppedError, and no further request is sent."""
    monkeypatch.setattr(bench.clock, "wait", lambda seconds, stop: stop.set() or True)
    bench.error(errors.StoppedError, refused(500))
    assert len(bench.api.requests) == 1
    bench.error(errors.StoppedError, GOOD)
    assert len(bench.api.requests) == 1


def test_asked_once_is_asked_once(bench):
    """`once` gives the first answer, good or bad."""
    bench.error(errors.ServerError, refused(529), once=True)
    assert len(bench.api.requests) == 1


def test_a_clock_that_is_off_is_named_with_both_times(bench):
    """A clock two hours off is an error that names both clocks, not a silent hour of nothing."""
    bench.api.skew = timedelta(hours=2)
    said = bench.error(errors.ClockSkewError, GOOD)
    assert said == (
        "/v1/thing: this machine's clock says 2026-11-03T10:30:20Z and the API says "
        "2026-11-03T12:30:20Z, 7200 s apart; set this machine's clock"
    )
    assert len(bench.api.requests) == 1


def test_a_wrong_clock_explains_a_400(bench):
    """A clock that is days off asks for times that are refused; the error is the clock's."""
    bench.api.skew = -timedelta(days=3)
    bench.error(errors.ClockSkewError, refused(400, "Invalid date range"))


@pytest.mark.parametrize("date", ["", "yesterday", "Tue, 03 Nov 2026 08:00:00 -0000"])
def test_a_date_that_says_nothing_is_no_skew(bench, date):
    """An answer whose Date header is missing or odd is taken as it is."""
    bench.api.will(answer(200, {}, date=date))
    assert bench.get() == b"{}"


def test_minutes_of_skew_are_tolerated(bench):
    """Four minutes are within what clocks do."""
    bench.api.skew = timedelta(minutes=4)
    bench.api.will(GOOD)
    assert bench.get() == b'{"good": true}'


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_header_breaks_the_parsing(text, other):
    """Whatever stands in Retry-After and Date, the answer is a number, a moment or nothing."""
    after = retry_after({"retry-after": text, "retry-after-ms": other}, NOW)
    assert after is None or after >= 0
    moment = http_date(text)
    assert moment is None or moment.tzinfo is not None


DATES = (
    "Wed, 21 Oct 99999999999999999999 07:28:00 GMT",
    "Wed, 21 Oct 2026 07:28:00 +99999999",
    "Wed, 21 Oct 2026 25:28:00 GMT",
    "1",
)


@pytest.mark.parametrize("text", DATES)
def test_impossible_dates_are_no_dates(text):
    """A date that no calendar has is not a date, and no crash."""
    assert http_date(text) is None
