"""What a token costs (floor 1).

    rate = base(model, UTC day, band) x long context x fast x batch x geography

Nothing matches by prefix or family, and what has no price gets none: never 0, never a guess.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import yaml

from claude_cost_exporter.pricing.entries import (
    Catalogue,
    Model,
    in_force,
    packaged_document,
    read_catalogue,
)
from claude_cost_exporter.pricing.rates import Rates
from claude_cost_exporter.records import NANO, TokenType

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from claude_cost_exporter.pricing.entries import FiveRates, Price
    from claude_cost_exporter.pricing.overrides import Override
    from claude_cost_exporter.records import Dimensions

CACHED_COMBINATIONS = 10_000
OUTPUT = list(TokenType).index(TokenType.OUTPUT)
ONE = Decimal(1)
TIERS_WITHOUT_PRICE = {
    "priority": "priority_tier",
    "priority_on_demand": "priority_tier",
    "flex": "flex_tier",
    "flex_discount": "flex_tier",
}
_DECORATION = re.compile(r"\[1m\]$|@(?:\d{8}|default)$|-v\d+(?::\d+)?$")
_PREFIX = re.compile(r"^(?:[a-z]{2,6}\.)?anthropic[./]")


class ExactRates(NamedTuple):
    """USD per million tokens and per search; `usd` is None when there is no price."""

    usd: FiveRates | None
    usd_per_search: Decimal
    origin: str = "list"
    reason: str = ""
    ambiguous: bool = False


class PriceBook:
    """A price catalogue with its overrides, ready to be asked."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._models = {
            name: model for model in catalogue.models for name in (model.id, *model.aliases)
        }
        self._cached = lru_cache(CACHED_COMBINATIONS)(self._rates)

    @classmethod
    def packaged(cls) -> PriceBook:
        """Return the list prices that come with this version."""
        return cls(read_catalogue(packaged_document()))

    @classmethod
    def from_document(cls, document: str) -> PriceBook:
        """Return the book that `document()` wrote, or raise a PriceError."""
        return cls(read_catalogue(document))

    def document(self) -> str:
        """Return everything in the book, overrides included, as YAML."""
        return yaml.safe_dump(msgspec.to_builtins(self._catalogue, str_keys=True), sort_keys=True)

    def with_overrides(self, overrides: Sequence[Override]) -> PriceBook:
        """Return a book with overrides on top."""
        return PriceBook(msgspec.structs.replace(self._catalogue, overrides=list(overrides)))

    @property
    def verified_on(self) -> date:
        """Return the day on which the list prices were last checked."""
        return self._catalogue.verified_on

    @property
    def models(self) -> Sequence[Model]:
        """Return every model of the list."""
        return self._catalogue.models

    def rates(
        self, account: str, dimensions: Dimensions, day: date, prompt_tokens: int | None = None
    ) -> Rates:
        """Return the rates of a combination on a UTC day, in nano-USD per million tokens."""
        return self._cached(account, dimensions, day, prompt_tokens)

    def _rates(
        self, account: str, dimensions: Dimensions, day: date, prompt_tokens: int | None
    ) -> Rates:
        exact = self.exact(account, dimensions, day, prompt_tokens)
        search = _nano(exact.usd_per_search)
        if exact.usd is None:
            return Rates(None, search, "", exact.reason)
        a, b, c, d, e = map(_nano, exact.usd)
        return Rates((a, b, c, d, e), search, exact.origin, "", exact.ambiguous)

    def exact(
        self, account: str, dimensions: Dimensions, day: date, prompt_tokens: int | None = None
    ) -> ExactRates:
        """Return the rates as exact decimals.

        `prompt_tokens` is the prompt length of a single request; without it a model with two
        bands is priced at the lower one and marked ambiguous.
        """
        search = in_force(self._catalogue.web_search, day)
        usd_per_search = search.usd if search else Decimal(0)
        model = self._models.get(bare_id(dimensions.model))
        price = in_force(model.prices, day) if model else None
        base = _band(price, prompt_tokens) if price else (None,) * len(TokenType)
        rates, origin = self._overridden(account, dimensions, day, base)
        factors, reason = self._factors(model, dimensions, day)
        if None in rates:
            reason = reason or _why_missing(model, rates)
        if reason:
            return ExactRates(None, usd_per_search, "", reason)
        a, b, c, d, e = (r * f for r, f in zip(rates, factors, strict=True) if r is not None)
        ambiguous = price is not None and price.above is not None and prompt_tokens is None
        return ExactRates((a, b, c, d, e), usd_per_search, origin, "", ambiguous)

    def _overridden(
        self,
        account: str,
        dimensions: Dimensions,
        day: date,
        base: Sequence[Decimal | None],
    ) -> tuple[list[Decimal | None], str]:
        rates, origin = list(base), "list"
        model, tier = bare_id(dimensions.model), dimensions.service_tier
        for override in self._catalogue.overrides:
            if not override.matches(account, model, tier, day):
                continue
            origin = "override"
            for index, token_type in enumerate(TokenType):
                if override.token_type in (None, token_type):
                    rates[index] = _apply(override, rates[index])
        return rates, origin

    def _factors(
        self, model: Model | None, dimensions: Dimensions, day: date
    ) -> tuple[list[Decimal], str]:
        """Return one factor a token type, and why there is no price if there is none."""
        factor, reason = self._tier(dimensions, day)
        if dimensions.inference_geo == "us":
            us = in_force(self._catalogue.us_inference, day)
            if us is None or (model is not None and not model.us):
                reason = reason or "us_inference_unpriced"
            else:
                factor *= us.factor
        elif dimensions.inference_geo not in ("global", "not_available", ""):
            reason = reason or "unknown_inference_geo"
        fast, no_fast = _fast(model, dimensions, day)
        long_input, long_output, no_long = _long_context(model, dimensions, day)
        factors = [factor * fast * long_input] * len(TokenType)
        factors[OUTPUT] = factor * fast * long_output
        return factors, reason or no_fast or no_long

    def _tier(self, dimensions: Dimensions, day: date) -> tuple[Decimal, str]:
        tier = dimensions.service_tier
        if tier == "standard":
            return ONE, ""
        if tier != "batch":
            return ONE, TIERS_WITHOUT_PRICE.get(tier, "unknown_service_tier")
        batch = in_force(self._catalogue.batch, day)
        if batch is None or dimensions.speed == "fast":
            return ONE, "batch_unpriced"
        return batch.factor, ""


