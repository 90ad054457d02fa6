"""What an answer other than 200 means: which error, whether to ask again, and when (floor 2).

https://platform.claude.com/docs/en/api/errors (2026-08)
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

from claude_cost_exporter import __version__
from claude_cost_exporter.errors import (
    BadRequestError,
    ForbiddenError,
    NotFoundError,
    RateLimitedError,
    ServerError,
    SourceError,
    UnauthorizedError,
)
from claude_cost_exporter.sources.secrets import ADMIN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from claude_cost_exporter.sources.secrets import Secret

SAID_BYTES = 4096

ADVICE = {
    400: "asking again as it is cannot help: please report this sentence to the project, with "
    f"version {__version__}",
    401: "check the Admin API key of this account: it is missing, wrong or expired",
    402: "check the organisation's billing in the Console",
    403: f"use an Admin API key ({ADMIN}...) of the organisation; workspace keys cannot read usage",
    404: "this key's organisation does not have the endpoint",
    429: "everything that reads this organisation's reports shares one limit",
}
ERRORS: dict[int, type[SourceError]] = {
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    410: NotFoundError,
    429: RateLimitedError,
}
UNSERVED = ("organization_type_not_supported", "anthropic-beta")
PASSING = {408, 409, 429}
"""Below 500, these pass by themselves; Anthropic's own SDKs ask again, too."""


def refusal(
    path: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    key: Secret,
) -> SourceError:
    """Return the error of a status: where, what was said, and what to do."""
    printable = key.printable
    request_id = printable(headers.get("request-id", ""))
    trace = f" (request {request_id})" if request_id else ""
    default = ServerError if status >= HTTPStatus.INTERNAL_SERVER_ERROR else BadRequestError
    sentence = f"{path}: HTTP {status}: {printable(_said(body))}{trace}"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        sentence += (
            f"; it redirects to {printable(headers.get('location', 'nowhere'))}, where the key "
            "is not sent: check base_url"
        )
    elif status == HTTPStatus.FORBIDDEN and key.is_admin:
        sentence += "; the key is an Admin key, but not one that may read this"
    elif status in ADVICE:
        sentence += f"; {ADVICE[status]}"
    error = ERRORS.get(status, default)(sentence)
    error.status = status
    return error


def is_unserved(error: SourceError) -> bool:
    """Tell an answer that says that this key or organisation has no such thing from a failure.

    A 400 says so only of a kind of organisation or of a beta; any other is a defect of somebody's.
    """
    if isinstance(error, BadRequestError):
        return any(sign in str(error) for sign in UNSERVED)
    return isinstance(error, (ForbiddenError, NotFoundError))


def may_pass(status: int, headers: Mapping[str, str]) -> bool:
    """Return whether to ask again: as the server says, else by status."""
    said = headers.get("x-should-retry")
    if said in {"true", "false"}:
        return said == "true"
    return status in PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that the server asks for; a stale or odd answer is no answer.

    `anthropic-ratelimit-requests-reset` is left alone: live, it is often in the past already.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "")
        if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", value):
            return float(value) * unit
    moment = http_date(headers.get("retry-after", ""))
    seconds = (moment - now).total_seconds() if moment else 0.0
    return seconds if seconds > 0 else None


def http_date(text: str) -> datetime | None:
    """Return the moment of a date header, None when it is not one."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return moment if moment.tzinfo else None


class _Details(msgspec.Struct):
    error_code: str | None = None


class _Detail(msgspec.Struct):
    type: str | None = None
    message: str | None = None
    details: _Details | None = None


class _ErrorBody(msgspec.Struct):
    error: _Detail


def _said(body: bytes) -> str:
    """Return what the API's error envelope says, or how a body of any other kind begins."""
    try:
        detail = msgspec.json.decode(body, type=_ErrorBody).error
    except (ValueError, RecursionError):
        return body[:SAID_BYTES].decode("utf-8", "replace").strip() or "(empty body)"
    code = detail.details.error_code if detail.details else None
    parts = (detail.type, code, detail.message)
    return ": ".join(part for part in parts if part) or "(no message)"
