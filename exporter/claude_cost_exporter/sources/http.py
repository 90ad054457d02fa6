"""The only file that talks HTTP and retries (floor 2).

A GET is tried until it succeeds, until trying cannot help, or until `max_wait` has passed.
"""

from __future__ import annotations

import random
import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Protocol

import httpx
import msgspec
import tenacity

from claude_cost_exporter import __version__
from claude_cost_exporter.errors import (
    BadRequestError,
    BodyTooLargeError,
    ClockSkewError,
    ForbiddenError,
    NotFoundError,
    RateLimitedError,
    ServerError,
    SourceError,
    TransportError,
    UnauthorizedError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta
    from threading import Event

    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.sources.limiter import Limiter
    from claude_cost_exporter.sources.secrets import Secret

MAX_BODY_BYTES = 64 * 1024 * 1024
MAX_SKEW_SECONDS = 300
FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 20.0
TIMEOUT_SECONDS = 30.0
SHOWN_CHARACTERS = 300
Transport = httpx.BaseTransport
LOOPBACK = {"localhost", "127.0.0.1", "::1"}

ADVICE = {
    401: "check the Admin API key of this account: it is missing, wrong or expired",
    403: "use an Admin API key (sk-ant-admin...) of the organisation; workspace keys cannot read "
    "usage",
    404: "this key's organisation does not have the endpoint",
    400: "the API refused the request as it was",
}
ERRORS: dict[int, type[SourceError]] = {
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    410: NotFoundError,
    429: RateLimitedError,
}


class StoppedError(SourceError):
    """The exporter is shutting down; nothing is wrong with the source."""

    kind = "stopped"


class RequestObserver(Protocol):
    """Told of every single request, retries included."""

    def request_finished(self, endpoint: str, status: str, seconds: float) -> None:
        """Count a request; `status` is the HTTP status, or `error` without an answer."""
        ...


class _Answer(Exception):  # noqa: N818 - carries an outcome between the attempt and the retry
    """An attempt that failed: what to raise in the end, whether and when to try again."""

    def __init__(self, error: SourceError, *, retry: bool, after: float | None = None) -> None:
        self.error, self.retry, self.after = error, retry, after
        super().__init__()


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
        timeout: float = TIMEOUT_SECONDS,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._secret, self._clock, self._stop = secret, clock, stop
        self._limiter, self._observer = limiter, observer
        self._max_wait = max_wait.total_seconds()
        self._max_body = max_body_bytes
        self._client = httpx.Client(
            base_url=base_url,
            transport=transport,
            timeout=timeout,
            trust_env=httpx.URL(base_url).host not in LOOPBACK,
            headers={
                "anthropic-version": "2023-06-01",
                "user-agent": f"claude-cost-exporter/{__version__}",
                "accept": "application/json",
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
    ) -> bytes:
        """Return the body of a 200, or raise the SourceError that says why there is none."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda e: isinstance(e, _Answer) and e.retry),
            wait=self._backoff,
            stop=self._give_up,
            sleep=self._sleep,
            reraise=True,
        )
        started = self._clock.monotonic()
        try:
            for attempt in retrying:
                attempt.retry_state.start_time = started
                with attempt:
                    return self._attempt(path, params, headers or {}, history=history)
        except _Answer as answer:
            error = answer.error
        raise error

    def _backoff(self, state: tenacity.RetryCallState) -> float:
        outcome = state.outcome.exception() if state.outcome else None
        if isinstance(outcome, _Answer) and outcome.after is not None:
            return outcome.after + random.uniform(0, 1)  # noqa: S311 - jitter, not a secret
        longest = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0**state.attempt_number)
        return random.uniform(longest / 2, longest)  # noqa: S311

    def _give_up(self, state: tenacity.RetryCallState) -> bool:
        waited = self._clock.monotonic() - state.start_time
        return self._stop.is_set() or waited + state.upcoming_sleep > self._max_wait

    def _sleep(self, seconds: float) -> None:
        if self._clock.wait(seconds, self._stop):
            raise StoppedError("stopped while waiting to try again")

    def _attempt(
        self,
        path: str,
        params: Sequence[tuple[str, str]],
        headers: Mapping[str, str],
        *,
        history: bool,
    ) -> bytes:
        with self._limiter.request(history=history):
            if self._stop.is_set():
                raise StoppedError("stopped before the request")
            started, status = self._clock.monotonic(), "error"
            try:
                with self._client.stream(
                    "GET", path, params=list(params), headers=self._with_key(headers)
                ) as response:
                    status = str(response.status_code)
                    body = self._read(path, response)
            except httpx.HTTPError as failure:
                sentence = self._clean(f"{path}: {type(failure).__name__}: {failure}")
                raise _Answer(TransportError(sentence), retry=True) from None
            finally:
                self._observer.request_finished(path, status, self._clock.monotonic() - started)
        if response.status_code != httpx.codes.OK:
            raise self._refused(path, response, body)
        self._check_clock(path, response)
        return body

    def _with_key(self, headers: Mapping[str, str]) -> dict[str, str]:
        key = self._secret.reveal()
        auth = (
            {"x-api-key": key} if key.startswith("sk-ant-") else {"authorization": f"Bearer {key}"}
        )
        return {**headers, **auth}

    def _read(self, path: str, response: httpx.Response) -> bytes:
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > self._max_body:
                raise BodyTooLargeError(
                    f"{path}: the answer is longer than {self._max_body} bytes; stopped reading "
                    f"at {len(body)}"
                )
        return bytes(body)

    def _refused(self, path: str, response: httpx.Response, body: bytes) -> _Answer:
        status = response.status_code
        said = self._clean(_message(body))
        request_id = self._clean(response.headers.get("request-id", ""))
        advice = f"; {ADVICE[status]}" if status in ADVICE else ""
        trace = f" (request {request_id})" if request_id else ""
        default = ServerError if status >= httpx.codes.INTERNAL_SERVER_ERROR else BadRequestError
        error = ERRORS.get(status, default)(f"{path}: HTTP {status}: {said}{trace}{advice}")
        error.status = status
        retry = status == httpx.codes.TOO_MANY_REQUESTS or isinstance(error, ServerError)
        said_so = response.headers.get("x-should-retry")
        if said_so in ("true", "false"):
            retry = said_so == "true"
        return _Answer(error, retry=retry, after=self._retry_after(response))

    def _retry_after(self, response: httpx.Response) -> float | None:
        """Return the seconds that the server asks for; a stale or odd answer is no answer."""
        for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
            value = response.headers.get(name, "")
            if re.fullmatch(r"\d{1,9}(\.\d+)?", value):
                return float(value) * unit
        moment = _date(response.headers.get("retry-after", ""))
        seconds = (moment - self._clock.now()).total_seconds() if moment else 0.0
        return seconds if seconds > 0 else None

    def _check_clock(self, path: str, response: httpx.Response) -> None:
        theirs, ours = _date(response.headers.get("date", "")), self._clock.now()
        if theirs is None:
            return
        skew = (ours - theirs).total_seconds()
        if abs(skew) > MAX_SKEW_SECONDS:
            raise ClockSkewError(
                f"{path}: this machine's clock says {ours:%Y-%m-%dT%H:%M:%SZ} and the API says "
                f"{theirs:%Y-%m-%dT%H:%M:%SZ}, {abs(skew):.0f} s apart; set this machine's clock"
            )

    def _clean(self, text: str) -> str:
        """Return text fit for a log line: one line, bounded, without the key."""
        printable = "".join(c if c.isprintable() else " " for c in self._secret.redact(text))
        return printable[:SHOWN_CHARACTERS]


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None


class _Detail(msgspec.Struct):
    message: str = ""


class _ErrorBody(msgspec.Struct):
    error: _Detail


def _message(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_ErrorBody).error.message
    except msgspec.MsgspecError:
        return body[:SHOWN_CHARACTERS].decode("utf-8", "replace") or "(empty body)"