def bare_id(model: str) -> str:
    """Return a model id without provider prefix, `[1m]`, `@date` and `-v1:0`."""
    bare = _PREFIX.sub("", model)
    while (shorter := _DECORATION.sub("", bare)) != bare:
        bare = shorter
    return bare


def _band(price: Price, prompt_tokens: int | None) -> FiveRates:
    above = price.above is not None and (prompt_tokens or 0) > price.above
    return price.rates_above if above and price.rates_above else price.rates


def _apply(override: Override, rate: Decimal | None) -> Decimal | None:
    if override.usd_per_million is not None:
        return override.usd_per_million
    return rate * override.factor if rate is not None and override.factor is not None else None


def _why_missing(model: Model | None, rates: Sequence[Decimal | None]) -> str:
    if any(rate is not None for rate in rates):
        return "override_incomplete"
    if model is None or not model.prices:
        return "unknown_model"
    return "before_first_price"


def _fast(model: Model | None, dimensions: Dimensions, day: date) -> tuple[Decimal, str]:
    if dimensions.speed in ("standard", ""):
        return ONE, ""
    if dimensions.speed != "fast":
        return ONE, "unknown_speed"
    if model is None:
        return ONE, "unknown_model"
    entry = in_force(model.fast, day)
    return (entry.factor, "") if entry else (ONE, "fast_unpriced")


def _long_context(
    model: Model | None, dimensions: Dimensions, day: date
) -> tuple[Decimal, Decimal, str]:
    """Return the factors on input (cache included) and output above 200,000 prompt tokens."""
    if dimensions.context_window in ("0-200k", ""):
        return ONE, ONE, ""
    if dimensions.context_window != "200k-1M":
        return ONE, ONE, "unknown_context_window"
    entry = in_force(model.long_context, day) if model else None
    flat = dimensions.speed == "fast" and entry and entry.fast_until and day >= entry.fast_until
    return (ONE, ONE, "") if entry is None or flat else (entry.input, entry.output, "")


def _nano(usd: Decimal) -> int:
    return int((usd * NANO).to_integral_value(ROUND_HALF_EVEN))
