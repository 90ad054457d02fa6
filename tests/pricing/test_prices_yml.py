"""The integrity of the packaged prices: complete, dated, with sources."""

from __future__ import annotations

import re
from datetime import date
from importlib.resources import files

import pytest

from claude_cost_exporter.pricing.entries import read_catalogue
from claude_cost_exporter.pricing.ids import plain_id
from claude_cost_exporter.records import model_label

TEXT = (files("claude_cost_exporter.pricing") / "prices.yml").read_text(encoding="utf-8")
CATALOGUE = read_catalogue(TEXT)
MODELS = {model.id: model for model in CATALOGUE.models}
PRICED = {i for i, model in MODELS.items() if any(price.rates for price in model.prices)}

DATED = {
    "claude-opus-4-5-20251101": "claude-opus-4-5",
    "claude-opus-4-1-20250805": "claude-opus-4-1",
    "claude-opus-4-20250514": "claude-opus-4-0",
    "claude-sonnet-4-5-20250929": "claude-sonnet-4-5",
    "claude-sonnet-4-20250514": "claude-sonnet-4-0",
    "claude-haiku-4-5-20251001": "claude-haiku-4-5",
    "claude-3-7-sonnet-20250219": "claude-3-7-sonnet-latest",
    "claude-3-5-sonnet-20241022": "claude-3-5-sonnet-latest",
    "claude-3-5-sonnet-20240620": None,
    "claude-3-5-haiku-20241022": "claude-3-5-haiku-latest",
    "claude-3-opus-20240229": "claude-3-opus-latest",
    "claude-3-haiku-20240307": None,
}
"""Models from before 4.6: the dated id, and the alias that Anthropic gives it."""
UNDATED = {
    "claude-fable-5-2": "2026-11-09",
    "claude-mythos-5-2": "2026-11-09",
    "claude-fable-5-1": "2026-09-01",
    "claude-mythos-5-1": "2026-09-01",
    "claude-fable-5": "2026-06-09",
    "claude-mythos-5": "2026-06-09",
    "claude-mythos-preview": "2026-04-07",
    "claude-opus-5-5": "2026-09-22",
    "claude-opus-5": "2026-07-24",
    "claude-opus-4-8": "2026-05-28",
    "claude-opus-4-7": "2026-04-16",
    "claude-opus-4-6": "2026-02-05",
    "claude-sonnet-5-5": "2026-09-28",
    "claude-sonnet-5": "2026-06-30",
    "claude-sonnet-4-6": "2026-02-17",
    "claude-haiku-5-5": "2026-10-07",
}
"""From 4.6 on the id without a date is the id; with the day of its first price."""
FIRST_DAYS = {
    "claude-opus-4-5-20251101": "2025-11-24",
    "claude-opus-4-1-20250805": "2025-08-05",
    "claude-opus-4-20250514": "2025-05-22",
    "claude-sonnet-4-5-20250929": "2025-09-29",
    "claude-sonnet-4-20250514": "2025-05-22",
    "claude-haiku-4-5-20251001": "2025-10-15",
}


def entries():
    """Return everything that has a source."""
    prices = [price for model in CATALOGUE.models for price in model.prices]
    return [*CATALOGUE.web_search, *CATALOGUE.unpriced, *CATALOGUE.modifiers, *prices]


def covering(dimension, value):
    """Return the models that have a factor for a value on any day."""
    modifiers = [m for m in CATALOGUE.modifiers if (m.dimension, m.value) == (dimension, value)]
    return {i for i in MODELS for m in modifiers if m.models == "all" or i in m.models}


def test_every_known_model_is_there():
    """The ids are exactly those of the reference, no more and no fewer."""
    assert set(MODELS) == {*DATED, *UNDATED}
    assert set(MODELS) - PRICED == {"claude-mythos-preview"}


