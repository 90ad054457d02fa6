"""What can go wrong with one request, as data; scenarios schedule it, tests queue it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from claude_cost_exporter.simulator.wire import Delivery

if TYPE_CHECKING:
    from collections.abc import Callable

ERROR_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    410: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""`error.type` by status."""

HTML = b"<!doctype html><html><head><title>502 Bad Gateway</title></head><body>502</body></html>"


@dataclass(frozen=True, slots=True)
class Fault:
    """One spoiled answer. `status` None: the true answer is computed, then spoiled."""

    status: int | None = None
    message: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    """Instead of the API's error envelope, or instead of the true body."""
    content_type: str = "application/json"
    repeat: int = 1
    delivery: Delivery = Delivery.WHOLE
    delay: float = 0.0
    clock_offset: timedelta = timedelta(0)
    """How far the provider's clock is off for this one answer."""
    reset_offset: timedelta | None = None
    """Adds `anthropic-ratelimit-requests-reset` at now plus this; negative is a stale one."""
    edit: Callable[[Any], Any] | None = None
    """Changes the parsed true answer; what it returns is sent (None: changed in place)."""


def error(status: int, message: str = "", headers: tuple[tuple[str, str], ...] = ()) -> Fault:
    """Return a fault that answers with the API's own error envelope."""
    return Fault(status, message or f"Simulated {status}.", headers)


def rate_limited(retry_after: int | None = None, reset_offset: timedelta | None = None) -> Fault:
    """Return a 429, with or without `retry-after` and a (stale) reset time."""
    headers = () if retry_after is None else (("retry-after", str(retry_after)),)
    message = "This request would exceed your organization's rate limit."
    return Fault(429, message, headers, reset_offset=reset_offset)


def dropped() -> Fault:
    """Return a fault that resets the connection instead of answering."""
    return Fault(503, delivery=Delivery.DROPPED)


def truncated() -> Fault:
    """Return a fault that cuts the true answer in half."""
    return Fault(delivery=Delivery.TRUNCATED)


def html(status: int = 502) -> Fault:
    """Return the page of a proxy that stands before the API."""
    return Fault(status, body=HTML, content_type="text/html")


def body(content: bytes, status: int = 200) -> Fault:
    """Return a fault that answers with these very bytes."""
    return Fault(status, body=content)


def giant(length: int, chunk: bytes = b" " * 65_536) -> Fault:
    """Return a 200 whose body has at least `length` bytes."""
    return Fault(200, body=chunk, repeat=-(-length // len(chunk)))


def slow(seconds: float) -> Fault:
    """Return the true answer, late."""
    return Fault(delay=seconds)


def clock_off(by: timedelta) -> Fault:
    """Return the true answer of a provider whose clock is off."""
    return Fault(clock_offset=by)


def edited(edit: Callable[[Any], Any]) -> Fault:
    """Return the true answer after `edit` has changed the parsed document."""
    return Fault(edit=edit)


class FaultQueue:
    """Faults that tests order for the next requests; first in, first out per endpoint."""

    def __init__(self) -> None:
        self._queued: deque[tuple[str, Fault]] = deque()

    def add(self, fault: Fault, *, times: int = 1, endpoint: str = "") -> None:
        """Spoil the next `times` requests to `endpoint` (its route name; empty: to any)."""
        self._queued.extend([(endpoint, fault)] * times)

    def take(self, endpoint: str) -> Fault | None:
        """Remove and return the first fault that waits for `endpoint`."""
        for position, (wanted, fault) in enumerate(self._queued):
            if wanted in {"", endpoint}:
                del self._queued[position]
                return fault
        return None

    def clear(self) -> None:
        """Forget what has not happened yet."""
        self._queued.clear()

    def __len__(self) -> int:
        """Return how many faults still wait."""
        return len(self._queued)
