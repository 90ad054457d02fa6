"""Faults ordered by tests, the request log, and the rate limit switch."""

import json
from datetime import timedelta

import pytest

from claude_cost_exporter.simulator import Delivery, Switches, faults


def test_next_requests_fail(steady):
    """The next two requests to one endpoint fail, others and later ones do not."""
    steady.simulator.faults.add(faults.error(529), times=2, endpoint="workspaces")
    steady.get("me")
    for _ in range(2):
        error = steady.refused("workspaces", status=529)
        assert error["type"] == "overloaded_error"
    steady.get("workspaces")


def test_any_endpoint(steady):
    """A fault without an endpoint meets the next request, and can be taken back."""
    steady.simulator.faults.add(faults.error(500, "boom"), times=3)
    assert steady.refused("me", status=500) == {"type": "api_error", "message": "boom"}
    assert len(steady.simulator.faults) == 2
    steady.simulator.faults.clear()
    steady.get("me")


def test_headers_of_a_fault(steady):
    """Faults carry retry-after and other headers."""
    steady.simulator.faults.add(faults.rate_limited(retry_after=7))
    assert steady.send("me").header("retry-after") == "7"
    steady.simulator.faults.add(faults.error(500, headers=(("x-should-retry", "true"),)))
    assert steady.send("me").header("x-should-retry") == "true"


def test_bodies(steady):
    """HTML, arbitrary bytes and an empty body replace the answer."""
    steady.simulator.faults.add(faults.html())
    page = steady.send("me")
    assert (page.status, page.header("content-type")) == (502, "text/html")
    steady.simulator.faults.add(faults.body(b'{"data": ['))
    assert steady.send("me").body == b'{"data": ['
    steady.simulator.faults.add(faults.body(b""))
    assert steady.send("me").length == 0


def test_edited_answers(steady):
    """A fault can change one field of the true answer, in place or by a new document."""
    steady.simulator.faults.add(faults.edited(lambda page: page.update(has_more=True)))
    page = steady.get("workspaces")
    assert page["has_more"] is True
    assert page["data"]
    steady.simulator.faults.add(faults.edited(lambda page: page["data"]))
    assert isinstance(steady.get("workspaces"), list)


def test_truncated_answer(steady):
    """Half of what is announced is delivered."""
    whole = steady.send("workspaces").body
    steady.simulator.faults.add(faults.truncated())
    response = steady.send("workspaces")
    assert response.length == len(whole)
    assert b"".join(response.chunks()) == whole[: len(whole) // 2]


def test_dropped_connection(steady):
    """Nothing is delivered."""
    steady.simulator.faults.add(faults.dropped())
    response = steady.send("me")
    assert response.delivery is Delivery.DROPPED
    assert list(response.chunks()) == []


def test_giant_body(steady):
    """A body of 200 MB is announced without being held in memory."""
    steady.simulator.faults.add(faults.giant(200_000_000))
    response = steady.send("me")
    assert response.length >= 200_000_000
    assert len(response.body) < 100_000
    assert len(next(response.chunks())) == len(response.body)


def test_delays(asker):
    """A slow answer and the latency switch say how long to wait; handle itself does not."""
    asking = asker(switches=Switches(latency_seconds=0.25))
    assert asking.send("me").delay == 0.25
    asking.simulator.faults.add(faults.slow(30))
    assert asking.send("me").delay == 30.25


def test_faults_do_not_need_a_key(steady):
    """A server that is down does not look at keys."""
    steady.simulator.faults.add(faults.error(503))
    assert steady.send("me", headers={"x": "y"}).status == 503


@pytest.mark.parametrize("status", sorted(faults.ERROR_KINDS))
def test_every_status_has_a_type(steady, status):
    """Every error status of the API can be ordered with its error type."""
    steady.simulator.faults.add(faults.error(status))
    assert steady.refused("me", status=status)["type"] == faults.ERROR_KINDS[status]


def test_requests_are_counted(steady):
    """The log counts by endpoint and status and keeps what was asked."""
    begin = steady.clock.now()
    steady.get("me")
    steady.get("workspaces", ("limit", 3))
    steady.refused("/nowhere", status=404)
    log = steady.simulator.requests
    assert log.total == 3
    assert log.by_endpoint == {"organization": 1, "workspaces": 1, "unknown": 1}
    assert log.by_status == {200: 2, 404: 1}
    assert log.entries[1].query == (("limit", "3"),)
    steady.clock.advance(timedelta(minutes=1))
    steady.get("me")
    assert len(log.between(begin, steady.clock.now())) == 3
    log.clear()
    assert (log.total, len(log.entries)) == (0, 0)


def test_log_is_bounded(steady):
    """The log forgets old requests and goes on counting."""
    keep = steady.simulator.requests.entries.maxlen
    for _ in range(keep + 5):
        steady.send("me")
    assert len(steady.simulator.requests.entries) == keep
    assert steady.simulator.requests.total == keep + 5


def test_rate_limit_switch(asker):
    """Above the limit the answer is 429 without retry-after and with a stale reset."""
    asking = asker(switches=Switches(requests_per_minute=3))
    for _ in range(3):
        asking.get("me")
    response = asking.send("me")
    assert response.status == 429
    assert response.header("retry-after") is None
    assert response.header("anthropic-ratelimit-requests-reset") == "2026-11-24T14:23:00Z"
    assert json.loads(response.body)["error"]["type"] == "rate_limit_error"
    asking.clock.advance(timedelta(minutes=1))
    asking.get("me")
