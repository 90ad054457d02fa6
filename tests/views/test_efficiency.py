"""Caching and routing: ratios, break-even, and what another model would cost, at list prices."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_cost_exporter.pricing.book import PriceBook
from claude_cost_exporter.pricing.rates import Rates
from claude_cost_exporter.records import NANO, Dimensions, Tokens
from claude_cost_exporter.snapshot import Used
from claude_cost_exporter.views.efficiency import (
    Priced,
    break_even_reads,
    cache_hit_ratio,
    cost_on,
)

BOOK = PriceBook.packaged()
DAY = date(2026, 11, 20)
MILLION = 1_000_000
COUNTS = st.integers(0, 10**12)
TOKENS = st.builds(Tokens, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)


def rates_of(dimensions):
    return BOOK.rates("acme", dimensions, DAY)


def of(model, tier="standard"):
    return Dimensions(model, tier, "0-200k", "global", "standard")


def caching_gain(rows):
    costs = [rates.cost(tokens) for tokens, rates in rows]
    return sum(cost.cache_savings - cost.cache_premium for cost in costs)


def rows(model, *tokens, tier="standard"):
    return [Priced(one, rates_of(of(model, tier))) for one in tokens]


def test_the_cache_hit_ratio_is_over_prompts():
    """Output is no prompt; what is written to a cache is one that was not read from it."""
    assert cache_hit_ratio([Tokens(10, 999, 60, 20, 10), Tokens(output=5)]) == 0.6
    assert cache_hit_ratio([Tokens(output=5)]) is None
    assert cache_hit_ratio([]) is None


@pytest.mark.parametrize(
    ("model", "five_minutes", "hour"),
    [("claude-opus-5", 0.25 / 0.9, 1 / 0.9), ("claude-fable-5-1", 0.25 / 0.975, 1 / 0.975)],
)
def test_break_even_follows_each_model_s_own_rates(model, five_minutes, hour):
    """Reads that cost a tenth pay off later than those that cost a fortieth of plain input."""
    short, long = Tokens(cache_write_5m=MILLION), Tokens(cache_write_1h=MILLION)

    assert break_even_reads(rows(model, short)) == pytest.approx(five_minutes)
    assert break_even_reads(rows(model, long)) == pytest.approx(hour)
    assert break_even_reads(rows(model, short, long)) == pytest.approx((five_minutes + hour) / 2)
    assert break_even_reads(rows(model, short, tier="batch")) == pytest.approx(five_minutes)


@pytest.mark.parametrize("model", ["claude-opus-5", "claude-fable-5-1"])
def test_at_break_even_caching_has_no_gain(model):
    """Reading what was written as often as break-even says saves what writing cost extra."""
    written = Tokens(cache_write_5m=3 * MILLION, cache_write_1h=MILLION)
    reads = round(4 * MILLION * break_even_reads(rows(model, written)))
    one_dollar = NANO

    at, above, below = (
        caching_gain(rows(model, written._replace(cache_read=reads + more)))
        for more in (0, MILLION, -MILLION)
    )

    assert abs(at) < one_dollar / 1000
    assert below < at < above


@pytest.mark.parametrize(
    "rates",
    [
        Rates(None, 0, reason="unknown_model"),
        Rates((5, 25, None, 6, 10), 0),
        Rates((5, 25, 5, 6, 10), 0),
    ],
)
def test_break_even_is_absent_where_it_cannot_be(rates):
    """Without rates, or where reading is no cheaper, no number of reads pays off."""
    assert break_even_reads([Priced(Tokens(cache_write_5m=1), rates)]) is None
    assert break_even_reads([Priced(Tokens(cache_read=1), rates)]) is None


@given(TOKENS, st.integers(2, 1000))
def test_ratios_do_not_depend_on_the_amount(tokens, factor):
    """With all tokens times k the ratios are the same."""
    many = Tokens(*(factor * count for count in tokens))

    assert cache_hit_ratio([many]) == pytest.approx(cache_hit_ratio([tokens]))
    model = "claude-opus-5"
    assert break_even_reads(rows(model, many)) == pytest.approx(
        break_even_reads(rows(model, tokens))
    )


def test_another_model_is_priced_with_the_same_tokens():
    """Tiers stay: a million of input and output each, half price in batch, and a web search."""
    usage = [
        Used("acme", of("claude-opus-5"), Tokens(MILLION, MILLION), web_searches=100),
        Used("acme", of("claude-opus-5", "batch"), Tokens(MILLION, MILLION)),
    ]
    plain, out = (rates_of(of("claude-haiku-4-5")).per_million or ())[:2]

    assert cost_on("claude-haiku-4-5", usage, rates_of) == 1.5 * (plain + out) + NANO
    assert (plain, out) == (1 * NANO, 5 * NANO)


@given(TOKENS)
def test_the_same_model_costs_the_same(tokens):
    """On the model that was used, the tokens cost what they cost."""
    dimensions = of("claude-opus-5")

    found = cost_on("claude-opus-5", [Used("acme", dimensions, tokens)], rates_of)

    assert found == rates_of(dimensions).cost(tokens).total


def test_a_model_without_a_price_for_some_of_it_is_not_compared():
    """Priority Tier and unknown models have no list price: the sum would lack a part."""
    some = Used("acme", of("claude-opus-5"), Tokens(MILLION))
    priority = Used("acme", of("claude-opus-5", "priority"), Tokens(MILLION))

    assert cost_on("claude-zero", [some], rates_of) is None
    assert cost_on("claude-haiku-4-5", [some, priority], rates_of) is None
    assert cost_on("claude-haiku-4-5", [], rates_of) == 0


def test_fast_use_is_compared_at_standard_speed_where_there_is_no_fast_mode():
    """Sonnet has no fast mode: tokens that Opus took fast cost there what they cost at all."""
    tokens = Tokens(MILLION, MILLION)
    fast = Used("acme", of("claude-opus-5-5")._replace(speed="fast"), tokens)
    plain = Used("acme", of("claude-opus-5-5"), tokens)
    costs = [cost_on("claude-sonnet-5-5", [used], rates_of) for used in (fast, plain)]
    assert costs == [12 * NANO, 12 * NANO]
