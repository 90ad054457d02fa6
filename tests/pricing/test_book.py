"""The book as an object: documents, answers that are remembered, what it refuses."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from claude_cost_exporter.errors import PriceError
from claude_cost_exporter.pricing import book as book_module
from claude_cost_exporter.pricing.book import PriceBook
from claude_cost_exporter.pricing.overrides import Override
from claude_cost_exporter.records import PROBE, Dimensions, Tokens, TokenType, UsageRecord

DAY = date(2026, 11, 22)
OPUS = Dimensions("claude-opus-5", "standard", "0-200k", "global", "standard")
MINIMAL = """
format: 1
web_search: [{from: 2026-01-01, usd_per_search: 0.01, source: page, verified_on: 2026-01-02}]
models:
  - id: m-1
    aliases: [m-one]
    prices:
      - from: 2026-01-01
        rates: {input: 1, output: 2, cache_read: 3, cache_write_5m: 4, cache_write_1h: 5}
        source: page
        verified_on: 2026-01-02
      - {from: 2026-02-01, unpriced: withdrawn, source: page, verified_on: 2026-03-04}
"""
MODIFIER = """
modifiers:
  - dimension: speed
    value: fast
    from: 2026-01-01
    to: 2026-03-01
    models: [m-1]
    factors: {input: 2, output: 2, cache_read: 2, cache_write_5m: 2, cache_write_1h: 2}
    source: page
    verified_on: 2026-01-02
