"""The canary: whatever is answered and whatever breaks, the key is nowhere to be read after it."""

from __future__ import annotations

import traceback
from threading import Event

import pytest

from claude_cost_exporter.cli.wiring import SOURCE_TYPES, Exporter
from claude_cost_exporter.clock import SystemClock
from claude_cost_exporter.config.load import load
from claude_cost_exporter.errors import ExporterError
from claude_cost_exporter.pricing.overrides import Override
from claude_cost_exporter.simulator import Simulator, SimulatorServer, faults
from claude_cost_exporter.simulator.wire import Delivery, Response, to_json
from tests.support.canary import CONFIG, ESCAPED, KEY, SECRET, leaks


def test_the_canary_is_noticed_in_pieces():
    """The check sees the key, and every piece of its secret part from 12 characters on."""
    assert KEY in leaks(f"a {KEY} b")
    assert leaks(SECRET[20:32]) == [SECRET[20:32]]
    assert leaks(SECRET[20:31] + "." + SECRET[31:42]) == []
    assert leaks("use sk-ant-admin01-... keys") == []


class Hostile:
    """A simulated API that answers with whatever `spoil` makes of its true answer."""

    def __init__(self) -> None:
        self.simulator = Simulator()
        self.spoil = lambda response, request: response

    def handle(self, request):
        return self.spoil(self.simulator.handle(request), request)


@pytest.fixture
def hostile():
    """A hostile API on a real loopback socket."""
    hostile = Hostile()
    with SimulatorServer(hostile, "127.0.0.1", 0) as server:
        hostile.url = server.url
        yield hostile


@pytest.fixture
def exporter(hostile, tmp_path):
    """An exporter with the canary key, that polls the hostile API."""
    text = CONFIG.format(key="admin_key_env: KEY", url=hostile.url, folder=tmp_path)
    loaded = load(text, SOURCE_TYPES, Override)
    exporter = Exporter(loaded, clock=SystemClock(), stop=Event(), environment={"KEY": KEY})
    yield exporter
    exporter.close()


def shown(exporter, folder):
    """Return everything that an exporter shows to anybody, and what it keeps on disk."""
    exporter.publisher.publish()
    current = exporter.publisher.current
    yield current.exposition.text.plain + current.exposition.openmetrics.plain
    yield current.status_page
    (poller,), (account,) = exporter.pollers, exporter.accounts
    for thing in (exporter, poller, account, account.client, account.limiter, *account.sources):
        yield f"{thing!r} {thing}"
    yield repr(poller.attempts)
    for path in folder.glob("ledger.db*"):
        yield path.read_bytes()


def with_locals(error):
    """Return the traceback that a tool with a taste for local variables would print."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def raised(call, *arguments):
    """Return every form of the error that a call raises."""
    try:
        call(*arguments)
    except ExporterError as error:
        return (
            f"{error} {error!r} {''.join(traceback.format_exception(error))} {with_locals(error)}"
        )
    return ""


def error(message):
    return to_json({"type": "error", "error": {"type": "some_error", "message": message}})


def answering(status, body=b"{}", **headers):
    """Return what makes every answer this one; header names have _ for -."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())

    def spoil(response, request):
        date = tuple(pair for pair in response.headers if pair[0] == "date")
        return Response(status, (*named, *(() if "date" in headers else date)), body)

    return spoil


def rewriting(old, new):
    """Return what replaces bytes in every true answer."""

    def spoil(response, request):
        return Response(response.status, response.headers, response.body.replace(old, new))

    return spoil


def delivered(delivery):
    """Return what breaks the connection in or before an answer full of keys."""
    return lambda response, request: Response(200, (), KEY.encode() * 100, delivery=delivery)


