"""Contract rates and discounts, on the config's own structure."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from claude_cost_exporter.errors import PriceError
from claude_cost_exporter.pricing.overrides import Override
from claude_cost_exporter.records import Dimensions, Tokens, TokenType

DAY = date(2026, 11, 22)
OPUS = Dimensions("claude-opus-5", "standard", "0-200k", "global", "standard")
"""List: input 5, output 25, cache read 0.50, 5-minute write 6.25, 1-hour write 10."""


def overrides(text):
    """Return the overrides of a YAML list, as the configuration would."""
    return msgspec.yaml.decode(text, type=tuple[Override, ...])


def dollars(book, dimensions=OPUS, day=DAY, account="acme", prompt_tokens=None):
    """Return the exact rates as strings, or the reason for none."""
    quote = book.quote(account, dimensions, day, prompt_tokens)
    return [str(rate.normalize()) for rate in quote.rates] if quote.rates else quote.reason


def all_types(model, rate, more=""):
    """Return five absolute overrides with one rate for a model."""
    return "\n".join(
        f"- {{model: {model}, token_type: {t}, usd_per_million: {rate}{more}}}" for t in TokenType
    )


def test_a_discount_multiplies_the_list_rate_with_its_modifiers(book):
    """A factor of 0.8 on a batch row gives 0.8 x 0.5 x list, for all five types."""
    discounted = book.with_overrides(overrides("[{factor: 0.8}]"))

    batch = dollars(discounted, OPUS._replace(service_tier="batch"))

    assert batch == ["2", "1E+1", "0.2", "2.5", "4"]


def test_an_absolute_rate_replaces_the_base_rate_before_modifiers(book):
    """An absolute rate is multiplied by batch, fast and geography like the list rate."""
    text = "[{model: claude-opus-5, token_type: input, usd_per_million: 4}]"
    contract = book.with_overrides(overrides(text))

    plain, batch, fast, us = (
        dollars(contract, OPUS._replace(**changes))[0]
        for changes in (
            {},
            {"service_tier": "batch"},
            {"speed": "fast"},
            {"inference_geo": "us"},
        )
    )

    assert (plain, batch, fast, us) == ("4", "2", "8", "4.4")


def test_an_absolute_rate_for_a_tier_is_that_tiers_rate(book):
    """An override that names the batch tier is not halved once more."""
    text = "[{model: claude-opus-5, token_type: input, service_tier: batch, usd_per_million: 2.25}]"
    contract = book.with_overrides(overrides(text))

    standard, batch = (
        dollars(contract, OPUS._replace(service_tier=tier))[0] for tier in ("standard", "batch")
    )

    assert (standard, batch) == ("5", "2.25")


def test_an_override_leaves_other_token_types_alone(book):
    """Only the named token type changes, and the origin of the row is override."""
    text = "[{model: claude-opus-5, token_type: cache_read, factor: 0.5}]"
    contract = book.with_overrides(overrides(text))

    rates = contract.rates("acme", OPUS, DAY)

    assert dollars(contract) == ["5", "25", "0.25", "6.25", "1E+1"]
    assert (rates.origin, book.rates("acme", OPUS, DAY).origin) == ("override", "list")


@pytest.mark.parametrize(
    ("override", "account", "day", "first"),
    [
        ("{account: acme, factor: 0.5}", "acme", DAY, "2.5"),
        ("{account: acme, factor: 0.5}", "other", DAY, "5"),
        ("{from: 2026-11-22, factor: 0.5}", "acme", DAY, "2.5"),
        ("{from: 2026-11-23, factor: 0.5}", "acme", DAY, "5"),
        ("{to: 2026-11-22, factor: 0.5}", "acme", DAY, "5"),
        ("{to: 2026-11-23, factor: 0.5}", "acme", DAY, "2.5"),
        ("{service_tier: batch, factor: 0.5}", "acme", DAY, "5"),
        ("{service_tier: standard, factor: 0.5}", "acme", DAY, "2.5"),
        ("{token_type: output, factor: 0.5}", "acme", DAY, "5"),
        ("{model: claude-opus-4-8, factor: 0.5}", "acme", DAY, "5"),
        ("{model: claude-opus-5-5, factor: 0.5}", "acme", DAY, "5"),
    ],
)
def test_an_override_holds_where_all_of_it_matches(book, override, account, day, first):
    """Account, dates (the end exclusive), tier, type and model must all match."""
    assert dollars(book.with_overrides(overrides(f"[{override}]")), OPUS, day, account)[0] == first


@pytest.mark.parametrize("raw", ["claude-opus-4-5", "claude-opus-4-5-20251101"])
@pytest.mark.parametrize(
    "named",
    ["claude-opus-4-5", "claude-opus-4-5-20251101", "anthropic.claude-opus-4-5-20251101-v1:0"],
)
def test_an_override_may_use_any_name_of_a_model(book, named, raw):
    """Id, alias and label of one model mean the same, whichever the usage report uses."""
    contract = book.with_overrides(overrides(f"[{{model: '{named}', factor: 0.5}}]"))

    assert dollars(contract, OPUS._replace(model=raw))[0] == "2.5"


def test_the_last_matching_override_wins(book):
    """Later entries replace earlier ones; factors do not pile up."""
    text = """
    - {factor: 0.9}
    - {model: claude-opus-5, factor: 0.8}
    - {model: claude-opus-5, token_type: output, usd_per_million: 11}
    - {account: other, factor: 0.1}
    """
    contract = book.with_overrides(overrides(text))

    assert dollars(contract)[:2] == ["4", "11"]
    assert dollars(contract, OPUS._replace(model="claude-opus-4-8"))[0] == "4.5"


def test_an_unknown_model_needs_all_five_absolute_rates(book):
    """Four of five rates leave the model unpriced, with a reason of its own; five price it."""
    future = OPUS._replace(model="claude-opus-6")
    five = overrides(all_types("claude-opus-6", 7))

    none, four, complete = (book.with_overrides(five[:count]) for count in (0, 4, 5))

    assert dollars(none, future) == "unknown_model"
    assert dollars(four, future) == "override_incomplete"
    assert dollars(complete, future) == ["7"] * 5
    assert complete.rates("acme", future, DAY).origin == "override"


def test_an_unknown_model_takes_the_modifiers_that_all_new_models_share(book):
    """Batch, US inference and long context hold for it; fast mode is not assumed."""
    future = OPUS._replace(model="claude-opus-6")
    contract = book.with_overrides(overrides(all_types("claude-opus-6", 10)))

    assert dollars(contract, future._replace(service_tier="batch", inference_geo="us"))[0] == "5.5"
    assert dollars(contract, future._replace(context_window="200k-1M"))[0] == "1E+1"
    assert dollars(contract, future._replace(speed="fast")) == "fast_not_offered"


def test_a_label_prices_a_dated_unknown_id(book):
    """The `model` label, which people see in Prometheus, names the raw id too."""
    contract = book.with_overrides(overrides(all_types("claude-opus-6", 7)))

    assert dollars(contract, OPUS._replace(model="claude-opus-6-20270101"))[0] == "7"
    assert dollars(contract, OPUS._replace(model="claude-opus-6-1")) == "unknown_model"


def test_priority_tier_is_priced_only_by_an_override_that_names_it(book):
    """A rate for the model alone does not price committed usage; one for the tier does."""
    priority = OPUS._replace(service_tier="priority")
    for_model = book.with_overrides(overrides(all_types("claude-opus-5", 3)))
    for_tier = book.with_overrides(
        overrides(all_types("claude-opus-5", 3, ", service_tier: priority"))
    )

    assert dollars(for_model, priority) == "priority_tier"
    assert dollars(for_tier, priority) == ["3"] * 5


def test_a_model_without_a_published_price_can_be_priced(book):
    """Mythos Preview gets its contract price."""
    contract = book.with_overrides(overrides(all_types("claude-mythos-preview", 25)))

    assert dollars(contract, OPUS._replace(model="claude-mythos-preview")) == ["25"] * 5


def test_an_absolute_rate_ends_the_ambiguity_of_bands(book):
    """With a contract rate for every type the prompt's length does not matter any more."""
    haiku = OPUS._replace(model="claude-haiku-5-5")
    contract = book.with_overrides(overrides(all_types("claude-haiku-5-5", "0.2")))
    discounted = book.with_overrides(overrides("[{factor: 0.9}]"))

    assert dollars(contract, haiku, prompt_tokens=150_000) == dollars(contract, haiku)
    assert not contract.rates("acme", haiku, DAY).ambiguous
    assert discounted.rates("acme", haiku, DAY).ambiguous


