"""Claude Code by user and by model, over UTC days that were all read (floor 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_cost_exporter.records import NANO
from claude_cost_exporter.samples import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from claude_cost_exporter.snapshot import Snapshot

TOKEN_TYPES = ("input", "output", "cache_read", "cache_write")


def users(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield what each user did, and what Claude Code believes that it cost."""
    del now
    for one in snapshot.coding:
        who = (snapshot.provider_of(one.account), one.account)
        for (user, customer_type), nano in one.user_cost.items():
            labels = (*who, user, customer_type, one.window)
            yield Sample("llm_claude_code_user_cost_usd", labels, nano / NANO)
        for user, did in one.activity.items():
            for family, kinds, count in (
                ("llm_claude_code_sessions", (), did.sessions),
                ("llm_claude_code_lines", ("added",), did.lines_added),
                ("llm_claude_code_lines", ("removed",), did.lines_removed),
                ("llm_claude_code_commits", (), did.commits),
                ("llm_claude_code_pull_requests", (), did.pull_requests),
                ("llm_claude_code_edits", ("accepted",), did.edits_accepted),
                ("llm_claude_code_edits", ("rejected",), did.edits_rejected),
            ):
                yield Sample(family, (*who, user, *kinds, one.window), count)


def models(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield each model's tokens, and what Claude Code believes that they cost."""
    del now
    for one in snapshot.coding:
        who = (snapshot.provider_of(one.account), one.account)
        for (model, customer_type), use in one.models.items():
            what = (*who, model, customer_type)
            cost = use.cost / NANO
            yield Sample("llm_claude_code_model_cost_usd", (*what, one.window), cost)
            for token_type, count in zip(TOKEN_TYPES, use, strict=False):
                labels = (*what, token_type, one.window)
                yield Sample("llm_claude_code_model_tokens", labels, count)
