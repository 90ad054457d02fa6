"""Answers that are no good: refusals say what to do, bodies are bounded, the key goes nowhere."""

from __future__ import annotations

import gzip
import socket
import tracemalloc
from datetime import timedelta
from threading import Thread

import pytest

from claude_cost_exporter import errors
from claude_cost_exporter.simulator import Simulator, faults, serve
from claude_cost_exporter.sources.http import ANSWER_SECONDS, MAX_BODY_BYTES
from tests.support.api import KEY, Bench, Stream, answer, refused

ME = "/v1/organizations/me"

ADVICE = {
    400: (errors.BadRequestError, "please report this sentence to the project, with version"),
    401: (errors.UnauthorizedError, "it is missing, wrong or expired"),
    402: (errors.BadRequestError, "check the organisation's billing"),
    403: (errors.ForbiddenError, "is an Admin key, but not one that may read this"),
    404: (errors.NotFoundError, "does not have the endpoint"),
    410: (errors.NotFoundError, "HTTP 410"),
    418: (errors.BadRequestError, "HTTP 418"),
    429: (errors.RateLimitedError, "shares one limit"),
    500: (errors.ServerError, "HTTP 500"),
    529: (errors.ServerError, "HTTP 529"),
}


@pytest.mark.parametrize("status", ADVICE)
def test_a_refusal_says_what_was_said_and_what_to_do(bench, status):
    """Each status is its own error: the endpoint, what the API said, its request id, advice."""
    kind, advice = ADVICE[status]
    said = bench.error(kind, refused(status, "Not like this.", request_id="req_01Abc"), once=True)
    start = f"/v1/thing: HTTP {status}: some_error: Not like this. (request req_01Abc)"
    assert said.startswith(start)
    assert advice in said


@pytest.mark.parametrize("key", ["sk-ant-api03-canary-0123456789", "some-bearer-token"])
def test_another_kind_of_key_is_told_which_is_needed(key):
    """Only an Admin key is told about its permissions: others are of the wrong kind."""
    bench = Bench(key=key)
    said = bench.error(errors.ForbiddenError, refused(403, "Not like this."))
    bench.client.close()
    assert "; use an Admin API key (sk-ant-admin...) of the organisation" in said


def test_advice_survives_a_long_message(bench):
    """However much the server says, what to do about it is still there."""
    said = bench.error(errors.ForbiddenError, refused(403, "x" * 100_000))
    assert said.endswith("but not one that may read this")
    assert len(said) < 600


NIL = {
    "empty": (b"", "(empty body)"),
    "null": (b"null", "null"),
    "no error": (b"{}", "{}"),
    "null error": (b'{"type": "error", "error": null}', '"error": null'),
    "null message": (b'{"error": {"type": null, "message": null}}', "(no message)"),
    "a list": (b"[1, 2]", "[1, 2]"),
    "a number as message": (b'{"error": {"message": 5}}', '"message": 5'),
    "not UTF-8": (b'{"error": {"message": "\xff"}}', "\ufffd"),
    "nested too deeply": (b'{"error": ' + b"[" * 100_000, '{"error": [['),
}


@pytest.mark.parametrize(("body", "shown"), NIL.values(), ids=list(NIL))
@pytest.mark.parametrize("status", [400, 529])
def test_t20_an_error_with_nil_payload_is_an_error(bench, status, body, shown):
    """T20: an error answer without the usual payload is still the error of its status."""
    said = bench.error(errors.SourceError, answer(status, body), once=True)
    assert said.startswith(f"/v1/thing: HTTP {status}: ")
    assert shown in said


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(bench, status):
    """The key stays with its host: a redirect is an error that names where it leads."""
    to = answer(status, b"", location="https://elsewhere.example.test/v1/thing")
    said = bench.error(errors.BadRequestError, to)
    assert f"HTTP {status}" in said
    assert "redirects to https://elsewhere.example.test/v1/thing" in said
    assert "check base_url" in said
    assert [request.url.host for request in bench.api.requests] == ["api.example.test"]


def test_a_200_alone_is_good(bench):
    """Another success than 200 has no report in it, and is said to be one."""
    said = bench.error(errors.BadRequestError, answer(204, b""))
    assert "HTTP 204: (empty body)" in said


def test_the_key_goes_into_one_header():
    """An API key is x-api-key, an OAuth token is Bearer; neither is in the URL."""
    for key, name, value in (
        (KEY, "x-api-key", KEY),
        ("oauth-token-0123456789", "authorization", "Bearer oauth-token-0123456789"),
    ):
        bench = Bench(key=key)
        bench.api.will(answer())
        bench.get()
        (request,) = bench.api.requests
        assert request.headers[name] == value
        assert [n for n, v in request.headers.items() if key in v] == [name]
        assert key not in str(request.url)
        bench.client.close()


