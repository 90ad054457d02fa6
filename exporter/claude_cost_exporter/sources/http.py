"""The only file that talks HTTP and retries (floor 2).

A GET is tried until it succeeds, until trying cannot help, or until `max_wait` has passed.
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, NoReturn, Protocol

import httpx
import tenacity

from claude_cost_exporter import __version__
from claude_cost_exporter.errors import (
    BadRequestError,
    BodyTooLargeError,
    ClockSkewError,
    SourceError,
    StoppedError,
    TransportError,
)
from claude_cost_exporter.sources.refusals import http_date, may_pass, refusal, retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta
    from threading import Event

    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.sources.limiter import Limiter
    from claude_cost_exporter.sources.secrets import Secret

MAX_BODY_BYTES = 64 * 1024 * 1024
MAX_SKEW_SECONDS = 300
FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 20.0
MOST_DOUBLINGS = 10
LONGEST_PAUSE_SECONDS = 900.0
LONGEST_PATIENCE_SECONDS = 300.0
"""However rarely is polled, an outage is said after that."""
TIMEOUT_SECONDS = 30.0
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 120.0
"""A whole answer takes no longer, however steadily it drips."""
ENCODINGS = {"", "identity", "gzip"}
Transport = httpx.BaseTransport
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class RequestObserver(Protocol):
    """Told of every single request, retries included."""

    def request_finished(self, endpoint: str, status: str, seconds: float) -> None:
        """Count a request; `status` is the HTTP status, or `error` without an answer."""
        ...


class _Failure(Exception):  # noqa: N818 - carries an outcome between the attempt and the retry
    """An attempt that failed: what to raise in the end, whether and when to try again.

    The error itself is raised by `get`, so that no traceback leads to an answer or to the key.
    """

    def __init__(
        self, error: SourceError, *, retry: bool = False, after: float | None = None
    ) -> None:
        self.error, self.retry, self.after = error, retry, after
        super().__init__()


class _Patience:
    """How long one GET may go on trying; it runs from the first request on."""

    def __init__(self, clock: Clock, most: float) -> None:
        self._clock, self._most = clock, most
        self._since: float | None = None

    def begin(self) -> None:
        """Start to run, unless it does already."""
        if self._since is None:
            self._since = self._clock.monotonic()

    @property
    def used(self) -> float:
        """Return the seconds since the first request."""
        return 0.0 if self._since is None else self._clock.monotonic() - self._since

    def allows(self, seconds: float) -> bool:
        """Return whether there is time to wait so long once more."""
        return self.used + seconds <= self._most


class ApiClient:
    """GET with retries, under the organisation's limiter, with the key in a header only."""

    def __init__(  # noqa: PLR0913 - the collaborators of a request
        self,
        base_url: str,
        secret: Secret,
        *,
        clock: Clock,
        stop: Event,
        limiter: Limiter,
        observer: RequestObserver,
        max_wait: timedelta,
        transport: Transport | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._secret, self._clock, self._stop = secret, clock, stop
        self._limiter, self._observer = limiter, observer
        self._max_wait = min(max_wait.total_seconds(), LONGEST_PATIENCE_SECONDS)
        self._max_body = max_body_bytes
        self._asked_to_wait = (float("-inf"), SourceError())
        self._client = httpx.Client(
            base_url=base_url,
            transport=transport,
            timeout=httpx.Timeout(TIMEOUT_SECONDS, connect=CONNECT_SECONDS),
            trust_env=httpx.URL(base_url).host not in LOOPBACK,
            follow_redirects=False,  # the key stays with the host that it is for
            headers={
                "anthropic-version": "2023-06-01",
                "user-agent": f"claude-cost-exporter/{__version__}",
                "accept": "application/json",
                "accept-encoding": "gzip",
            },
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(
        self,
        path: str,
        params: Sequence[tuple[str, str]],
        *,
        headers: Mapping[str, str] | None = None,
        history: bool = False,
        once: bool = False,
    ) -> bytes:
        """Return the body of a 200, or raise the SourceError that says why there is none."""
        patience = _Patience(self._clock, 0.0 if once else self._max_wait)
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda e: isinstance(e, _Failure) and e.retry),
            wait=self._backoff,
            stop=lambda state: self._stop.is_set() or not patience.allows(state.upcoming_sleep),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            for attempt in retrying:
                with attempt:
                    self._check_pause(path)
                    with self._limiter.request(history=history):
                        patience.begin()
                        return self._attempt(path, params, headers or {})
        except _Failure as failure:
            error, attempts = failure.error, retrying.statistics["attempt_number"]
        if attempts == 1:
            raise error
        raise error.saying(f"{error}; tried {attempts} times in {patience.used:.0f} s")

    def _backoff(self, state: tenacity.RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        if isinstance(failure, _Failure) and failure.after is not None:
            return failure.after + random.uniform(0, 1)  # noqa: S311 - jitter, not a secret
        longest = min(
            LONGEST_BACKOFF_SECONDS,
            FIRST_BACKOFF_SECONDS * 2.0 ** min(state.attempt_number, MOST_DOUBLINGS),
        )
        return random.uniform(longest / 2, longest)  # noqa: S311

    def _sleep(self, seconds: float) -> None:
        if self._clock.wait(seconds, self._stop):
            raise StoppedError("stopped while waiting to try again")

    def _check_pause(self, path: str) -> None:
        """Refuse to ask while a Retry-After that was too long to wait for still runs."""
        until, error = self._asked_to_wait
        left = until - self._clock.monotonic()
        if left > 0:
            raise error.saying(f"{path}: not asked for another {left:.0f} s, as told: {error}")

    def _attempt(
        self, path: str, params: Sequence[tuple[str, str]], headers: Mapping[str, str]
    ) -> bytes:
        if self._stop.is_set():
            raise StoppedError("stopped before the request")
        started, status = self._clock.monotonic(), "error"
        try:
            with self._client.stream(
                "GET", path, params=list(params), headers=self._with_key(headers)
            ) as response:
                status = str(response.status_code)
                body = self._secret.strip(self._read(path, response))
        except httpx.InvalidURL as failure:  # for example an endless page token
            raise _Failure(BadRequestError(f"{path}: cannot be asked: {failure}")) from None
        except httpx.HTTPError as failure:
            self._not_answered(path, failure)
        finally:
            seconds = self._clock.monotonic() - started
            self._observer.request_finished(_endpoint(path), status, seconds)
        if response.status_code in {httpx.codes.OK, httpx.codes.BAD_REQUEST}:
            self._check_clock(path, response)  # a wrong clock asks for times that are refused
        if response.status_code != httpx.codes.OK:
            raise self._refused(path, response, body)
        return body

    def _not_answered(self, path: str, failure: httpx.HTTPError) -> NoReturn:
        host = self._client.base_url.host
        what = self._secret.printable(f"{type(failure).__name__}: {failure}")
        error = TransportError(f"{path}: no answer from {host}: {what}")
        raise _Failure(error, retry=True) from None

    def _with_key(self, headers: Mapping[str, str]) -> dict[str, str]:
        key = self._secret.reveal()
        auth = (
            {"x-api-key": key} if key.startswith("sk-ant-") else {"authorization": f"Bearer {key}"}
        )
        return {**headers, **auth}

    def _read(self, path: str, response: httpx.Response) -> bytes:
        encoding = response.headers.get("content-encoding", "")
        if encoding not in ENCODINGS:  # layers of compression could hold any amount of memory
            raise httpx.DecodingError(f"content-encoding {encoding} was not asked for")
        body, since = bytearray(), self._clock.monotonic()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > self._max_body:
                error = BodyTooLargeError(
                    f"{path}: the answer is longer than {self._max_body} bytes; stopped reading "
                    f"at {len(body)}"
                )
                raise _Failure(error)
            if self._clock.monotonic() - since > ANSWER_SECONDS:
                raise httpx.ReadTimeout(
                    f"after {ANSWER_SECONDS:.0f} s only {len(body)} bytes had come"
                )
        return bytes(body)

    def _refused(self, path: str, response: httpx.Response, body: bytes) -> _Failure:
        status, headers = response.status_code, response.headers
        error = refusal(path, status, headers, body, self._secret)
        if not may_pass(status, headers):
            return _Failure(error)
        after = retry_after(headers, self._clock.now())
        if after is not None:
            until = self._clock.monotonic() + min(after, LONGEST_PAUSE_SECONDS)
            self._asked_to_wait = (until, error)
        return _Failure(error, retry=True, after=after)

    def _check_clock(self, path: str, response: httpx.Response) -> None:
        theirs, ours = http_date(response.headers.get("date", "")), self._clock.now()
        if theirs is None:
            return
        skew = (ours - theirs).total_seconds()
        if abs(skew) > MAX_SKEW_SECONDS:
            error = ClockSkewError(
                f"{path}: this machine's clock says {ours:%Y-%m-%dT%H:%M:%SZ} and the API says "
                f"{theirs:%Y-%m-%dT%H:%M:%SZ}, {abs(skew):.0f} s apart; set this machine's clock"
            )
            raise _Failure(error)


def _endpoint(path: str) -> str:
    """Return the path as a label: the same for every workspace."""
    return re.sub(r"(?<=/workspaces/)[^/]+", "{id}", path)
