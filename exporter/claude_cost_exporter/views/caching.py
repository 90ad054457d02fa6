"""How well caches are used, and what other models would have cost (floor 3)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from claude_cost_exporter.records import NANO, model_label
from claude_cost_exporter.samples import Sample
from claude_cost_exporter.views.efficiency import cache_hit_ratio

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from claude_cost_exporter.records import Tokens
    from claude_cost_exporter.snapshot import Snapshot


def cache_use(snapshot: Snapshot, _now: datetime) -> Iterator[Sample]:
    """Yield the share of cache reads and the reads that pay for a write, over the last day."""
    used: dict[tuple[str, str, str], list[Tokens]] = defaultdict(list)
    for account, dimensions, tokens, _ in snapshot.last_day:
        used[account, dimensions.workspace_id, model_label(dimensions.model)].append(tokens)
    for labels, rows in used.items():
        if (ratio := cache_hit_ratio(rows)) is not None:
            provider = snapshot.provider_of(labels[0])
            yield Sample("llm_cache_hit_ratio", (provider, *labels), ratio)
    for labels, reads in snapshot.break_even_reads.items():
        provider = snapshot.provider_of(labels[0])
        yield Sample("llm_cache_break_even_reads", (provider, *labels), reads)


def rerouted(snapshot: Snapshot, _now: datetime) -> Iterator[Sample]:
    """Yield what the last week's tokens of one model would have cost on another."""
    for labels, amount in snapshot.rerouted.items():
        provider = snapshot.provider_of(labels[0])
        yield Sample("llm_routing_whatif_usd", (provider, *labels), amount / NANO)