"""


def test_the_document_holds_everything(book):
    """A book written and read back answers alike, overrides included, and writes the same text."""
    contract = book.with_overrides(
        [
            Override(
                account="acme", factor=Decimal("0.8"), from_=date(2026, 1, 1), to=date(2027, 1, 1)
            ),
            Override(
                model="claude-opus-5", token_type=TokenType.INPUT, usd_per_million=Decimal("4.125")
            ),
        ]
    ).document()

    restored = PriceBook.from_document(contract)

    assert restored.document() == contract
    assert len(restored.overrides) == 2
    assert restored.rates("acme", OPUS, DAY).per_million[:2] == (4_125_000_000, 20_000_000_000)
    assert (restored.models(), restored.verified_on) == (book.models(), book.verified_on)


def test_overrides_replace_the_former_ones(book):
    """`with_overrides` gives a book with exactly these; the first book does not change."""
    first = book.with_overrides([Override(factor=Decimal("0.5"))])
    second = first.with_overrides([])

    assert second.document() == book.document()
    assert first.rates("acme", OPUS, DAY).origin == "override"


def test_workspace_and_key_have_no_influence(book):
    """Rows of other workspaces and keys share one remembered answer."""
    fresh = PriceBook.from_document(book.document())

    answers = {id(fresh.rates("acme", OPUS._replace(workspace_id=f"w{n}", api_key_id=f"k{n}"), DAY))
               for n in range(100)}  # fmt: skip

    assert len(answers) == 1


def test_the_memory_is_bounded(monkeypatch, book):
    """Hostile model names cannot make the book grow without end."""
    monkeypatch.setattr(book_module, "_CACHE_LIMIT", 10)
    fresh = PriceBook.from_document(book.document())

    for number in range(100):
        fresh.rates("acme", OPUS._replace(model=f"m{number}"), DAY)

    assert len(fresh._answers) <= 10


def test_a_record_is_priced_on_its_own_utc_day(book):
    """The last hour of a price and the first hour of the next one differ."""
    sonnet = OPUS._replace(model="claude-sonnet-5-5")
    hours = [datetime(2026, 10, 6, 23, tzinfo=UTC), datetime(2026, 10, 7, 0, tzinfo=UTC)]
    read = Tokens(cache_read=10**6)

    costs = [book.price("acme", UsageRecord(PROBE, hour, sonnet, read)).total for hour in hours]

    assert costs == [200_000_000, 100_000_000]


def test_savings_and_premium_are_against_plain_input(book):
    """A read saves the difference to input, a write costs the difference more."""
    cost = book.rates("acme", OPUS, DAY).cost(Tokens(0, 0, 10**6, 10**6, 10**6))

    assert (cost.cache_savings, cost.cache_premium) == (
        4_500_000_000,
        1_250_000_000 + 5_000_000_000,
    )


def test_a_price_can_end_in_having_none():
    """A dated entry without rates takes over from its day on, with its own reason."""
    small = PriceBook.from_document(MINIMAL)
    before, after = date(2026, 1, 31), date(2026, 2, 1)

    assert small.rates("a", OPUS._replace(model="m-one"), before).per_million[0] == 10**9
    assert small.rates("a", OPUS._replace(model="m-one"), after).reason == "withdrawn"
    assert small.verified_on == date(2026, 3, 4)


@pytest.mark.parametrize(
    ("found", "put", "sentence"),
    [
        ("format: 1", "format: 2", "Invalid enum value 2 - at `$.format`"),
        ("input: 1,", "input: -1,", "input is -1; it must be more than 0"),
        ("input: 1,", "input: .inf,", "input is Infinity"),
        ("input: 1,", "input: yes,", "got `bool`"),
        ("input: 1,", "", "missing required field `input`"),
        ("aliases: [m-one]", "alias: [m-one]", "unknown field `alias`"),
        ("aliases: [m-one]", "aliases: [m-1]", "the model name m-1 stands 2 times"),
        ("aliases: [m-one]", "aliases: ['m-1[1m]']", "is reduced to m-1"),
        ("from: 2026-02-01", "from: 2026-01-01", "2026-01-01 stands before 2026-01-01"),
        ("unpriced: withdrawn", "unpriced: ''", "needs rates or unpriced; it has neither"),
        ("source: page", "source: ''", "length >= 1"),
        ("verified_on: 2026-03-04", "verified_on: lately", "date"),
        ("usd_per_search: 0.01", "usd_per_search: 0", "usd_per_search is 0"),
        ("models: [m-1]", "models: [m-2]", "names the model m-2, which has no price"),
        ("to: 2026-03-01", "to: 2026-01-01", "ends on 2026-01-01, before it begins"),
        ("models: [m-1]", "models: m-1", "Invalid enum value 'm-1'"),
    ],
)
def test_a_bad_document_is_refused_with_a_sentence(found, put, sentence):
    """Each problem names the thing, the place and the value."""
    text = MINIMAL + MODIFIER
    assert found in text

    with pytest.raises(PriceError) as caught:
        PriceBook.from_document(text.replace(found, put, 1))

    assert sentence in str(caught.value)


def test_two_modifiers_for_one_day_are_refused():
    """Overlapping dates for one model and value would leave the price to their order."""
    twice = MODIFIER + MODIFIER.replace("modifiers:\n", "").replace("01-01", "02-01")

    with pytest.raises(PriceError, match="both hold for m-1 on the same day"):
        PriceBook.from_document(MINIMAL + twice)


def test_bands_must_rise():
    """A second band below the first one would never be reached."""
    rates = "rates: {input: 1, output: 2, cache_read: 3, cache_write_5m: 4, cache_write_1h: 5}"
    nine, eight = (f"{{above_prompt_tokens: {limit}, {rates}}}" for limit in (9, 8))
    text = MINIMAL.replace(rates, f"{rates}\n        bands: [{nine}, {eight}]")

    with pytest.raises(PriceError, match=r"bands above \[9, 8\] prompt tokens"):
        PriceBook.from_document(text)


@pytest.mark.parametrize("text", ["", "[]", "{", "models: [", "a: \ud800"])
def test_what_is_no_price_document_is_a_price_error(text):
    """Nothing but PriceError leaves the reader."""
    with pytest.raises(PriceError, match="the price document cannot be read"):
        PriceBook.from_document(text)
