"""From days with a new bill to new prices: evidence, lesson, a new price book (floor 3)."""

from __future__ import annotations

from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

import structlog
from msgspec.structs import replace

from claude_cost_exporter.pricing.learn import learn

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from claude_cost_exporter.ledger.base import Ledger
    from claude_cost_exporter.pricing.book import PriceBook
    from claude_cost_exporter.pricing.evidence import Key
    from claude_cost_exporter.pricing.history import PriceHistory
    from claude_cost_exporter.pricing.learn import Disagreement
    from claude_cost_exporter.pricing.overrides import Override

LOOK_BACK = timedelta(days=31)
"""Older days say nothing about what is paid today."""


class PriceLearner:
    """Learns from the bills of all accounts, which are polled by threads of their own."""

    def __init__(self, ledger: Ledger, prices: PriceHistory) -> None:
        self._ledger, self._prices = ledger, prices
        self._mutex = Lock()
        self._looked_at: set[str] = set()
        self._said: set[tuple[str, Key]] = set()

    def billed(self, account: str, days: Iterable[date], at: datetime) -> None:
        """Learn from days that were billed or restated just now; the first time, from all.

        Bills are read whatever becomes of prices; what fails is tried again with the next one.
        """
        since = at.date() - LOOK_BACK
        with self._mutex:
            if account in self._looked_at and not any(day >= since for day in days):
                return
            self._looked_at.discard(account)
            try:
                self._learn(account, since, at)
                self._looked_at.add(account)
            except Exception:  # noqa: BLE001 - see above
                structlog.get_logger().exception("no prices were learned", account=account)

    def _learn(self, account: str, since: date, at: datetime) -> None:
        book = self._prices.current
        lesson = learn(self._ledger.evidence(account, since), book, account, at)
        self._accept(book, account, lesson.learned, at)
        self._report(account, lesson.disagreements)

    def _accept(
        self, book: PriceBook, account: str, learned: tuple[Override, ...], at: datetime
    ) -> None:
        """Put the account's entries in force for buckets that start from now on."""
        before = tuple(entry for entry in book.learned if entry.account == account)
        if learned == before:
            return
        others = [entry for entry in book.learned if entry.account != account]
        new = book.with_learned([*others, *learned])
        now = at.replace(microsecond=0)
        self._ledger.accept_book(new.document(), now)
        self._prices.accept(new, now)
        ended = [replace(entry, to=None) for entry in learned]
        for sentence, entries, known in (
            ("price learned", [entry for entry in learned if entry.to is None], before),
            ("learned price ended", [entry for entry in learned if entry.to], before),
            ("learned price dropped", before, (*learned, *ended)),
        ):
            for entry in entries:
                if entry not in known:
                    structlog.get_logger().info(sentence, account=account, **_fields(entry))

    def _report(self, account: str, disagreements: Iterable[Disagreement]) -> None:
        """Say once what the bill contradicts; the numbers move a little from day to day."""
        for found in disagreements:
            if (account, found.key) not in self._said:
                self._said.add((account, found.key))
                structlog.get_logger().warning(
                    "catalogue disagrees with bill",
                    account=account,
                    **{name: value for name, value in found.key._asdict().items() if value},
                    listed_usd_per_million=str(found.listed_usd_per_million),
                    implied_usd_per_million=str(found.implied_usd_per_million),
                )


def _fields(entry: Override) -> dict[str, str]:
    fields = {name: getattr(entry, name) for name in entry.__struct_fields__ if name != "account"}
    return {name.rstrip("_"): str(value) for name, value in fields.items() if value is not None}