@pytest.mark.parametrize(("model", "day"), [*UNDATED.items(), *FIRST_DAYS.items()])
def test_models_begin_on_their_first_day(model, day):
    """No model has a price from before it was sold."""
    assert MODELS[model].prices[0].from_ == date.fromisoformat(day)


@pytest.mark.parametrize(("dated", "alias"), [(d, a) for d, a in DATED.items() if a])
def test_older_models_have_their_aliases(dated, alias):
    """Anthropic's alias and our own label find the dated id of older models."""
    assert {alias, model_label(dated)} <= {plain_id(name) for name in MODELS[dated].aliases}


def test_no_name_is_taken_twice():
    """Ids and aliases are unique and reach the list in the form they are looked up."""
    names = [name for model in CATALOGUE.models for name in (model.id, *model.aliases)]

    assert len(names) == len(set(names))
    assert names == [plain_id(name) for name in names]


def test_dates_rise():
    """Prices of a model stand in the order in which they came into force."""
    for model in CATALOGUE.models:
        days = [price.from_ for price in model.prices]
        assert days == sorted(set(days))


def test_everything_has_a_source_that_was_verified():
    """A document and a day stand at each entry; no host of a package registry does."""
    for entry in entries():
        assert len(entry.source) > 10
        assert entry.verified_on >= date(2026, 11, 22)
    assert not re.search(r"https?:|www\.|\.(org|com|io)\b", TEXT)


def test_every_model_says_what_batch_and_geography_do():
    """A new model without them would be unpriced in a batch or with US inference."""
    assert covering("service_tier", "batch") == set(MODELS)
    assert covering("inference_geo", "us") == set(MODELS)


def test_geography_costs_more_exactly_from_4_6_on():
    """1.1 for all five types of newer models, 1 for older ones."""
    for modifier in CATALOGUE.modifiers:
        if modifier.dimension == "inference_geo":
            factor = {str(number) for number in modifier.factors.five}
            newer = set(modifier.models) <= set(UNDATED)
            assert factor == {"1.1" if newer else "1"}


def test_long_prompts_are_covered_from_4_6_on():
    """Every newer model takes prompts above 200,000 tokens, and two older ones did."""
    older = {"claude-sonnet-4-5-20250929", "claude-sonnet-4-20250514"}

    assert covering("context_window", "200k-1M") == {*UNDATED, *older}


def test_fast_mode_is_offered_by_six_lines():
    """The models that ever had fast mode are exactly these."""
    assert covering("speed", "fast") == {
        "claude-fable-5-2",
        "claude-mythos-5-2",
        "claude-opus-5-5",
        "claude-opus-5",
        "claude-opus-4-8",
        "claude-opus-4-7",
        "claude-opus-4-6",
    }


def test_only_haiku_5_5_has_bands():
    """Its upper band begins above 100,000 prompt tokens and costs five times as much."""
    banded = {i for i, model in MODELS.items() if any(price.bands for price in model.prices)}
    price = MODELS["claude-haiku-5-5"].prices[0]

    assert banded == {"claude-haiku-5-5"}
    assert [band.above_prompt_tokens for band in price.bands] == [100_000]
    assert [5 * rate for rate in price.rates.five] == list(price.bands[0].rates.five)


def test_all_rates_are_whole_nano_dollars():
    """No list price is rounded on its way into the ledger, whatever modifies it."""
    for model in CATALOGUE.models:
        for price in model.prices:
            for rate in price.rates.five if price.rates else ():
                assert rate * 10**9 * 11 % 20 == 0


def test_the_file_has_no_key_twice():
    """YAML would let a second key of the same name win in silence."""
    for block in re.split(r"\n\s*- ", TEXT):
        keys = re.findall(r"(?m)^ *([a-z_]+):", block)
        flow = [re.findall(r"([a-z_0-9]+):", part) for part in re.findall(r"\{([^{}]*)\}", block)]
        assert all(len(names) == len(set(names)) for names in flow)
        if "rates" not in keys:
            assert len(keys) == len(set(keys))
