"""Defects seen in other tools, as far as they are about prices, under their usual numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from claude_cost_exporter.pricing.rows import Row, price_row
from claude_cost_exporter.records import PROBE, Dimensions, Tokens, UsageRecord

DAY = date(2026, 11, 22)
HOUR = datetime(2026, 11, 22, 10, tzinfo=UTC)
MILLION = 1_000_000


def record(tokens, searches=0, **changes):
    """Return an ordinary Opus 5 record with some dimensions changed."""
    ordinary = Dimensions("claude-opus-5", "standard", "0-200k", "global", "standard")
    return UsageRecord(PROBE, HOUR, ordinary._replace(**changes), tokens, searches)


def test_t02_ten_dimes_are_exactly_one_dollar(book):
    """T2: decimals are shifted, never floated: ten rows of 0.1 USD cost 1 USD exactly."""
    dime = Row(date=DAY, model="claude-opus-5", uncached_input_tokens=20_000)
    large = Row(date=DAY, model="claude-opus-5", uncached_input_tokens=82_560_000)

    costs = [Decimal(price_row(book, dime).cost_usd) for _ in range(10)]

    assert sum(costs) == 1
    assert price_row(book, large).cost_usd == "412.8"


@pytest.mark.parametrize(
    ("changes", "dollars"),
    [
        ({"context_window": "200k-1M"}, 5),
        ({"service_tier": "batch"}, Decimal("2.5")),
        ({"inference_geo": "us"}, Decimal("5.5")),
        ({"speed": "fast"}, 10),
    ],
)
def test_t03_rows_that_differ_in_one_dimension_add_up(book, changes, dollars):
    """T3: a row that differs in one dimension has its own price, and sums with the first."""
    tokens = Tokens(input=MILLION)

    costs = [book.price("acme", record(tokens)), book.price("acme", record(tokens, **changes))]

    assert (5 + dollars) * 10**9 == sum(cost.total for cost in costs)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model": "claude-opus-9"}, "unknown_model"),
        ({"model": "claude-opus-5-2"}, "unknown_model"),
        ({"service_tier": "priority"}, "priority_tier"),
        ({"service_tier": "flex"}, "flex_tier"),
        ({"service_tier": "gold"}, "unknown_tier"),
        ({"inference_geo": "mars"}, "unknown_geo"),
        ({"speed": "warp"}, "unknown_speed"),
        ({"context_window": "1M-9M"}, "unknown_context_window"),
    ],
)
def test_t10_what_has_no_price_is_absent_not_zero(book, changes, reason):
    """T10: unpriced usage has no cost at all, a reason, and still pays for its searches."""
    unpriced = record(Tokens(input=MILLION), searches=2, **changes)

    rates = book.rates("acme", unpriced.dimensions, DAY)
    cost = book.price("acme", unpriced)

    assert (None, reason) == (rates.per_million, rates.reason)
    assert cost.by_type is None
    assert 20_000_000 == cost.web_search == cost.total


def test_t10_a_sibling_never_lends_its_price(book):
    """T10: no invented name that begins like a known model gets that model's price."""
    invented = [
        f"{model}{end}" for model in book.models() for end in ("-1", "-x", "x", "-20300101")
    ]
    known = set(book.models())

    answers = {
        name: book.rates("acme", record(Tokens(), model=name).dimensions, DAY).reason
        for name in invented
        if name not in known
    }

    assert {"unknown_model"} == set(answers.values())


def test_t11_cache_writes_of_five_minutes_and_one_hour_differ(book):
    """T11: 1-hour writes cost 2x and 5-minute writes 1.25x the input, not the same."""
    cost = book.price("acme", record(Tokens(cache_write_5m=MILLION, cache_write_1h=MILLION)))

    assert cost.by_type == (0, 0, 0, 6_250_000_000, 10_000_000_000)


@pytest.mark.parametrize("changes", [{"speed": "fast"}, {"inference_geo": "us"}])
def test_t11_modifiers_reach_the_cache_tokens(book, changes):
    """T11: fast mode and geography multiply all five token types by the same factor."""
    tokens = Tokens(*[MILLION] * 5)

    plain, modified = (book.price("acme", record(tokens, **c)).by_type for c in ({}, changes))

    assert len({Decimal(m) / p for m, p in zip(modified, plain, strict=True)}) == 1


def test_t11_a_threshold_is_about_requests_not_about_sums(book):
    """T11: a day of many short requests is not billed as one long prompt."""
    day = date(2026, 3, 1)
    sonnet = record(Tokens(), model="claude-sonnet-4-5").dimensions

    many_short = book.rates("acme", sonnet, day).cost(Tokens(input=50 * MILLION))

    assert many_short.total == 150 * 10**9


def test_t11_one_token_over_the_threshold_makes_the_whole_request_dearer(book):
    """T11: at 100,001 prompt tokens every token of a Haiku 5.5 request costs five times as much."""
    haiku = record(Tokens(), model="claude-haiku-5-5").dimensions
    tokens = Tokens(input=100_000, output=1000)

    below, above = (book.rates("acme", haiku, DAY, prompt) for prompt in (100_000, 100_001))

    assert 5 * below.cost(tokens).total == above.cost(tokens).total


def test_t11_an_unknown_prompt_length_gives_the_lower_band_and_says_so(book):
    """T11: an aggregated Haiku 5.5 row is priced at its lower band and marked ambiguous."""
    haiku = record(Tokens(), model="claude-haiku-5-5").dimensions

    unknown, short = (book.rates("acme", haiku, DAY, prompt) for prompt in (None, 1))

    assert unknown.per_million == short.per_million
    assert (unknown.ambiguous, short.ambiguous) == (True, False)


@pytest.mark.parametrize(
    ("day", "ambiguous"), [(date(2026, 3, 12), True), (date(2026, 3, 13), False)]
)
@pytest.mark.parametrize("window", ["", "unknown"])
def test_t11_an_unknown_context_window_is_ambiguous_where_it_matters(book, day, ambiguous, window):
    """T11: without a context window the lower bound holds, marked while long prompts cost more."""
    opus = record(Tokens(), model="claude-opus-4-6", context_window=window).dimensions

    rates = book.rates("acme", opus, day)

    assert (5_000_000_000, ambiguous) == (rates.per_million[0], rates.ambiguous)


def test_t11_web_searches_are_priced_and_never_multiplied(book):
    """T11: a search costs 0.01 USD under every modifier."""
    modified = [{}, {"service_tier": "batch"}, {"inference_geo": "us"}, {"speed": "fast"}]

    costs = [book.price("acme", record(Tokens(), 3, **changes)).total for changes in modified]

    assert costs == [30_000_000] * 4


def test_t12_the_five_types_are_disjoint(book):
    """T12: the cost of a row is the sum of its five types, each priced alone."""
    tokens = Tokens(11, 22, 33, 44, 55)

    together = book.price("acme", record(tokens))
    alone = [
        book.price("acme", record(Tokens(**{name: count})))
        for name, count in tokens._asdict().items()
    ]

    assert together.total == sum(cost.total for cost in alone)
    assert tokens.total == 165
