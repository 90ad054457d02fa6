"""What answers that not every key gets hold: Claude Code and limits, for `probe` (floor 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from claude_cost_exporter.clock import DAY, floor_to
from claude_cost_exporter.sources import anthropic_claude_code as claude_code
from claude_cost_exporter.sources import anthropic_limits as limits
from claude_cost_exporter.sources.anthropic_questions import Answer
from claude_cost_exporter.sources.pages import decode

if TYPE_CHECKING:
    from datetime import datetime

    from claude_cost_exporter.sources.http import ApiClient


def claude_code_day(client: ApiClient, now: datetime) -> Answer:
    """Ask for what users of Claude Code did yesterday, the first page; no user is named."""
    day = (floor_to(DAY, now) - DAY).date()
    body = client.get(claude_code.PATH, claude_code.parameters(day))
    page = decode(body, claude_code.Page, claude_code.PATH)
    return Answer(f"{len(page.data)} rows of {day}", _fields(body))


def spend_limits(client: ApiClient) -> Answer:
    """Ask for the caps on spend, the first page."""
    body = client.get(limits.SPEND_LIMITS, limits.SPEND_SCOPES, headers=limits.BETA)
    page = decode(body, limits.SpendPage, limits.SPEND_LIMITS)
    return Answer(f"{len(page.data)} limits", _fields(body))


def rate_limits(client: ApiClient) -> Answer:
    """Ask for the organisation's rates, the first page."""
    body = client.get(limits.RATE_LIMITS, [])
    page = decode(body, limits.RatePage, limits.RATE_LIMITS)
    return Answer(f"{len(page.data)} groups of models or requests", _fields(body))


def _fields(body: bytes) -> set[str]:
    return {field for row in msgspec.json.decode(body)["data"] for field in row}
