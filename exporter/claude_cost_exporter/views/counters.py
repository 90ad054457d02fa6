"""The counters, as the ledger has committed to expose them (floor 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_cost_exporter.records import NANO
from claude_cost_exporter.samples import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from claude_cost_exporter.snapshot import Snapshot

USD_SUFFIX = "_usd_total"


def counters(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield every counter. The ledger keeps them from falling; nothing is computed here."""
    del now
    for family, series in snapshot.counters.items():
        if family.endswith(USD_SUFFIX):
            for labels, nano in series.items():
                yield Sample(family, labels, nano / NANO)
        else:
            for labels, count in series.items():
                yield Sample(family, labels, float(count))


def counting_since(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield when the counters of each account began."""
    del now
    for account in snapshot.accounts:
        if account.counting_since:
            who = (account.provider, account.account)
            since = account.counting_since.timestamp()
            yield Sample("llm_counting_since_timestamp_seconds", who, since)
