"""What bills teach about the packaged prices, in short."""

from __future__ import annotations

from claude_cost_exporter.pricing.book import PriceBook
from claude_cost_exporter.pricing.learn import learn
from tests.support.bills import NOW

BOOK = PriceBook.packaged()


def taught(evidence, book=BOOK, now=NOW):
    return learn(evidence, book, "acme", now)


def entries(lesson):
    """Return what was learned, in short: what it is about, and the number."""
    return {
        " ".join(part for part in (e.model, e.token_type, e.service_tier) if part): str(
            e.factor or e.usd_per_million
        )
        for e in lesson.learned
    }
