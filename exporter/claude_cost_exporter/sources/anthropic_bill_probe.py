"""What the two cost reports answer about the last closed day: shapes, for `probe` (floor 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from claude_cost_exporter.clock import DAY, floor_to
from claude_cost_exporter.records import Window
from claude_cost_exporter.sources import anthropic_analytics as analytics
from claude_cost_exporter.sources import anthropic_cost as cost
from claude_cost_exporter.sources.anthropic_analytics_report import BETA, parameters
from claude_cost_exporter.sources.buckets import shown
from claude_cost_exporter.sources.pages import decode, unknown_fields

if TYPE_CHECKING:
    from datetime import datetime

    from claude_cost_exporter.sources.http import ApiClient


class Shape(NamedTuple):
    """What an answer holds, without what it says."""

    sentence: str
    fields: set[str]


def _yesterday(now: datetime) -> Window:
    today = floor_to(DAY, now)
    return Window(today - DAY, today)


def cost_report(client: ApiClient, now: datetime) -> Shape:
    """Ask the legacy report for the last closed day."""
    window = _yesterday(now)
    body = client.get(cost.PATH, cost.parameters(window))
    decode(body, cost.Page, cost.PATH)
    rows = [row for bucket in msgspec.json.decode(body)["data"] for row in bucket["results"]]
    sentence = f"{len(rows)} rows of the last closed day; the bill comes from here"
    return Shape(sentence + _unknown(body, cost.Page), {field for row in rows for field in row})


def analytics_cost(client: ApiClient, now: datetime) -> Shape:
    """Ask analytics for the last closed day by price, the first page."""
    by_price = next(iter(analytics.QUERIES.values()))
    params = parameters(_yesterday(now), DAY, by_price)
    body = client.get(analytics.PATH, params, headers=BETA)
    page = decode(body, analytics.Page, analytics.PATH)
    reached = shown(page.data_refreshed_at) if page.data_refreshed_at else "no known time"
    rows = msgspec.json.decode(body)["data"]
    sentence = f"{len(rows)} rows, refreshed up to {reached}; the bill comes from here"
    fields = {f for row in rows for part in ("group", "cost") for f in row[part]}
    return Shape(sentence + _unknown(body, analytics.Page), fields)


def _unknown(body: bytes, kind: type[msgspec.Struct]) -> str:
    found = ", ".join(sorted(unknown_fields(body, kind)))
    return found and f"; fields unknown to this version: {found}"
