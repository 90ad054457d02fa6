"""Which learned rates still make sense in another book (floor 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_cost_exporter.pricing.windows import SHORT_CONTEXT
from claude_cost_exporter.records import Dimensions

if TYPE_CHECKING:
    from datetime import date

    from claude_cost_exporter.pricing.book import PriceBook
    from claude_cost_exporter.pricing.overrides import Override


def carry_learned(old: PriceBook, new: PriceBook, today: date) -> PriceBook:
    """Return the new book with what the old one had learned.

    A rate of a model that has a list price now is dropped. So is a factor on a list price that is
    another one now: the list may have been corrected, and the next billed day tells.
    """
    return new.with_learned([entry for entry in old.learned if _holds(entry, old, new, today)])


def _holds(entry: Override, old: PriceBook, new: PriceBook, today: date) -> bool:
    if entry.model is None:
        return True
    if entry.factor is None:
        return not new.lists(entry.model)
    on = Dimensions(entry.model, "standard", SHORT_CONTEXT, "global", "standard")
    was, is_ = (
        book.with_overrides(()).with_learned(()).quote("", on, today) for book in (old, new)
    )
    return was.rates == is_.rates and is_.rates is not None
