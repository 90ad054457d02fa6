"""One page of Anthropic's usage report, and the records in it (floor 2).

https://platform.claude.com/docs/en/api/admin/usage_report/retrieve_messages (2026-08)
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Annotated, NamedTuple

import msgspec

from claude_cost_exporter.records import (
    DEFAULT_WORKSPACE,
    NO_API_KEY,
    Dimensions,
    Tokens,
    UsageRecord,
    label_value,
)
from claude_cost_exporter.sources.buckets import Stretch
from claude_cost_exporter.sources.pages import ReportPage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from claude_cost_exporter.sources.base import Notes

# More than this in one row and hour is a defect, and more than 64 bits of nano-dollars could hold.
Count = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
Requests = Annotated[int, msgspec.Meta(ge=0, le=10**9)]


class CacheCreation(msgspec.Struct):
    """Tokens written to the cache, by lifetime."""

    ephemeral_5m_input_tokens: Count
    ephemeral_1h_input_tokens: Count


class ServerToolUse(msgspec.Struct):
    """Requests to tools that Anthropic runs."""

    web_search_requests: Requests


class Row(msgspec.Struct):
    """One combination of the dimensions asked for; null: not asked for, or none."""

    uncached_input_tokens: Count
    cache_read_input_tokens: Count
    output_tokens: Count
    cache_creation: CacheCreation
    server_tool_use: ServerToolUse
    model: str | None = None
    service_tier: str | None = None
    context_window: str | None = None
    inference_geo: str | None = None
    speed: str | None = None
    workspace_id: str | None = None
    api_key_id: str | None = None
    account_id: str | None = None
    service_account_id: str | None = None


class Bucket(Stretch):
    """One hour or minute."""

    results: list[Row]


class Page(ReportPage):
    """One page of buckets, oldest first."""

    data: list[Bucket]


class Slice(NamedTuple):
    """A combination of the dimensions that the attribution queries filter by."""

    context_window: str | None
    speed: str | None

    def filters(self, names: tuple[str, str]) -> tuple[tuple[str, str], ...]:
        """Return what to filter by, with the API's names; null cannot be asked for."""
        return tuple((name, value) for name, value in zip(names, self, strict=True) if value)

    def holds(self, other: Slice) -> bool:
        """Return whether this slice's filters select the rows of another one, too."""
        return all(not ours or ours == theirs for ours, theirs in zip(self, other, strict=True))


def askable(buckets: Iterable[Bucket], notes: Notes) -> list[Slice]:
    """Return the slices in use, without any that no filter can tell from another.

    The rows of such a slice would count twice.
    """
    slices = {Slice(row.context_window, row.speed) for bucket in buckets for row in bucket.results}
    distinct = [
        one for one in slices if not any(one.holds(other) for other in slices if other != one)
    ]
    if len(distinct) < len(slices):
        notes.add(
            "null_slices",
            "some rows have no context_window or speed; they are in the totals, but no "
            "workspace or key can be named for them",
        )
    return sorted(distinct, key=lambda one: (one.context_window or "", one.speed or ""))


def usage_records(
    query_set: str, buckets: Iterable[Bucket], one: Slice | None
) -> Iterator[UsageRecord]:
    """Yield one record per hour and combination; minutes of one hour add up."""
    for bucket in buckets:
        sums: dict[Dimensions, list[int]] = defaultdict(lambda: [0] * 6)
        for row in bucket.results:
            cell = sums[_dimensions(row, one)]
            for index, count in enumerate(counts(row)):
                cell[index] += count
        for dimensions, (*tokens, searches) in sums.items():
            yield UsageRecord(query_set, bucket.starting_at, dimensions, Tokens(*tokens), searches)


def counts(row: Row) -> tuple[int, ...]:
    """Return the five kinds of tokens in the order of `TokenType`, then web searches."""
    cache = row.cache_creation
    return (
        row.uncached_input_tokens,
        row.output_tokens,
        row.cache_read_input_tokens,
        cache.ephemeral_5m_input_tokens,
        cache.ephemeral_1h_input_tokens,
        row.server_tool_use.web_search_requests,
    )


def _dimensions(row: Row, one: Slice | None) -> Dimensions:
    """Return the row's dimensions; of an attribution row two come from its filters."""
    context_window = one.context_window if one else row.context_window
    speed = one.speed if one else row.speed
    return Dimensions(
        model=label_value(row.model or "none"),
        service_tier=label_value(row.service_tier or "standard"),
        context_window=label_value(context_window or ""),
        inference_geo=label_value(row.inference_geo or "not_available"),
        speed=label_value(speed or "standard"),
        workspace_id=label_value(row.workspace_id or DEFAULT_WORKSPACE) if one else "",
        api_key_id=label_value(row.api_key_id or NO_API_KEY) if one else "",
    )
