"""Decoding answers, and walking their pages without losing one (floor 2)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from claude_cost_exporter.errors import PaginationError, ParseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from claude_cost_exporter.sources.http import ApiClient

SHOWN_BYTES = 80


class BucketPage(Protocol):
    """A page of a report."""

    has_more: bool
    next_page: str | None


class CursorPage(Protocol):
    """A page of a list of entities."""

    has_more: bool
    last_id: str | None


T = TypeVar("T")
B = TypeVar("B", bound=BucketPage)
E = TypeVar("E", bound=CursorPage)


def decode(body: bytes, kind: type[T], endpoint: str) -> T:
    """Return the body as `kind`, or raise a ParseError that names the JSON path."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise ParseError(f"{endpoint}: {error}") from None
    except msgspec.DecodeError as error:
        start = body[:SHOWN_BYTES].decode("utf-8", "replace")
        shown = "".join(c if c.isprintable() else " " for c in start)
        what = f"a body that starts with {shown!r}" if body else "an empty body"
        raise ParseError(f"{endpoint}: expected JSON, got {what} ({error})") from None


def bucket_pages(  # noqa: PLR0913 - a request and its bound
    client: ApiClient,
    path: str,
    params: Sequence[tuple[str, str]],
    kind: type[B],
    max_pages: int,
    *,
    headers: Mapping[str, str] | None = None,
    history: bool = False,
) -> Iterator[tuple[B, bytes]]:
    """Yield every page and its body. Pages that contradict themselves are an error."""
    query, tokens = list(params), set[str]()
    for _ in range(max_pages):
        body = client.get(path, query, headers=headers, history=history)
        page = decode(body, kind, path)
        yield page, body
        if not page.has_more:  # a stray next_page is not followed
            return
        token = page.next_page
        if token is None or token in tokens:
            found = "null" if token is None else f"{token!r} a second time"
            raise PaginationError(f"{path}: has_more is true and next_page is {found}")
        tokens.add(token)
        query = [*params, ("page", token)]
    raise PaginationError(f"{path}: more than {max_pages} pages; nothing of them was kept")


def cursor_pages(
    client: ApiClient,
    path: str,
    params: Sequence[tuple[str, str]],
    kind: type[E],
    max_pages: int,
) -> Iterator[tuple[E, bytes]]:
    """Yield every page of a list that continues after the last id."""
    query, cursors = list(params), set[str]()
    for _ in range(max_pages):
        body = client.get(path, query)
        page = decode(body, kind, path)
        yield page, body
        if not page.has_more:  # last_id is there on the final page too
            return
        cursor = page.last_id
        if cursor is None or cursor in cursors:
            found = "null" if cursor is None else f"{cursor!r} a second time"
            raise PaginationError(f"{path}: has_more is true and last_id is {found}")
        cursors.add(cursor)
        query = [*params, ("after_id", cursor)]
    raise PaginationError(f"{path}: more than {max_pages} pages; nothing of them was kept")


def unknown_fields(body: bytes, kind: type[msgspec.Struct]) -> set[str]:
    """Return the paths of fields that `kind` does not know, for example `data[].results[].x`."""
    return set(_unknown(msgspec.json.decode(body), kind, ""))


def _unknown(value: Any, kind: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - walks any JSON
    if isinstance(value, list):
        for item in value:
            yield from _unknown(item, _item_type(kind), f"{path}[]")
    elif isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        known = _fields(kind)
        for name, inner in value.items():
            where = f"{path}.{name}".lstrip(".")
            if name not in known:
                yield where
            elif isinstance(inner, list | dict):
                yield from _unknown(inner, known[name], where)


@lru_cache
def _fields(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {field.encode_name: field.type for field in msgspec.structs.fields(kind)}


def _item_type(kind: Any) -> Any:  # noqa: ANN401 - a type of any shape
    return getattr(kind, "__args__", (None,))[0]