def whole(size, piece=b" " * 65_536):
    for _ in range(-(-size // len(piece))):
        yield piece


def test_a_body_over_the_limit_is_not_read_wholly(bench):
    """Of 200 MB no more is read than the limit, and no more than twice the limit is held."""
    stream = Stream(whole(200_000_000))
    tracemalloc.start()
    try:
        said = bench.error(errors.BodyTooLargeError, answer(200, stream))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert f"longer than {MAX_BODY_BYTES} bytes" in said
    assert stream.taken <= MAX_BODY_BYTES + 65_536
    assert peak < 2 * MAX_BODY_BYTES
    assert len(bench.api.requests) == 1


def test_a_body_at_the_limit_is_read():
    """The limit itself is still good."""
    bench = Bench(max_body_bytes=1000)
    bench.api.will(answer(200, b"x" * 1000), answer(200, b"x" * 1001))
    assert len(bench.get()) == 1000
    with pytest.raises(errors.BodyTooLargeError):
        bench.get()
    bench.client.close()


def test_a_compressed_body_counts_as_what_it_holds():
    """A small answer that unpacks to a huge one is over the limit, too."""
    packed = gzip.compress(b" " * 5_000_000)
    assert len(packed) < 10_000
    bench = Bench(max_body_bytes=1_000_000)
    bench.error(errors.BodyTooLargeError, answer(200, packed, content_encoding="gzip"))
    bench.client.close()


def test_compression_that_was_not_asked_for_is_refused(bench):
    """Layers of compression could hold any amount of memory; only gzip is asked for."""
    twice = gzip.compress(gzip.compress(b"{}"))
    said = bench.error(errors.TransportError, answer(200, twice, content_encoding="gzip, gzip"))
    assert "content-encoding gzip, gzip was not asked for" in said
    assert bench.api.requests[0].headers["accept-encoding"] == "gzip"


def test_a_broken_compression_is_a_broken_transport(bench):
    """A body that does not unpack is tried again, and named when that does not help."""
    good = answer(200, gzip.compress(b'{"a": 1}'), content_encoding="gzip")
    bench.api.will(answer(200, b"not gzip", content_encoding="gzip"), good)
    assert bench.get() == b'{"a": 1}'
    said = bench.error(
        errors.TransportError, answer(200, b"not gzip", content_encoding="gzip"), once=True
    )
    assert "DecodingError" in said


def test_a_body_that_drips_for_ever_is_given_up(bench):
    """A server that sends a byte now and then cannot hold a poll for longer than two minutes."""

    def drip():
        while True:
            bench.clock.advance(timedelta(seconds=20))
            yield b" "

    said = bench.error(errors.TransportError, answer(200, Stream(drip())))
    assert "only " in said
    assert ANSWER_SECONDS < bench.clock.monotonic() < ANSWER_SECONDS + 60


@pytest.fixture
def server():
    """A simulator on a real loopback socket, and a client of it."""
    with serve(Simulator()) as running:
        bench = Bench(now=running.simulator.clock.now(), base_url=running.url, transport=None)
        yield running, bench
        bench.client.close()


def test_a_truncated_body_is_never_taken_for_whole(server):
    """A connection that closes in the middle of a body is a broken transport, and tried again."""
    running, bench = server
    running.simulator.faults.add(faults.truncated(), times=1)
    assert b'"type":"organization"' in bench.client.get(ME, [])
    assert len(bench.observed.statuses) == 2
    running.simulator.faults.add(faults.truncated(), times=100)
    with pytest.raises(errors.TransportError, match=r"no answer from 127\.0\.0\.1"):
        bench.client.get(ME, [], once=True)


def test_a_reset_connection_is_tried_again(server):
    """A connection that is reset before the answer is tried again on a new one."""
    running, bench = server
    running.simulator.faults.add(faults.dropped(), times=2)
    assert b'"type":"organization"' in bench.client.get(ME, [])
    assert bench.observed.statuses == ["error", "error", "200"]


class Proxy:
    """A listener that remembers the first line it gets and hangs up."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.heard = b""
        self._thread = Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return  # closed without a visitor
        with connection:
            self.heard = connection.recv(65_536)

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@pytest.fixture
def proxy(monkeypatch):
    """A proxy that the environment names for everything."""
    proxy = Proxy()
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    yield proxy
    proxy.close()


def test_loopback_needs_no_proxy(proxy, server):
    """A proxy in the environment is not asked about loopback: it would get the key in clear."""
    _, bench = server
    assert b'"type":"organization"' in bench.client.get(ME, [])
    assert proxy.heard == b""


def test_a_proxy_gets_a_tunnel_and_no_key(proxy):
    """Other hosts are reached through the environment's proxy, which sees a tunnel only."""
    bench = Bench(transport=None)
    with pytest.raises(errors.TransportError):
        bench.get(once=True)
    assert proxy.heard.startswith(b"CONNECT api.example.test:443")
    assert KEY.encode() not in proxy.heard
    bench.client.close()
