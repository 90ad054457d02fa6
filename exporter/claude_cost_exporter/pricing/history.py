"""Which price book was in force when a bucket began (floor 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from claude_cost_exporter.pricing.book import PriceBook
    from claude_cost_exporter.pricing.rates import Rates
    from claude_cost_exporter.records import UsageRecord


class PriceHistory:
    """Price books by the moment they were accepted, oldest first.

    A new book applies to buckets that start after it was accepted, so that an upgrade, a new
    override or a learned rate never moves what has been counted. Threads that poll may ask while
    another one accepts a book: the versions are replaced as a whole.
    """

    def __init__(self, versions: Sequence[tuple[datetime | None, PriceBook]]) -> None:
        self._versions = tuple(versions)

    @property
    def current(self) -> PriceBook:
        """Return the book that prices what happens now."""
        return self._versions[-1][1]

    def accept(self, book: PriceBook, now: datetime) -> None:
        """Price buckets that start after `now` by another book."""
        self._versions = (*self._versions, (now, book))

    def rates(self, account: str, record: UsageRecord) -> Rates:
        """Return the rates of a record that the ledger has not seen before."""
        return self._book(record.hour).rates(account, record.dimensions, record.hour.date())

    def _book(self, hour: datetime) -> PriceBook:
        versions = self._versions
        in_force = (b for at, b in reversed(versions) if at is None or hour >= at)
        return next(in_force, versions[0][1])
