"""What bills teach: discounts, prices nobody lists, and mistakes of the price list."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_cost_exporter.pricing.evidence import Evidence, quantum
from claude_cost_exporter.pricing.overrides import Override
from claude_cost_exporter.records import Tokens, TokenType
from tests.support.bills import (
    COUNTS,
    FIRST,
    HAIKU,
    NOVA,
    OPUS,
    ORDINARY,
    SONNET,
    analytics,
    charge,
    days,
    joined,
    legacy,
    month,
    on,
)
from tests.support.lessons import BOOK, entries, taught


@pytest.mark.parametrize("told", [legacy, analytics])
def test_a_discount_is_one_entry(told):
    """15 % off everything is one factor for the account, in either API's words."""
    lesson = taught(month(ORDINARY, factor="0.85", told=told))
    assert lesson.learned == (Override(account="acme", factor=Decimal("0.85")),)
    assert lesson.disagreements == ()


@pytest.mark.parametrize("told", [legacy, analytics])
def test_list_prices_teach_nothing(told):
    """Fast mode, batches and geography explain the bill: k is 1 and nothing is learned.

    The cost report has no speed: its lines hold fast and standard usage together.
    """
    assert taught(month(ORDINARY, told=told)) == ((), ())


@pytest.mark.parametrize(
    ("quantum_", "tokens", "learned"),
    [
        (10, 100_000, True),
        (100_000, 1_000, False),
        (100_000, 100_000_000, True),
        (10_000_000, 100_000, False),
        (10_000_000, 2_100_000_000, True),
    ],
)
def test_rounding_of_the_bill(quantum_, tokens, learned):
    """Amounts below 1000 quanta teach nothing, larger ones the discount within 0.05 %."""
    counts = Tokens(*(tokens + prime for prime in (1, 3, 7, 13, 17)))
    evidence = month([OPUS, SONNET])
    usage = [use._replace(tokens=counts) for use in evidence.usage]
    bill = [
        line
        for use in usage
        for line in charge(use.day, use.dimensions, "0.85", counts, quantum=quantum_)
        if line.dimensions.token_type in {"input", "output"}
    ]
    found = taught(Evidence(usage, bill)).learned
    assert bool(found) == learned
    assert all(abs(entry.factor / Decimal("0.85") - 1) < Decimal("0.0005") for entry in found)


def test_the_quantum_is_seen_in_the_amounts():
    """The unit of a bill is the largest power of ten in all its amounts, a cent at most."""
    assert quantum([12_340, 500_000, 0]) == 10
    assert quantum([7, 500]) == 1
    assert quantum([10**12]) == 10**7


def test_one_model_off_is_a_finding_and_corrects_itself():
    """A model that alone costs 20 % less has its own factor, and the implied list rate is told."""
    evidence = joined(
        month([OPUS, SONNET], factor="0.9"), month([HAIKU], factor="0.72")
    )  # 10 % off everything, and 20 % off Haiku's list price
    lesson = taught(evidence)
    assert entries(lesson) == {"": "0.9", "claude-haiku-4-5-20251001": "0.72"}
    told = {d.key.token_type: d for d in lesson.disagreements}
    assert {d.key.model for d in lesson.disagreements} == {"claude-haiku-4-5-20251001"}
    assert set(told) == set(TokenType)
    assert told["output"].listed_usd_per_million == 5
    assert told["output"].implied_usd_per_million == 4


def test_one_token_type_off_changes_only_that_type():
    """A cache read that costs half as much as listed is one entry for model and type."""
    halved = (1, 1, "0.5", 1, 1)
    lesson = taught(joined(month([OPUS, HAIKU]), month([SONNET], factor=halved)))
    assert entries(lesson) == {"claude-sonnet-5-5 cache_read": "0.5"}
    (finding,) = lesson.disagreements
    assert str(finding.implied_usd_per_million) == "0.05"
    book = BOOK.with_learned(lesson.learned)
    quote = book.quote("acme", SONNET, FIRST)
    assert [str(rate.normalize()) for rate in quote.rates] == ["2", "1E+1", "0.05", "2.5", "4"]
    assert quote.origin == "learned"
    assert book.quote("other", SONNET, FIRST).origin == "list"


