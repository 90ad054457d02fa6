"""Requests and responses of the simulated API, and how it refuses (floor 2)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Request:
    """A GET. Query parameters keep their order; header names are lower case."""

    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]

    def all(self, name: str) -> list[str]:
        """Return every value of a parameter."""
        return [value for key, value in self.query if key == name]

    def one(self, name: str, default: str | None = None) -> str | None:
        """Return the first value of a parameter."""
        return next(iter(self.all(name)), default)


@dataclass(frozen=True, slots=True)
class Response:
    """What goes over the wire.

    `drop` closes the connection instead of answering; `truncate` announces the whole body and
    sends half of it.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    truncate: bool = False
    delay_seconds: float = 0.0


class Refusal(Exception):  # noqa: N818 - not an error of ours but an answer
    """An error body of the API."""

    def __init__(self, status: int, kind: str, message: str, **headers: str) -> None:
        self.status, self.kind, self.message = status, kind, message
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        super().__init__(message)

    def response(self, request_id: str) -> Response:
        """Return the refusal as the API writes it."""
        body = {
            "type": "error",
            "error": {"type": self.kind, "message": self.message},
            "request_id": request_id,
        }
        return Response(self.status, json.dumps(body).encode(), self.headers)


def bad_request(message: str) -> Refusal:
    """Return a 400 that retrying cannot help."""
    return Refusal(400, "invalid_request_error", message, x_should_retry="false")


def json_response(body: Any) -> Response:  # noqa: ANN401 - any JSON
    """Return a 200."""
    return Response(200, json.dumps(body).encode(), {"content-type": "application/json"})
