"""Decoding answers, and walking their pages without losing one (floor 2)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar, get_args, get_origin

import msgspec

from claude_cost_exporter.errors import PaginationError, ParseError
from claude_cost_exporter.sources.secrets import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from claude_cost_exporter.sources.http import ApiClient

SHOWN_BYTES = 80


class Page(Protocol):
    """A page of a report or of a list of entities."""

    has_more: bool


class ReportPage(msgspec.Struct, kw_only=True):
    """What the pages of all reports have beside their data."""

    has_more: bool
    next_page: str | None = None


class Cursor(NamedTuple):
    """How an endpoint says where the next page begins, and how many pages are believable."""

    field: str
    parameter: str
    max_pages: int


NEXT_PAGE = Cursor("next_page", "page", max_pages=1000)
"""How reports say it."""

T = TypeVar("T")
P = TypeVar("P", bound=Page)


def decode(body: bytes, kind: type[T], endpoint: str) -> T:
    """Return the body as `kind`, or raise a ParseError that names the JSON path."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise ParseError(f"{endpoint}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise ParseError(f"{endpoint}: expected JSON, got {_shown(body)} ({error})") from None


def _shown(body: bytes) -> str:
    """Describe what is no JSON. Broken JSON is not quoted: it may hold somebody's name."""
    if body.lstrip().startswith((b"{", b"[")):
        return f"a body of {len(body)} bytes of broken JSON"
    shown = one_line(body[:SHOWN_BYTES].decode("utf-8", "replace"))
    return f"a body that starts with {shown!r}" if body else "an empty body"


def pages(  # noqa: PLR0913 - a request and its bound
    client: ApiClient,
    path: str,
    params: Sequence[tuple[str, str]],
    kind: type[P],
    cursor: Cursor,
    *,
    headers: Mapping[str, str] | None = None,
    history: bool = False,
) -> Iterator[tuple[P, bytes]]:
    """Yield every page and its body. Pages that contradict themselves are an error."""
    query, seen = list(params), set[str]()
    for _ in range(cursor.max_pages):
        body = client.get(path, query, headers=headers, history=history)
        page = decode(body, kind, path)
        yield page, body
        if not page.has_more:  # a cursor may stand on the last page too, and is not followed
            return
        following = getattr(page, cursor.field)
        if not following or following in seen:
            found = f"{following[:SHOWN_BYTES]!r} a second time" if following else "null"
            raise PaginationError(f"{path}: has_more is true and {cursor.field} is {found}")
        seen.add(following)
        query = [*params, (cursor.parameter, following)]
    raise PaginationError(
        f"{path}: more than {cursor.max_pages} pages; the answer is not complete, so nothing of "
        "it was kept"
    )


def unknown_fields(body: bytes, kind: type[msgspec.Struct]) -> set[str]:
    """Return the paths of fields that `kind` does not know, for example `data[].results[].x`."""
    try:
        return set(_unknown(msgspec.Raw(body), kind, ""))
    except UnicodeDecodeError:
        return {"(not UTF-8)"}


def _unknown(raw: msgspec.Raw, kind: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - any type
    """Walk in steps of one object or list: a page as a whole would take much memory."""
    if get_origin(kind) is not list:
        yield from _unknown_of_all([raw], kind, path)
        return
    items, (inside,) = msgspec.json.decode(raw, type=list[msgspec.Raw]), get_args(kind)
    together = max(1, len(items)) if _is_flat(inside) else 1  # a report has millions
    for start in range(0, len(items), together):
        yield from _unknown_of_all(items[start : start + together], inside, f"{path}[]")


def _unknown_of_all(
    raws: Sequence[msgspec.Raw], kind: type[msgspec.Struct], path: str
) -> Iterator[str]:
    """Do the same for objects of one kind, each level of them at once."""
    body = b"[" + b",".join(raws) + b"]"
    objects, known = msgspec.json.decode(body, type=list[dict[str, msgspec.Raw]]), _fields(kind)
    for name in set().union(*objects) - known.keys():
        yield _inside(path, name)
    for name in _nested(kind):
        values = [found[name] for found in objects if name in found]
        if get_origin(known[name]) is list:
            for value in values:
                yield from _unknown(value, known[name], _inside(path, name))
        elif values:
            yield from _unknown_of_all(values, known[name], _inside(path, name))


def _inside(path: str, name: str) -> str:
    return f"{path}.{name}".lstrip(".")


@lru_cache
def _fields(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {field.encode_name: field.type for field in msgspec.structs.fields(kind)}


@lru_cache
def _nested(kind: type[msgspec.Struct]) -> frozenset[str]:
    """Return the fields with further fields inside: a report has millions of those without."""
    return frozenset(name for name, its in _fields(kind).items() if _has_fields(its))


@lru_cache
def _is_flat(kind: type[msgspec.Struct]) -> bool:
    """Tell whether objects of a kind have no lists of further objects."""
    inner = (_fields(kind)[name] for name in _nested(kind))
    return all(get_origin(its) is not list and _is_flat(its) for its in inner)


def _has_fields(kind: Any) -> bool:  # noqa: ANN401 - any type
    if get_origin(kind) is list:
        return _has_fields(get_args(kind)[0])
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
