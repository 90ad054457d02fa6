"""Which price book was in force when a bucket began (floor 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from claude_cost_exporter.pricing.book import PriceBook
    from claude_cost_exporter.pricing.rates import Rates
    from claude_cost_exporter.records import Dimensions, UsageRecord


class PriceHistory:
    """Price books by the moment they were accepted, oldest first.

    A new book applies to buckets that start after it was accepted, so that an upgrade or a new
    override never moves what has been counted.
    """

    def __init__(self, versions: Sequence[tuple[datetime | None, PriceBook]]) -> None:
        self._newest_first = tuple(reversed(versions))
        self._cache: dict[tuple[str, Dimensions, date, int], Rates] = {}

    @property
    def current(self) -> PriceBook:
        """Return the book that prices what happens now."""
        return self._newest_first[0][1]

    def rates(self, account: str, record: UsageRecord) -> Rates:
        """Return the rates of a record that the ledger has not seen before."""
        index = self._version(record.hour)
        who = record.dimensions._replace(workspace_id="", api_key_id="")
        key = (account, who, record.hour.date(), index)
        if (known := self._cache.get(key)) is None:
            known = self._newest_first[index][1].rates(account, who, record.hour.date())
            self._cache[key] = known
        return known

    def _version(self, hour: datetime) -> int:
        for index, (accepted_at, _) in enumerate(self._newest_first):
            if accepted_at is None or hour >= accepted_at:
                return index
        return len(self._newest_first) - 1
