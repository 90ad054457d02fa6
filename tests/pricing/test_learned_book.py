"""Learned prices in a price book: written down, carried into a new catalogue, and overridden."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from claude_cost_exporter.pricing.book import PriceBook
from claude_cost_exporter.pricing.carry import carry_learned
from claude_cost_exporter.pricing.overrides import Override
from claude_cost_exporter.records import TokenType
from tests.support.bills import NOVA, OPUS

TODAY = date(2026, 11, 20)


def learned_book(*entries):
    return PriceBook.packaged().with_learned(entries)


def repriced(model, old, new):
    """Return the packaged book with another price of a model."""
    document = PriceBook.packaged().document()
    assert document.count(old) > 0
    before, after = document.split(f'"id":"{model}"')
    return PriceBook.from_document(before + f'"id":"{model}"' + after.replace(old, new, 1))


def test_a_new_catalogue_keeps_what_still_makes_sense():
    """Discounts stay; a factor on a rate that was corrected, and a price now listed, go."""
    discount = Override(account="acme", factor=Decimal("0.85"))
    halved = Override(
        account="acme", model="claude-opus-5", token_type="output", factor=Decimal("0.8")
    )
    other = Override(account="acme", model="claude-sonnet-5-5", factor=Decimal("0.9"))
    nova = Override(
        account="acme", model="claude-nova-1", token_type="input", usd_per_million=Decimal(7)
    )
    known = Override(
        account="acme", model="claude-opus-5", token_type="input", usd_per_million=Decimal(7)
    )
    old = learned_book(discount, other, halved, nova, known)
    corrected = repriced("claude-opus-5", '"output":"25"', '"output":"20"')
    assert carry_learned(old, corrected, TODAY).learned == (discount, other, nova)
    assert carry_learned(old, PriceBook.packaged(), TODAY).learned == (
        discount,
        other,
        halved,
        nova,
    )


def test_a_book_with_learned_rates_reads_back():
    """The document holds them, and an older document has none."""
    entry = Override(account="acme", from_=date(2026, 11, 3), factor=Decimal("0.85"))
    book = learned_book(entry)
    again = PriceBook.from_document(book.document())
    assert (again.learned, again.document()) == ((entry,), book.document())
    assert "learned" not in PriceBook.packaged().document()


def test_a_factor_for_what_has_no_list_price_leaves_the_learned_rate():
    """A user's discount on everything cannot apply to an unlisted model: its learned rate does."""
    nova = [
        Override(account="acme", model="claude-nova-1", token_type=t, usd_per_million=Decimal(7))
        for t in TokenType
    ]
    book = learned_book(*nova).with_overrides([Override(factor=Decimal("0.9"))])
    assert str(book.quote("acme", NOVA, TODAY).rates[0]) == "7"
    assert str(book.quote("acme", OPUS, TODAY).rates[0]) == "4.5"
