"""What the types of a price document cannot say: whether its entries fit together (floor 1)."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

from claude_cost_exporter.errors import PriceError
from claude_cost_exporter.pricing.ids import plain_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from claude_cost_exporter.pricing.entries import Catalogue, ModelEntry, Modifier
    from claude_cost_exporter.pricing.overrides import Override


def check_catalogue(catalogue: Catalogue) -> None:
    """Raise PriceError with every contradiction, one sentence each."""
    problems = [
        *_names(catalogue.models),
        *_order(catalogue),
        *_modifiers(catalogue.modifiers, {model.id for model in catalogue.models}),
    ]
    if problems:
        raise PriceError("\n".join(problems))


def check_overrides(
    overrides: Sequence[Override], known: Mapping[str, ModelEntry], unpriced_tiers: Sequence[str]
) -> None:
    """Raise PriceError for discounts on something that has no list price and never will."""
    problems = [
        f"prices.overrides[{index}] gives factor {override.factor} for {what}, "
        "which has no list price; give usd_per_million for each token type instead"
        for index, override in enumerate(overrides)
        if override.factor is not None
        for what in _without_list_price(override, known, unpriced_tiers)
    ]
    if problems:
        raise PriceError("\n".join(problems))


def _without_list_price(
    override: Override, known: Mapping[str, ModelEntry], unpriced_tiers: Sequence[str]
) -> Iterator[str]:
    """Yield what a factor can never have an effect on."""
    if override.service_tier in unpriced_tiers:
        yield f"service_tier {override.service_tier}"
    if override.model is not None:
        entry = known.get(plain_id(override.model))
        if entry is None or all(price.rates is None for price in entry.prices):
            yield f"model {override.model}"


def _names(models: Sequence[ModelEntry]) -> Iterator[str]:
    """Yield ids and aliases that are taken twice or could never be found."""
    names = [name for model in models for name in (model.id, *model.aliases)]
    for name, times in Counter(names).items():
        if times > 1:
            yield f"the model name {name} stands {times} times in the price list; once is right"
        if plain_id(name) != name:
            yield f"the model name {name} is never looked up: it is reduced to {plain_id(name)}"


def _order(catalogue: Catalogue) -> Iterator[str]:
    """Yield dates that do not rise."""
    lists = {model.id: [p.from_ for p in model.prices] for model in catalogue.models}
    lists["web_search"] = [p.from_ for p in catalogue.web_search]
    for name, dates in lists.items():
        for earlier, later in pairwise(dates):
            if earlier >= later:
                yield f"the prices of {name} must rise by date; {earlier} stands before {later}"


def _modifiers(modifiers: Sequence[Modifier], known: set[str]) -> Iterator[str]:
    """Yield modifiers that end before they begin, name strangers, or hold twice at once."""
    for modifier in modifiers:
        if modifier.to and modifier.from_ >= modifier.to:
            yield f"{_name(modifier)} ends on {modifier.to}, before it begins"
        if modifier.models != "all":
            for stranger in sorted(set(modifier.models) - known):
                yield f"{_name(modifier)} names the model {stranger}, which has no price"
    for one, other in combinations(modifiers, 2):
        if (one.dimension, one.value) == (other.dimension, other.value) and _overlap(one, other):
            for model in sorted(known):
                if _names_model(one, model) and _names_model(other, model):
                    yield f"{_name(one)} and {_name(other)} both hold for {model} on the same day"


def _name(modifier: Modifier) -> str:
    return f"the modifier {modifier.dimension} {modifier.value} from {modifier.from_}"


def _names_model(modifier: Modifier, model: str) -> bool:
    return modifier.models == "all" or model in modifier.models


def _overlap(one: Modifier, other: Modifier) -> bool:
    """Tell whether two half-open stretches of days share a day."""
    first, second = sorted((one, other), key=lambda modifier: modifier.from_)
    return first.to is None or second.from_ < first.to
