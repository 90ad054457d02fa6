"""The provider's own caps (floor 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_cost_exporter.records import NANO
from claude_cost_exporter.samples import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from claude_cost_exporter.snapshot import Snapshot


def spend_limits(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield the caps on spend; what has no id of its own is the account."""
    del now
    for account, caps in snapshot.spend_limits.items():
        who = (snapshot.provider_of(account), account)
        for cap in caps:
            labels = (*who, cap.scope_type, cap.scope or account, cap.period)
            yield Sample("llm_provider_spend_limit_usd", labels, cap.amount / NANO)


def rate_limits(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield the caps on rates; an empty workspace is the whole organisation."""
    del now
    for account, caps in snapshot.rate_limits.items():
        who = (snapshot.provider_of(account), account)
        for cap in caps:
            labels = (*who, cap.workspace_id, cap.models, cap.limiter)
            yield Sample("llm_provider_rate_limit", labels, cap.value)