def test_web_searches_keep_their_list_price(book):
    """A discount on tokens says nothing about searches."""
    discounted = book.with_overrides(overrides("[{factor: 0.5}]"))

    assert discounted.rates("acme", OPUS, DAY).cost(Tokens(), 1).total == 10_000_000


def test_a_free_rate_is_a_price(book):
    """Zero is allowed where a person writes it: the row is priced, not unpriced."""
    free = book.with_overrides(overrides(all_types("claude-opus-5", 0)))

    assert free.rates("acme", OPUS, DAY).cost(Tokens(input=10**9)).by_type == (0, 0, 0, 0, 0)


def test_odd_factors_round_half_to_even_in_whole_nano_dollars(book):
    """5 USD x 0.3333333333 is 1,666,666,666.5 nano-USD per million; the even one is taken."""
    odd = book.with_overrides([Override(factor=Decimal("0.3333333333"))])

    assert odd.rates("acme", OPUS, DAY).per_million[0] == 1_666_666_666
    assert odd.quote("acme", OPUS, DAY).rates[0] == Decimal("1.6666666665")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[{}]", "exactly one of usd_per_million and factor"),
        ("[{factor: 0.5, usd_per_million: 3}]", "usd_per_million: 3 and factor: 0.5"),
        ("[{factor: 0}]", "factor is 0; it must be more than 0"),
        ("[{factor: -0.1}]", "factor is -0.1"),
        ("[{factor: .nan}]", "factor is NaN"),
        ("[{factor: '1e400'}]", "factor is 1E+400"),
        ("[{factor: '0.1234567890123'}]", "with at most 12 decimals"),
        ("[{factor: true}]", "got `bool` - at `$[0].factor`"),
        ("[{factor: 0.5, form: 2026-01-01}]", "unknown field `form`"),
        ("[{factor: 0.5, token_type: tokens}]", "Invalid enum value 'tokens'"),
        ("[{factor: 0.5, service_tier: gold}]", "Invalid enum value 'gold'"),
        ("[{factor: 0.5, from: 2026-02-01, to: 2026-02-01}]", "from is 2026-02-01 and to"),
        ("[{usd_per_million: 3}]", "needs a model and a token_type"),
        ("[{usd_per_million: 3, model: claude-opus-5}]", "this override has no token_type"),
        (
            "[{usd_per_million: -1, model: claude-opus-5, token_type: input}]",
            "usd_per_million is -1; it must be 0 or more",
        ),
    ],
)
def test_a_contradictory_override_is_refused_with_its_path(text, sentence):
    """Each refusal names the field and its value; msgspec adds where it stands."""
    with pytest.raises(msgspec.ValidationError) as caught:
        overrides(text)

    assert sentence in str(caught.value)
    assert "$[" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{model: claude-opus-55, factor: 0.5}", "factor 0.5 for model claude-opus-55"),
        ("{model: claude-mythos-preview, factor: 0.5}", "for model claude-mythos-preview"),
        ("{service_tier: priority, factor: 0.5}", "for service_tier priority"),
        ("{service_tier: flex_discount, factor: 0.5}", "for service_tier flex_discount"),
    ],
)
def test_a_discount_that_can_never_apply_is_refused(book, text, sentence):
    """A factor on something without a list price would silently do nothing."""
    with pytest.raises(PriceError, match=r"prices\.overrides\[1\] gives") as caught:
        book.with_overrides(overrides(f"[{{factor: 1}}, {text}]"))

    assert sentence in str(caught.value)


def test_the_schema_of_an_override_names_every_field():
    """The configuration's JSON schema can be made from the structure."""
    properties = msgspec.json.schema(Override)["$defs"]["Override"]["properties"]

    assert set(properties) == {
        "account",
        "model",
        "token_type",
        "service_tier",
        "from",
        "to",
        "usd_per_million",
        "factor",
    }
