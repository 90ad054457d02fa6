"""Freshness and health of the sources and the ledger (floor 3)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from claude_cost_exporter.samples import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from claude_cost_exporter.snapshot import Snapshot, SourceState

STATE_LOST_SHOWN = timedelta(hours=24)


def sources(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield what each source did last; what has not happened yet is absent."""
    for state in snapshot.sources:
        labels = (state.provider, state.account, state.source)
        if state.last_attempt is not None:
            yield Sample("llm_source_up", labels, float(state.up))
        for family, moment in (
            ("llm_source_last_success_timestamp_seconds", state.last_success),
            ("llm_source_data_watermark_timestamp_seconds", state.watermark),
            ("llm_source_history_start_timestamp_seconds", state.history_start),
        ):
            if moment is not None:
                yield Sample(family, labels, moment.timestamp())
        if state.api:
            yield Sample("llm_source_api_info", (*labels, state.api), 1.0)
        if state.watermark is not None:
            yield Sample("llm_source_catching_up", labels, float(catching_up(state, now)))


def catching_up(state: SourceState, now: datetime) -> bool:
    """Return whether `increase()` of now holds, or will hold, the spend of a gap."""
    if state.catching_up_until is not None and now < state.catching_up_until:
        return True
    return state.last_success is not None and now - state.last_success > state.stale_after


def state_lost(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield 1 for a day after a ledger had to be moved aside."""
    lost = snapshot.state_lost_at
    shown = lost is not None and now - lost < STATE_LOST_SHOWN
    yield Sample("llm_ledger_state_lost", (), float(shown))
