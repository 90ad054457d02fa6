"""A scripted API behind the exporter's own client, on a clock that moves only when told to."""

from __future__ import annotations

import json
from collections import deque
from datetime import UTC, datetime, timedelta
from threading import Event

import httpx

from claude_cost_exporter.clock import ManualClock
from claude_cost_exporter.sources.http import ApiClient
from claude_cost_exporter.sources.limiter import Limiter
from claude_cost_exporter.sources.secrets import Secret

NOW = datetime(2026, 11, 3, 10, 30, 20, tzinfo=UTC)
KEY = "sk-ant-admin01-Kq3vXz8RtYw2LmNp5BcD7fGh-canary-J9sVeT4uWxQa6"
WAIT = timedelta(seconds=60)


class Stream(httpx.SyncByteStream):
    """A body that is made while it is read; `taken` counts what was read of it."""

    def __init__(self, pieces) -> None:
        self._pieces = pieces
        self.taken = 0

    def __iter__(self):
        for piece in self._pieces:
            self.taken += len(piece)
            yield piece


def answer(status=200, body=None, **headers):
    """Return an answer to put into a script; header names have _ for -, values are text."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(body, httpx.SyncByteStream):
        return status, named, body
    content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    return status, named, content


def refused(status, message="No.", **headers):
    """Return an answer with the API's error envelope."""
    error = {"type": "error", "error": {"type": "some_error", "message": message}}
    return answer(status, error, **headers)


class ScriptedApi(httpx.BaseTransport):
    """Gives the answers of its script in order, then the last one for ever."""

    def __init__(self, clock) -> None:
        self.clock = clock
        self.script = deque()
        self.requests: list[httpx.Request] = []
        self.skew = timedelta(0)
        self.before = lambda: None

    def will(self, *script):
        """Add answers, exceptions, or functions of a request that return one of those."""
        self.script.extend(script)
        return self

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.before()
        step = self.script.popleft() if len(self.script) > 1 else self.script[0]
        if callable(step):
            step = step(request)
        if isinstance(step, Exception):
            raise step
        status, headers, body = step
        date = (self.clock.now() + self.skew).strftime("%a, %d %b %Y %H:%M:%S GMT")
        kind = {"stream" if isinstance(body, httpx.SyncByteStream) else "content": body}
        return httpx.Response(status, headers={"date": date, **headers}, **kind)

    def queries(self):
        """Return the query of every request so far."""
        return [request.url.params.multi_items() for request in self.requests]


class Observed:
    """What the client tells of single requests, and the parser of unknown fields."""

    def __init__(self) -> None:
        self.statuses: list[str] = []
        self.fields: list[tuple[str, str]] = []

    def request_finished(self, endpoint: str, status: str, seconds: float) -> None:
        self.statuses.append(status)

    def unknown_field(self, source: str, field: str) -> None:
        self.fields.append((source, field))


class Book:
    """A notebook in memory."""

    def __init__(self) -> None:
        self.facts = {}

    def get(self, name):
        return self.facts.get(name)

    def set(self, name, value):
        self.facts[name] = value

    def read_to(self, source):
        return None


class Bench:
    """A client and everything around it."""

    def __init__(self, *, now=NOW, max_wait=WAIT, base_url="https://api.example.test", **options):
        self.clock = ManualClock(now)
        self.stop = Event()
        self.api = ScriptedApi(self.clock)
        self.observed = Observed()
        self.limiter = Limiter(self.clock, self.stop)
        self.client = ApiClient(
            base_url,
            Secret(options.pop("key", KEY)),
            clock=self.clock,
            stop=self.stop,
            limiter=self.limiter,
            observer=self.observed,
            max_wait=max_wait,
            **{"transport": self.api, **options},
        )

    def get(self, path="/v1/thing", **options):
        return self.client.get(path, [("a", "1")], **options)

    def error(self, kind, *script, **options):
        """Return the message of the error that the script leads to."""
        self.api.script.clear()
        self.api.will(*script)
        try:
            body = self.get(**options)
        except kind as error:
            return str(error)
        raise AssertionError(f"no {kind.__name__}, but {body!r}")