def test_one_tier_off_changes_only_that_tier():
    """Batches that cost 0.45 instead of 0.5 are entries of the batch tier."""
    batch = on("claude-opus-5", tier="batch")
    lesson = taught(joined(month([OPUS, SONNET, HAIKU]), month([batch], factor="0.9")))
    assert entries(lesson) == {f"claude-opus-5 {t} batch": "0.9" for t in TokenType}


def test_one_type_does_not_speak_for_its_model():
    """Where only output is billed often enough to tell, only output's price is corrected."""
    opus = month([OPUS], factor="0.9")
    opus = opus._replace(bill=[b for b in opus.bill if b.dimensions.token_type == "output"])
    lesson = taught(joined(opus, month([SONNET, HAIKU])))
    assert entries(lesson) == {"claude-opus-5 output": "0.9"}


def test_an_only_model_may_have_a_discount_or_a_wrong_price():
    """With one model nobody can tell which: the factor is the model's, and it is reported."""
    lesson = taught(month([OPUS], factor="0.85"))
    assert entries(lesson) == {"claude-opus-5": "0.85"}
    assert lesson.disagreements


def test_a_bill_with_list_amounts_tells_a_discount_from_one_model():
    """Analytics names the amount before discounts: then one model is enough."""
    lesson = taught(month([OPUS], factor="0.85", told=analytics))
    assert entries(lesson) == {"": "0.85"}
    assert lesson.disagreements == ()


def test_a_discount_on_some_models_is_no_mistake_of_the_list():
    """Analytics names the list price: one model without the discount has its factor, no finding."""
    lesson = taught(joined(
        month([OPUS, SONNET], factor="0.85", told=analytics), month([HAIKU], told=analytics)
    ))  # fmt: skip
    assert entries(lesson) == {"": "0.85", "claude-haiku-4-5-20251001": "1"}
    assert lesson.disagreements == ()


@pytest.mark.parametrize("tier", ["priority", "priority_on_demand", "flex", "flex_discount"])
def test_tiers_without_a_list_price_teach_nothing(tier):
    """Whatever a bill says about Priority Tier or flex, nothing is learned from it."""
    special = on("claude-opus-5", tier=tier)
    assert taught(joined(month(ORDINARY), month([special], factor="0.3"))) == ((), ())
    assert taught(month([on("claude-nova-1", tier=tier)])).learned == ()


def test_usage_that_is_not_billed_teaches_nothing():
    """Priority usage beside the bill, refused requests in changing shares: no price is learned."""
    refused = joined(month([OPUS, HAIKU]), *(
        month([SONNET], [day], factor=str(Decimal("0.95") - Decimal(index % 4) / 50))
        for index, day in enumerate(days())
    ))  # fmt: skip
    usage = month([on("claude-opus-5", tier="priority")]).usage
    assert taught(joined(refused, Evidence(usage, ()))) == ((), ())


def test_g12_steady_refusals_are_no_lower_price():
    """G12: 2 % of the input, give or take 0.4 %, is on no bill: no price, and no finding."""
    shares = (
        "0.98",
        "0.979",
        "0.983",
        "0.977",
        "0.981",
        "0.978",
        "0.982",
        "0.9795",
        "0.98",
        "0.984",
    )
    refused = joined(*(
        month([OPUS], [day], factor=(share, 1, 1, 1, 1))
        for day, share in zip(days(), shares, strict=True)
    ))  # fmt: skip
    assert taught(joined(month([HAIKU, SONNET]), refused)) == ((), ())
    few = ("0.98", "0.9803", "0.984")  # two that agree by chance
    refused = joined(*(
        month([OPUS], [day], factor=(share, 1, 1, 1, 1))
        for day, share in zip(days(3), few, strict=True)
    ))  # fmt: skip
    assert taught(joined(month([HAIKU, SONNET], days(3)), refused)) == ((), ())
    many = joined(*(
        month([OPUS], [day], factor=(str(Decimal(share) - Decimal("0.12")), 1, 1, 1, 1))
        for day, share in zip(days(), shares, strict=True)
    ))  # fmt: skip
    assert taught(joined(month([HAIKU, SONNET]), many)) == ((), ())
    lower = month([OPUS], factor=("0.98", 1, 1, 1, 1))
    assert entries(taught(joined(month([HAIKU, SONNET]), lower))) == {"claude-opus-5 input": "0.98"}


