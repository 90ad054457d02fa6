"""Pages: none is lost, none is read twice, and a contradiction is an error."""

from __future__ import annotations

from itertools import count

import msgspec
import pytest

from claude_cost_exporter.errors import BadRequestError, PaginationError, ParseError, TransportError
from claude_cost_exporter.sources.pages import Cursor, decode, pages, unknown_fields
from tests.support.api import answer

TOKEN = Cursor("next_page", "page", max_pages=5)
AFTER_ID = Cursor("last_id", "after_id", max_pages=5)


class Item(msgspec.Struct):
    name: str


class Page(msgspec.Struct):
    data: list[Item]
    has_more: bool
    next_page: str | None = None
    last_id: str | None = None


def page(name, *, more, **rest):
    return answer(200, {"data": [{"name": name}], "has_more": more, **rest})


def walk(bench, cursor):
    found = pages(bench.client, "/v1/things", [("limit", "1")], Page, cursor)
    return [item.name for one, _ in found for item in one.data]


@pytest.mark.parametrize("cursor", [TOKEN, AFTER_ID], ids=["token", "id"])
def test_t8_every_page_is_read_with_the_same_parameters(bench, cursor):
    """T8: each page is asked with the first one's parameters and the cursor of the one before."""
    first, second = {cursor.field: "two"}, {cursor.field: "three"}
    bench.api.will(
        page("a", more=True, **first), page("b", more=True, **second), page("c", more=False)
    )
    assert walk(bench, cursor) == ["a", "b", "c"]
    assert bench.api.queries() == [
        [("limit", "1")],
        [("limit", "1"), (cursor.parameter, "two")],
        [("limit", "1"), (cursor.parameter, "three")],
    ]


def test_an_empty_page_in_the_middle_is_not_the_end(bench):
    """A page without rows but with more to come is read past."""
    empty = answer(200, {"data": [], "has_more": True, "next_page": "two"})
    bench.api.will(empty, page("b", more=False))
    assert walk(bench, TOKEN) == ["b"]


@pytest.mark.parametrize("cursor", [TOKEN, AFTER_ID], ids=["token", "id"])
def test_t8_a_stray_cursor_is_not_followed(bench, cursor):
    """T8: when has_more is false the answer is complete, whatever cursor it still names."""
    bench.api.will(page("a", more=False, **{cursor.field: "two"}))
    assert walk(bench, cursor) == ["a"]
    assert len(bench.api.requests) == 1


@pytest.mark.parametrize("cursor", [TOKEN, AFTER_ID], ids=["token", "id"])
@pytest.mark.parametrize("rest", [None, "", "absent"])
def test_t8_more_without_a_cursor_is_an_error(bench, cursor, rest):
    """T8: has_more without a next page is a contradiction, not the end."""
    cursor_in_body = {} if rest == "absent" else {cursor.field: rest}
    bench.api.will(page("a", more=True, **cursor_in_body))
    with pytest.raises(PaginationError) as caught:
        walk(bench, cursor)
    assert str(caught.value) == f"/v1/things: has_more is true and {cursor.field} is null"


def test_t8_a_page_that_repeats_is_an_error(bench):
    """T8: a cursor that leads back is an endless loop, and is named."""
    back = page("a", more=True, next_page="again")
    bench.api.will(back, back)
    with pytest.raises(PaginationError, match="next_page is 'again' a second time"):
        walk(bench, TOKEN)


def test_t8_the_page_cap_is_an_error(bench):
    """T8: more pages than are believable is an error, never a silent end."""
    numbers = count()
    bench.api.will(lambda _: page("a", more=True, next_page=f"page-{next(numbers)}"))
    with pytest.raises(PaginationError, match="more than 5 pages; the answer is not complete"):
        walk(bench, TOKEN)
    assert len(bench.api.requests) == 5


def test_a_hostile_cursor_is_not_printed_whole(bench):
    """An error that shows a cursor stays one short line."""
    back = page("a", more=True, next_page="x\n" * 10_000)
    bench.api.will(back, back)
    with pytest.raises(PaginationError) as caught:
        walk(bench, TOKEN)
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()


def test_an_endless_cursor_is_an_error(bench):
    """A cursor that fits into no URL is a refusal, and no crash."""
    bench.api.will(page("a", more=True, next_page="x" * 1_000_000))
    with pytest.raises(BadRequestError, match="/v1/things: cannot be asked: URL component"):
        walk(bench, TOKEN)


def test_a_page_that_fails_ends_the_walk(bench):
    """An error on the second page is raised; nobody sees the first as the whole."""
    bench.api.will(page("a", more=True, next_page="two"), answer(200, b"", content_encoding="br"))
    with pytest.raises(TransportError):
        walk(bench, TOKEN)


NOT_JSON = {
    "HTML": b"<!doctype html><title>502</title>",
    "empty": b"",
    "half": b'{"data": [',
    "NaN": b'{"data": [], "has_more": NaN}',
    "two documents": b'{"data": [], "has_more": false}{}',
    "not UTF-8": b'{"data": [{"name": "\xff"}], "has_more": false}',
    "nested too deeply": b'{"more": ' + b"[" * 200_000,
    "a lone surrogate": b'{"data": [{"name": "\\ud800"}], "has_more": false}',
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=list(NOT_JSON))
def test_t9_what_is_not_json_is_a_parse_error(body):
    """T9: the error shows how the body begins, in one line, and never the whole of it."""
    with pytest.raises(ParseError) as caught:
        decode(body, Page, "/v1/things")
    said = str(caught.value)
    assert said.startswith("/v1/things: expected JSON, got a")
    assert len(said) < 400
    assert said.isprintable()


NOT_A_PAGE = {
    "null": (b"null", "Expected `object`, got `null`"),
    "a list": (b"[]", "Expected `object`, got `array`"),
    "without data": (b'{"has_more": false}', "missing required field `data`"),
    "without has_more": (b'{"data": []}', "missing required field `has_more`"),
    "has_more as a word": (b'{"data": [], "has_more": "no"}', "at `$.has_more`"),
    "data as an object": (b'{"data": {}, "has_more": false}', "at `$.data`"),
    "an item without name": (b'{"data": [{"name": "a"}, {}], "has_more": false}', "at `$.data[1]`"),
}


@pytest.mark.parametrize(("body", "where"), NOT_A_PAGE.values(), ids=list(NOT_A_PAGE))
def test_t9_a_mistyped_field_is_named_with_its_path(body, where):
    """T9: the error names the endpoint, what was expected, and the JSON path."""
    with pytest.raises(ParseError) as caught:
        decode(body, Page, "/v1/things")
    assert str(caught.value).startswith("/v1/things: ")
    assert where in str(caught.value)


def test_unknown_fields_are_found_at_every_depth():
    """A field that no struct has is named by its path, once however often it is there."""
    body = (
        b'{"x": 1, "has_more": false, "data": [{"name": "a", "y": {"name": 1}}, {"y": 2, "z": []}]}'
    )
    assert unknown_fields(body, Page) == {"x", "data[].y", "data[].z"}


def test_known_pages_have_no_unknown_fields():
    """What a page documents is not unknown."""
    body = b'{"data": [{"name": "a"}], "has_more": true, "next_page": "b", "last_id": null}'
    assert unknown_fields(body, Page) == set()


def test_a_field_name_that_is_not_utf8_is_an_unknown_field():
    """Bytes that are no text are counted as unknown, and no crash."""
    assert unknown_fields(b'{"data": [], "\xff": 1, "has_more": true}', Page) == {"(not UTF-8)"}
