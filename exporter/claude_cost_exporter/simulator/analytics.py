"""What the two analytics endpoints share: their parameters, time buckets, order and pages.

Unlike the legacy reports they answer flat rows, by default the largest first, and no row at all
where there is nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from claude_cost_exporter.simulator.bill import (
    Group,
    Reading,
    analytics_reading,
    refreshed_reading,
)
from claude_cost_exporter.simulator.buckets import rfc3339
from claude_cost_exporter.simulator.facts import DIMENSIONS, FILTERS, Fact, Facts, facts_of, shown
from claude_cost_exporter.simulator.pages import next_token, read_number, read_token
from claude_cost_exporter.simulator.parameters import required
from claude_cost_exporter.simulator.traffic import DAY_MINUTES
from claude_cost_exporter.simulator.wire import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from claude_cost_exporter.simulator.call import Answer, Call
    from claude_cost_exporter.simulator.corrections import Series
    from claude_cost_exporter.simulator.organisation import Organisation

MAX_GROUPS = 5
MAX_ROWS = 1_000
DEFAULT_ROWS = 20
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
LOOKBACK = timedelta(days=365)
MAX_RANGE = timedelta(days=31)
MAX_RANGE_OF_MINUTES = timedelta(hours=24)
WIDTHS = {"1d": DAY_MINUTES, "1h": 60, "1m": 1}
TIME = "time"

M = TypeVar("M")


class Span(NamedTuple):
    """A row's bounds and the part of them that was asked for, in minutes."""

    start: int
    end: int
    first: int
    stop: int

    def days(self) -> Iterator[tuple[int, int]]:
        """Yield what was asked for, cut at midnights: prices are those of the UTC day."""
        minute = self.first
        while minute < self.stop:
            midnight = (minute // DAY_MINUTES + 1) * DAY_MINUTES
            yield minute, min(midnight, self.stop)
            minute = midnight


class Cursor(NamedTuple):
    """Where a page begins: of which state of the data, in which span, after how many rows."""

    refreshed: int
    span: int = 0
    row: int = 0

    def __str__(self) -> str:
        """Return what `read` understands."""
        return "/".join(map(str, self))

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Return the cursor in a token."""
        numbers = [read_number(part) for part in text.split("/")]
        if len(numbers) != len(cls._fields):
            raise bad_request("page: Invalid page token.")
        return cls(*numbers)


@dataclass(frozen=True, slots=True)
class Query:
    """What one request asks for."""

    spans: list[Span]
    grouped: tuple[int, ...]
    """Places of the requested groups in `DIMENSIONS`."""
    fan_out: frozenset[str]
    """`cost_type` and `token_type`, if asked for: they count neither as groups nor as rows."""
    group: Group[Facts]
    order_by: str
    descending: bool
    limit: int
    cursor: Cursor
    reading: Reading


class Entry(NamedTuple):
    """One group of one span; it becomes one row, or several when it fans out."""

    span: Span
    group: Facts
    measure: Any


def read_query(call: Call, orders: tuple[str, ...], fan_out: tuple[str, ...] = ()) -> Query:
    """Return the query of a request; the first of `orders` is the default."""
    parameters = call.parameters
    width = parameters.take_choice("time_bucket_width", WIDTHS, "")
    group_by = parameters.take_list("group_by", (*DIMENSIONS, *fan_out))
    grouped = frozenset(group_by) - frozenset(fan_out)
    if len(grouped) > MAX_GROUPS:
        raise bad_request("Cannot specify more than 5 group_by[] dimensions.")
    if "organization_id" in grouped:
        raise bad_request("group_by[]: 'organization_id' requires a parent organization's key.")
    if parameters.take_flag("exclude_deleted_users") and "actor" not in grouped:
        raise bad_request("exclude_deleted_users: requires group_by[]=actor.")
    order_by = parameters.take_choice("order_by", (*orders, TIME), orders[0])
    descending = parameters.take_choice("order", ("asc", "desc"), "desc") == "desc"
    limit = parameters.take_int("limit", DEFAULT_ROWS, MAX_ROWS)
    group = _group(call, grouped)
    spans = _spans(*_range(call, width), WIDTHS.get(width))
    if order_by == TIME and descending:
        spans.reverse()
    cursor = _cursor(call)
    parameters.finish()
    reading = refreshed_reading(cursor.refreshed)
    asked = frozenset(group_by) & frozenset(fan_out)
    places = tuple(map(DIMENSIONS.index, grouped))
    return Query(spans, places, asked, group, order_by, descending, limit, cursor, reading)


def _cursor(call: Call) -> Cursor:
    token = call.parameters.take("page")
    if token is not None:
        return Cursor.read(read_token(token, call.request.query))
    return Cursor(analytics_reading(call.now, call.switches).metered.second)


def _range(call: Call, width: str) -> tuple[int, int]:
    """Return the minutes `[first, end)` that are asked for."""
    start = required("starting_at", call.parameters.take_time("starting_at"))
    end = call.parameters.take_time("ending_at")
    if start < max(EARLIEST, call.now - LOOKBACK):
        raise bad_request(
            "starting_at: Must be within the last 365 days and no earlier than "
            "2026-01-01T00:00:00Z."
        )
    if end is None:
        if width:
            raise bad_request("ending_at: Field required with time_bucket_width.")
        end = start if start > call.now else min(call.now, start + MAX_RANGE)
    elif end <= start:
        raise bad_request("ending_at: Must be after starting_at.")
    most = MAX_RANGE_OF_MINUTES if width == "1m" else MAX_RANGE
    if end - start > most:
        raise bad_request(f"ending_at: The range must not exceed {most}.")
    return int(start.timestamp()) // 60, int(end.timestamp()) // 60


def _spans(first: int, end: int, width: int | None) -> list[Span]:
    """Return the spans of a range; without a width one, with bounds floored to the hour."""
    if width is None:
        first, end = first // 60 * 60, end // 60 * 60
        return [Span(first, end, first, end)]
    starts = range(first // width * width, end, width)
    return [Span(s, s + width, max(s, first), min(s + width, end)) for s in starts]


def _group(call: Call, group_by: frozenset[str]) -> Group[Facts]:
    default = call.organisation.default_workspace_id
    wanted: list[tuple[int, frozenset[str | None]]] = []
    for name, (dimension, allowed) in FILTERS.items():
        values: set[str | None] = set(call.parameters.take_list(name, allowed))
        if name == "api_key_ids" and "" in values:
            values.add(None)  # an empty entry means usage without a key
        if values:
            wanted.append((DIMENSIONS.index(dimension), frozenset(values)))
    kept = tuple(name in group_by for name in DIMENSIONS)

    def of(series: Series) -> Facts | None:
        facts = facts_of(series, default)
        if all(_plain(facts[place]) in values for place, values in wanted):
            return tuple(f if keep else None for f, keep in zip(facts, kept, strict=True))
        return None

    return Group((group_by, tuple(wanted)), of)


def _plain(fact: Fact) -> str | None:
    return fact[1] if isinstance(fact, tuple) else fact


def page_of(
    call: Call,
    query: Query,
    measured: Callable[[Span], dict[Facts, M]],
    rank: Callable[[M], int],
) -> tuple[list[Entry], Answer]:
    """Return the entries of one page and the envelope that they go into."""

    def entries(span: Span) -> list[Entry]:
        """Return a span's entries in a fixed order; the next page often needs the same span."""
        key = (call.request.path, query.cursor.refreshed, query.group.key, query.fan_out, span)
        found: list[Entry] = call.recent.get(key, lambda: _entries(span, measured(span)))
        return found

    by_time = query.order_by == TIME
    found, after = _by_time(query, entries) if by_time else _by_rank(query, entries, rank)
    envelope: Answer = {
        "data": [],
        "data_refreshed_at": rfc3339(query.cursor.refreshed),
        "has_more": after is not None,
        "next_page": next_token(str(after), call.request.query) if after else None,
    }
    return found, envelope


def _by_time(
    query: Query, entries: Callable[[Span], list[Entry]]
) -> tuple[list[Entry], Cursor | None]:
    """Look only at the spans that the page needs."""
    found: list[Entry] = []
    refreshed, begin, row = query.cursor
    for number in range(begin, len(query.spans)):
        of_span = entries(query.spans[number])
        stop = row + query.limit - len(found)
        found += of_span[row:stop]
        if stop < len(of_span):
            return found, Cursor(refreshed, number, stop)
        row = 0
    return found, None


def _by_rank(
    query: Query, entries: Callable[[Span], list[Entry]], rank: Callable[[M], int]
) -> tuple[list[Entry], Cursor | None]:
    sign = -1 if query.descending else 1
    found = [entry for span in query.spans for entry in entries(span)]
    found.sort(key=lambda entry: sign * rank(entry.measure))
    row = query.cursor.row
    after = Cursor(query.cursor.refreshed, 0, row + query.limit)
    return found[row : after.row], after if after.row < len(found) else None


def _entries(span: Span, groups: dict[Facts, M]) -> list[Entry]:
    ordered = sorted(groups.items(), key=lambda pair: str(pair[0]))
    return [Entry(span, group, measure) for group, measure in ordered]


def row_of(entry: Entry, query: Query, organisation: Organisation) -> Answer:
    """Return a row without its figures."""
    group: dict[str, object] = dict.fromkeys(DIMENSIONS)
    for place in query.grouped:
        group[DIMENSIONS[place]] = shown(entry.group[place], organisation)
    return {
        "starting_at": rfc3339(entry.span.start * 60),
        "ending_at": rfc3339(entry.span.end * 60),
        "group": group,
    }