def test_a_rate_that_depends_on_the_prompt_teaches_nothing():
    """Haiku 5.5 costs five times as much above 100,000 tokens: its blend is no discount."""
    haiku = on("claude-haiku-5-5")
    evidence = month([OPUS, SONNET])
    bill = [
        line._replace(dimensions=line.dimensions._replace(model="claude-haiku-5-5"))
        for line in evidence.bill
        if line.dimensions.model == "claude-opus-5"
    ]
    usage = [use._replace(dimensions=haiku) for use in evidence.usage if use.dimensions == OPUS]
    assert taught(joined(evidence, Evidence(usage, bill))) == ((), ())


def test_an_unlisted_model_has_a_price_from_its_first_billed_day():
    """One day, ended 15 hours ago, gives each token type its rate; batches cost half of it."""
    yesterday = [date(2026, 11, 11)]
    lesson = taught(month([NOVA, on("claude-nova-1", geo="us")], yesterday))
    rates = ("7", "34", "0.28", "8.6", "13.8")
    types = zip(TokenType, rates, strict=True)
    assert entries(lesson) == {f"claude-nova-1 {t}": rate for t, rate in types}
    book = BOOK.with_learned(lesson.learned)
    today = date(2026, 11, 12)
    quote = book.quote("acme", NOVA, today)
    assert ([str(rate) for rate in quote.rates], quote.origin) == ([*rates], "learned")
    assert book.quote("acme", on("claude-nova-1", tier="batch"), today).rates[0] == Decimal("3.5")
    assert book.quote("acme", on("claude-nova-1", geo="us"), today).rates[0] == Decimal("7.7")
    for other in (on("claude-nova-1", tier="priority"), on("claude-nova-1", speed="fast")):
        assert book.quote("acme", other, today).rates is None


def test_types_that_were_never_billed_have_no_price_yet():
    """An unlisted model without 1-hour writes on its bill: those tokens stay unpriced, not 0."""
    evidence = month([NOVA])
    bill = [b for b in evidence.bill if b.dimensions.token_type != "cache_write_1h"]
    usage = [u._replace(tokens=u.tokens._replace(cache_write_1h=0)) for u in evidence.usage]
    book = BOOK.with_learned(taught(Evidence(usage, bill)).learned)
    rates = book.rates("acme", NOVA, FIRST)
    assert rates.per_million == (7 * 10**9, 34 * 10**9, 280_000_000, 8_600_000_000, None)
    assert rates.reason == "unknown_model"
    cost = rates.cost(Tokens(input=2_000_000, cache_write_5m=1_000_000, cache_write_1h=5))
    assert cost.by_type == (14 * 10**9, 0, 0, 8_600_000_000, 0)
    assert cost.cache_premium == 1_600_000_000


def test_merged_fast_usage_of_an_unlisted_model_teaches_nothing():
    """The cost report's line holds fast and standard tokens; nobody knows fast mode's factor."""
    both = [NOVA, on("claude-nova-1", speed="fast")]
    assert taught(month(both)).learned == ()
    assert len(taught(month(both, told=analytics)).learned) == 5


def test_what_the_user_overrides_is_not_learned():
    """Contract rates in the configuration explain the bill: nothing to learn or to report."""
    contract = BOOK.with_overrides([Override(model="claude-opus-5", factor=Decimal("0.5"))])
    evidence = joined(month([OPUS], factor="0.5"), month([SONNET, HAIKU]))
    assert taught(evidence, contract) == ((), ())
    assert entries(taught(evidence)) == {"claude-opus-5": "0.5"}


@settings(deadline=None, max_examples=25)
@given(st.integers(100, 3000), st.randoms())
def test_scaling_the_bill_scales_the_factor(thousandths, random):
    """A bill of f times the list price teaches f, whatever the order of days and lines."""
    factor = Decimal(thousandths) / 1000
    evidence = month(ORDINARY, days(5), factor=str(factor))
    usage, bill = list(evidence.usage), list(evidence.bill)
    random.shuffle(usage)
    random.shuffle(bill)
    lesson = taught(Evidence(usage, bill))
    near = abs(factor - 1) < Decimal("0.005")
    assert lesson.disagreements == ()
    assert [entry.factor for entry in lesson.learned] == ([] if near else [factor])


def test_no_evidence_teaches_nothing():
    """Without billed days, or with days of which only one side is known, nothing happens."""
    whole = month(ORDINARY, factor="0.85")
    for some in (Evidence(), whole._replace(bill=()), whole._replace(usage=())):
        assert taught(some) == ((), ())
    assert COUNTS.total > 0