K = KEY.encode()
MODEL = b'"claude-'
FAILURES = {
    **{f"{n} with the key": answering(n, error(f"Bad key {KEY}")) for n in faults.ERROR_KINDS},
    "an error of another type": answering(400, to_json({"error": {"type": KEY, "message": KEY}})),
    "an error cut in the middle": answering(400, error("x" * 280 + KEY * 30)),
    "an error text cut in the middle": answering(500, b"x" * 280 + K),
    "an escaped error": answering(403, b'{"error": {"message": "' + ESCAPED + b'"}}'),
    "an error page": answering(502, b"<html><title>" + K + b"</title>", content_type="text/html"),
    "a page instead of a report": answering(200, b"<html>" + K, content_type="text/html"),
    "half a key": answering(400, error(f"your key ends with {SECRET[9:]}")),
    "JSON that is none": answering(200, b'{"data": [' + K),
    "JSON of another kind": answering(200, to_json([KEY])),
    "a mistyped field": answering(200, to_json({"data": KEY, "has_more": KEY, "id": [KEY]})),
    "a bad count": rewriting(b'"output_tokens":', b'"output_tokens":"' + K + b'","x":'),
    "a bad time": rewriting(b'"starting_at":"20', b'"starting_at":"' + K),
    "a request id": answering(500, error("no"), request_id=KEY),
    "a redirect": answering(302, b"", location=f"https://example.test/{KEY}"),
    "a Retry-After": answering(429, error("no"), retry_after=KEY),
    "a reset": answering(429, error("no"), anthropic_ratelimit_requests_reset=KEY),
    "x-should-retry": answering(500, error("no"), x_should_retry=KEY),
    "a date": answering(200, b"{}", date=KEY),
    "a wrong clock": answering(200, b"{}", date=f"Tue, 03 Nov 2020 10:00:00 GMT {KEY}"),
    "a cookie": answering(500, error("no"), set_cookie=f"{KEY}={KEY}"),
    "a content type": answering(200, K, content_type=KEY),
    "an encoding": answering(200, K, content_encoding=KEY),
    "a broken encoding": answering(200, K, content_encoding="gzip"),
    "a header that is none": answering(200, K, x_bad=f"{KEY}\x01"),
    "a header name": answering(500, error("no"), **{KEY.replace("-", "_"): KEY}),
    "a header too long": answering(200, b"{}", x_long=KEY * 5000),
    "a truncated body": delivered(Delivery.TRUNCATED),
    "a reset connection": delivered(Delivery.DROPPED),
    "a huge body": lambda response, request: Response(200, (), K * 10_000, repeat=100),
    "a token that repeats": rewriting(
        b'"has_more":false,"next_page":null', b'"has_more":true,"next_page":"' + K + b'"'
    ),
    "a cursor that repeats": rewriting(b'"has_more":false', b'"has_more":true'),
}
GOOD = {
    "field names": rewriting(b'"results":', b'"' + K + b'":1,"results":'),
    "escaped field names": rewriting(b'"results":', b'"' + ESCAPED + b'":1,"results":'),
    "models": rewriting(MODEL, b'"' + K + b"-claude-"),
    "escaped models": rewriting(MODEL, b'"' + ESCAPED + b"-claude-"),
    "workspaces and keys": rewriting(b'"name":"', b'"name":"' + K),
    "ids": rewriting(b'"apikey_', b'"' + K),
    "the organisation": rewriting(b'"id":"7c0e', b'"id":"' + K),
    "tags": rewriting(b'"team":"', b'"team":"' + ESCAPED),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_that_echoes_the_key_shows_it_nowhere(
    ears, hostile, exporter, tmp_path, monkeypatch, name
):
    """While every answer echoes the key, neither logs, errors, pages nor files have it."""
    monkeypatch.setattr(exporter.accounts[0].client, "_max_body", 3_000_000)
    hostile.spoil = FAILURES[name]
    exporter.pollers[0].poll()
    said = raised(exporter.accounts[0].client.get, "/v1/organizations/me", [])
    failures = [one.error for one in exporter.pollers[0].attempts.values() if one.error]
    assert failures
    assert not any("unexpected" in failure for failure in failures)
    assert leaks(said) == []
    assert leaks(ears.heard()) == []
    for text in shown(exporter, tmp_path):
        assert leaks(text) == []


@pytest.mark.parametrize("name", GOOD)
def test_an_answer_that_echoes_the_key_shows_it_nowhere(ears, hostile, exporter, tmp_path, name):
    """What is read goes into labels, pages and the ledger; a key among it does not."""
    hostile.spoil = GOOD[name]
    exporter.pollers[0].poll()
    assert {one.error for one in exporter.pollers[0].attempts.values()} == {""}
    texts = list(shown(exporter, tmp_path))
    assert b"***" in b"".join(one for one in texts if isinstance(one, bytes))
    assert leaks(ears.heard()) == []
    for text in texts:
        assert leaks(text) == []


def test_a_defect_shows_no_key(ears, hostile, exporter, tmp_path):
    """A failure that nobody expected is logged with its traceback, which has no key in it."""

    def break_down(*_, **__):
        raise ZeroDivisionError("division by zero")

    exporter.accounts[0].client._read = break_down
    exporter.pollers[0].poll()
    heard = ears.heard()
    assert "Traceback" in heard
    assert leaks(heard) == []
    for text in shown(exporter, tmp_path):
        assert leaks(text) == []
