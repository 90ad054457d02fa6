"""Requests and answers of the fake API, without any socket."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Delivery(StrEnum):
    """What happens to an answer on its way to the client."""

    WHOLE = "whole"
    TRUNCATED = "truncated"
    """Half of the announced body is sent, then the connection closes."""
    DROPPED = "dropped"
    """The connection is reset before a single byte of the answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the handler sees it. Header names are lower case."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]

    @classmethod
    def parse(cls, method: str, target: str, headers: Mapping[str, str]) -> Request:
        """Return the request of a request line's target, for example `/v1/x?limit=5`."""
        parts = urlsplit(target)
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        return cls(method, parts.path, query, {k.lower(): v for k, v in headers.items()})

    def has_beta(self, name: str) -> bool:
        """Return whether the request opts into a beta."""
        betas = self.headers.get("anthropic-beta", "")
        return name in (beta.strip() for beta in betas.split(","))

    def __repr__(self) -> str:
        """Show everything but the headers, for one of them is the key."""
        return f"Request({self.method} {self.path} {self.query})"


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. A client without a socket has to act on `delivery` and `delay` itself."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    repeat: int = 1
    """How many times `body` is sent; makes huge bodies without the memory for them."""
    delivery: Delivery = Delivery.WHOLE
    delay: float = 0.0
    """Seconds before the first byte."""

    @property
    def length(self) -> int:
        """Return what `content-length` announces."""
        return len(self.body) * self.repeat

    def chunks(self) -> Iterator[bytes]:
        """Yield what is delivered of the body; less than `length` when truncated."""
        if self.delivery is Delivery.DROPPED:
            return
        left = self.length // 2 if self.delivery is Delivery.TRUNCATED else self.length
        while left > 0:
            chunk = self.body[:left]
            left -= len(chunk)
            yield chunk

    def header(self, name: str) -> str | None:
        """Return the value of a header, whatever its case."""
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)


class ApiError(Exception):
    """An error answer of the API: `kind` is `error.type` of its body."""

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        headers: tuple[tuple[str, str], ...] = (),
        code: str = "",
    ) -> None:
        self.status = status
        self.kind = kind
        self.message = message
        self.headers = headers
        self.code = code
        """`error.details.error_code`, if any."""
        super().__init__(message)


def bad_request(message: str) -> ApiError:
    """Return the 400 that the API gives for a request that can never succeed."""
    return ApiError(400, "invalid_request_error", message, (("x-should-retry", "false"),))


def to_json_fast(answer: dict[str, Any]) -> bytes:
    """Return the bytes of a true answer; reports of a quarter are encoded thousands of times."""
    return msgspec.json.encode(answer)


def to_json(document: object) -> bytes:
    """Return the bytes of any document, also of one that is not quite JSON (NaN, huge numbers)."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def error_body(kind: str, message: str, request_id: str, code: str = "") -> bytes:
    """Return the error envelope of the API."""
    error: dict[str, object] = {"type": kind, "message": message}
    if code:
        error["details"] = {"error_code": code}
    return to_json({"type": "error", "error": error, "request_id": request_id})
