"""The rates in force (floor 3)."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from claude_cost_exporter.samples import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claude_cost_exporter.snapshot import Snapshot


def prices(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield one sample per combination in use and token type."""
    del now
    for one in snapshot.prices:
        labels = (
            snapshot.provider_of(one.account),
            one.account,
            one.model,
            one.service_tier,
            one.speed,
            one.inference_geo,
            one.context_window,
            one.token_type,
            one.origin,
        )
        yield Sample("llm_price_usd_per_million_tokens", labels, one.usd_per_million)


def catalogue_age(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield the day on which the packaged prices were checked last."""
    del now
    if snapshot.prices_verified_on is not None:
        verified = datetime.combine(snapshot.prices_verified_on, time(), UTC).timestamp()
        yield Sample("llm_price_catalogue_verified_timestamp_seconds", (), verified)
