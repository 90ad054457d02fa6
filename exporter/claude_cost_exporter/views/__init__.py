"""Views: pure functions from a snapshot to samples (floor 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_cost_exporter.views import (
    anomalies,
    bill,
    budgets,
    burn,
    caching,
    claude_code,
    counters,
    credit,
    forecast,
    health,
    limits,
    names,
    prices,
    spend,
    subscriptions,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from claude_cost_exporter.samples import Sample
    from claude_cost_exporter.snapshot import Snapshot

    View = Callable[[Snapshot, datetime], Iterable[Sample]]

VIEWS: tuple[View, ...] = (
    counters.counters,
    counters.counting_since,
    spend.spend,
    spend.unattributed,
    subscriptions.subscription_spend,
    subscriptions.monthly_fees,
    burn.burn_rates,
    forecast.forecasts,
    forecast.forecast_quality,
    budgets.budgets,
    credit.credit,
    anomalies.anomaly_bands,
    caching.cache_use,
    caching.rerouted,
    bill.billed,
    bill.ratios,
    prices.prices,
    prices.catalogue_age,
    limits.spend_limits,
    limits.rate_limits,
    claude_code.users,
    claude_code.models,
    names.workspaces,
    names.api_keys,
    names.first_seen,
    health.sources,
    health.state_lost,
)


def view_all(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield every sample of a snapshot at `now`."""
    for view in VIEWS:
        yield from view(snapshot, now)
