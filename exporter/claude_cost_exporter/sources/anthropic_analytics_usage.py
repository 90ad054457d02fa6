"""Anthropic's usage by hour from analytics/usage, for when the legacy report is gone (floor 2).

The same two kinds of queries as `anthropic_usage` asks, of the other endpoint.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from claude_cost_exporter.clock import HOUR
from claude_cost_exporter.records import ATTRIBUTION, PROBE, UsageRecord, Window
from claude_cost_exporter.sources import anthropic_usage_page as legacy
from claude_cost_exporter.sources.anthropic_analytics_report import (
    Endpoint,
    FlatPage,
    FlatRow,
    Reading,
    served_since,
)
from claude_cost_exporter.sources.anthropic_usage import PRICE_DIMENSIONS, WHO_DIMENSIONS
from claude_cost_exporter.sources.anthropic_usage_report import SOURCE
from claude_cost_exporter.sources.unknown import UnknownFields

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.sources.base import FieldObserver, Notes
    from claude_cost_exporter.sources.http import ApiClient

PATH = "/v1/organizations/analytics/usage"
FILTERS = ("context_windows[]", "speeds[]")


class Usage(msgspec.Struct):
    """Tokens and requests of one row."""

    uncached_input_tokens: legacy.Count
    cache_read_input_tokens: legacy.Count
    output_tokens: legacy.Count
    cache_creation: legacy.CacheCreation
    server_tool_use: legacy.ServerToolUse
    requests: int | None = None
    total_tokens: int | None = None


class Row(FlatRow):
    """One combination of the dimensions asked for in one hour."""

    usage: Usage


class Page(FlatPage):
    """One page of rows."""

    data: list[Row]


class AnthropicAnalyticsUsage:
    """Reads `analytics/usage` of one organisation."""

    def __init__(
        self, client: ApiClient, clock: Clock, fields: FieldObserver, notes: Notes
    ) -> None:
        self._client, self._clock, self._notes = client, clock, notes
        self._endpoint = Endpoint(PATH, Page, UnknownFields(SOURCE, PATH, fields))

    def history_from(self, wanted: datetime) -> datetime:
        """Return `wanted`, or the oldest hour that is served."""
        return max(wanted, served_since(self._clock.now(), HOUR))

    def fetch(self, window: Window, *, history: bool = False) -> list[UsageRecord | Window]:
        """Return the rows of the window up to where the data reach."""
        start = self.history_from(window.start)
        window = Window(start, max(start, window.end))
        reading = Reading[Row](self._client, self._endpoint, window, HOUR, history=history)
        probe = _buckets(reading, PRICE_DIMENSIONS)
        records = list(legacy.usage_records(f"{PROBE}/analytics", probe, None))
        for one in legacy.askable(probe, self._notes):
            buckets = _buckets(reading, WHO_DIMENSIONS, one.filters(FILTERS))
            records += legacy.usage_records(f"{ATTRIBUTION}/analytics", buckets, one)
        complete = reading.complete()
        return [complete, *(record for record in records if record.hour < complete.end)]


def _buckets(
    reading: Reading[Row], group_by: Sequence[str], filters: Sequence[tuple[str, str]] = ()
) -> list[legacy.Bucket]:
    """Return the hours that have usage; what ran without a token is no usage."""
    hours: dict[datetime, list[legacy.Row]] = defaultdict(list)
    for start, row in reading.rows(group_by, filters):
        converted = _row(row)
        if any(legacy.counts(converted)):
            hours[start].append(converted)
    return [legacy.Bucket(start, start + HOUR, rows) for start, rows in hours.items()]


def _row(row: Row) -> legacy.Row:
    group, usage = row.group, row.usage
    return legacy.Row(
        uncached_input_tokens=usage.uncached_input_tokens,
        cache_read_input_tokens=usage.cache_read_input_tokens,
        output_tokens=usage.output_tokens,
        cache_creation=usage.cache_creation,
        server_tool_use=usage.server_tool_use,
        model=group.model,
        service_tier=group.service_tier,
        context_window=group.context_window,
        inference_geo=group.inference_geo,
        speed=group.speed,
        workspace_id=group.workspace_id,
        api_key_id=group.api_key_id,
    )
