"""The two ways in which the API pages: opaque tokens (reports) and id cursors (entities)."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from claude_cost_exporter.simulator.wire import bad_request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claude_cost_exporter.simulator.parameters import Parameters

MAX_ENTITIES = 1_000
DEFAULT_ENTITIES = 20
MAX_DIGITS = 12


def fingerprint(query: Sequence[tuple[str, str]]) -> str:
    """Return a short name of all parameters but the page: cursors are bound to their query."""
    rest = sorted(pair for pair in query if pair[0] != "page")
    return blake2b(repr(rest).encode(), digest_size=6).hexdigest()


def next_token(position: str, query: Sequence[tuple[str, str]]) -> str:
    """Return `page_` + base64 of where the next page begins, bound to the query."""
    return "page_" + b64encode(f"{position} {fingerprint(query)}".encode()).decode()


def read_token(token: str, query: Sequence[tuple[str, str]]) -> str:
    """Return the position in a token; 400 when it is foreign or of another query."""
    try:
        if not token.startswith("page_"):
            raise bad_request("page: Invalid page token.")
        content = b64decode(token.removeprefix("page_"), validate=True).decode()
    except (Base64Error, UnicodeDecodeError):
        raise bad_request("page: Invalid page token.") from None
    position, _, bound = content.partition(" ")
    if bound != fingerprint(query):
        raise bad_request(
            "page: The page token was issued for a request with other parameters; "
            "resend them unchanged."
        )
    return position


def by_token(
    items: Sequence[dict[str, Any]], parameters: Parameters, query: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """Return the page of entities that `page` and `limit` ask for; there is no `has_more`."""
    limit = parameters.take_int("limit", DEFAULT_ENTITIES, MAX_ENTITIES)
    token = parameters.take("page")
    parameters.finish()
    begin = read_number(read_token(token, query)) if token is not None else 0
    more = len(items) > begin + limit
    return {
        "data": list(items[begin : begin + limit]),
        "next_page": next_token(str(begin + limit), query) if more else None,
    }


def read_number(text: str) -> int:
    """Return a number in a token."""
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        raise bad_request("page: Invalid page token.")
    return int(text)


def by_cursor(items: Sequence[dict[str, Any]], parameters: Parameters) -> dict[str, Any]:
    """Return the page of entities that `after_id`, `before_id` and `limit` ask for."""
    after, before = parameters.take("after_id"), parameters.take("before_id")
    limit = parameters.take_int("limit", DEFAULT_ENTITIES, MAX_ENTITIES)
    parameters.finish()
    if after is not None and before is not None:
        raise bad_request("after_id: Cannot be used together with before_id")
    if before is not None:
        earlier = items[: _position("before_id", before, items)]
        page, more = earlier[-limit:], len(earlier) > limit
    else:
        begin = 0 if after is None else _position("after_id", after, items) + 1
        page, more = items[begin : begin + limit], len(items) > begin + limit
    return {
        "data": list(page),
        "first_id": page[0]["id"] if page else None,
        "has_more": more,
        "last_id": page[-1]["id"] if page else None,
    }


def _position(name: str, wanted: str, items: Sequence[dict[str, Any]]) -> int:
    for position, item in enumerate(items):
        if item["id"] == wanted:
            return position
    raise bad_request(f"{name}: No object has the id {wanted!r}")
