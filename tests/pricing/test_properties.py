"""What must hold for every row there can be."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_cost_exporter.pricing.book import PriceBook
from claude_cost_exporter.pricing.rates import Rates
from claude_cost_exporter.pricing.rows import CacheCreation, Row, ServerToolUse, price_row
from claude_cost_exporter.records import Tokens, TokenType

BOOK = PriceBook.packaged()
COUNT = st.integers(0, 10**13)
DAYS = st.integers(0, 600).map(lambda days: date(2025, 6, 1) + timedelta(days))


@st.composite
def rows(draw, counts=COUNT):
    """Return any row of documented values."""
    return Row(
        date=draw(DAYS),
        model=draw(st.sampled_from(BOOK.models())),
        service_tier=draw(st.sampled_from(["standard", "batch", "priority"])),
        context_window=draw(st.sampled_from(["0-200k", "200k-1M", ""])),
        inference_geo=draw(st.sampled_from(["global", "us", "not_available"])),
        speed=draw(st.sampled_from(["standard", "fast", ""])),
        prompt_tokens=draw(st.none() | st.integers(0, 400_000)),
        uncached_input_tokens=draw(counts),
        output_tokens=draw(counts),
        cache_read_input_tokens=draw(counts),
        cache_creation=CacheCreation(draw(counts), draw(counts)),
        server_tool_use=ServerToolUse(draw(st.integers(0, 10**6))),
    )


def with_tokens(row, tokens, searches):
    """Return the same row with other counts."""
    return Row(
        date=row.date,
        model=row.model,
        service_tier=row.service_tier,
        context_window=row.context_window,
        inference_geo=row.inference_geo,
        speed=row.speed,
        prompt_tokens=row.prompt_tokens,
        uncached_input_tokens=tokens.input,
        output_tokens=tokens.output,
        cache_read_input_tokens=tokens.cache_read,
        cache_creation=CacheCreation(tokens.cache_write_5m, tokens.cache_write_1h),
        server_tool_use=ServerToolUse(searches),
    )


@settings(deadline=None)
@given(rows(), st.lists(st.integers(0, 100), min_size=6, max_size=6))
def test_cost_is_additive_over_splits(row, percents):
    """Two rows that share the tokens of one row cost exactly as much as that row."""
    counts = [*row.tokens, row.web_searches]
    part = [count * percent // 100 for count, percent in zip(counts, percents, strict=True)]
    rest = [count - some for count, some in zip(counts, part, strict=True)]

    whole = price_row(BOOK, row).cost_usd
    split = [price_row(BOOK, with_tokens(row, Tokens(*p[:5]), p[5])).cost_usd for p in (part, rest)]

    if whole is None:
        assert split == [None, None]
    else:
        assert Decimal(whole) == sum(Decimal(cost) for cost in split)


@settings(deadline=None)
@given(rows())
def test_cost_is_never_negative_and_absent_only_with_a_reason(row):
    """A cost is 0 or more, has no exponent, and where there is none a reason stands."""
    answer = price_row(BOOK, row)

    if answer.cost_usd is None:
        assert answer.reason
        assert {"web_search"} == set(answer.components)
    else:
        assert Decimal(answer.cost_usd) >= 0
        assert "E" not in answer.cost_usd.upper()
        assert answer.reason in (None, "lower_bound")


@settings(deadline=None)
@given(rows(), st.sampled_from(TokenType), st.integers(1, 10**9))
def test_a_token_is_never_priced_twice(row, token_type, more):
    """More tokens of one type change that component only, by exactly their own price."""
    index = list(TokenType).index(token_type)
    counts = list(row.tokens)
    counts[index] += more

    before, after = (
        price_row(BOOK, with_tokens(row, Tokens(*c), row.web_searches))
        for c in (row.tokens, counts)
    )

    if before.cost_usd is None:
        assert after.cost_usd is None
    else:
        changed = {
            name for name, part in before.components.items() if part != after.components[name]
        }
        assert {token_type.value} == changed
        grown = Decimal(after.components[token_type]) - Decimal(before.components[token_type])
        assert grown == Decimal(after.cost_usd) - Decimal(before.cost_usd)


@settings(deadline=None)
@given(rows(counts=st.just(10**6)))
def test_a_modifier_never_changes_the_order_of_token_types(row):
    """Reads cost less than input, input less than 5-minute writes, those less than 1-hour ones."""
    rates = BOOK.rates("acme", row.dimensions, row.date, row.prompt_tokens)

    if rates.per_million is not None:
        plain, output, read, write_5m, write_1h = rates.per_million
        assert 0 < read < plain < write_5m < write_1h < output


@settings(deadline=None)
@given(
    st.tuples(*[COUNT] * 5),
    st.tuples(*[st.integers(0, 10**12)] * 5),
    st.integers(0, 10**6),
    st.integers(0, 10**9),
)
def test_integer_costs_are_the_rounded_exact_ones(counts, per_million, searches, per_search):
    """Nano-USD by type are the exact products, rounded half to even, and nothing besides."""
    cost = Rates(per_million, per_search).cost(Tokens(*counts), searches)

    exact = [round(Decimal(c) * r / 10**6) for c, r in zip(counts, per_million, strict=True)]
    assert exact == list(cost.by_type)
    assert sum(exact) + searches * per_search == cost.total


@pytest.mark.parametrize(("tokens", "nano"), [(1, 0), (2, 1), (3, 2), (5, 2), (7, 4)])
def test_half_a_nano_dollar_goes_to_the_even_neighbour(tokens, nano):
    """0.5 becomes 0, 1.5 becomes 2, 2.5 becomes 2, 3.5 becomes 4."""
    assert nano == Rates((500_000, 0, 0, 0, 0), 0).cost(Tokens(tokens)).total
