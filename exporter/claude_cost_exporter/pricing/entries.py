"""`prices.yml` as typed, checked data (floor 1).

Nothing here is computed from anything else: each rate and each factor stands in the file, with
the day from which it holds, where it was read and when.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

from claude_cost_exporter.errors import PriceError
from claude_cost_exporter.pricing.exact import Five, check_decimal
from claude_cost_exporter.pricing.overrides import Override

Text = Annotated[str, Meta(min_length=1)]
Dimension = Literal["service_tier", "speed", "inference_geo", "context_window"]


class _Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of everything in the file: immutable, and a mistyped key is an error."""


class PerTokenType(_Entry, frozen=True, kw_only=True):
    """One positive number per token type: USD per million tokens, or a factor."""

    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write_5m: Decimal
    cache_write_1h: Decimal

    @property
    def five(self) -> Five:
        """Return the numbers in the order of `TokenType`."""
        return self.input, self.output, self.cache_read, self.cache_write_5m, self.cache_write_1h

    def __post_init__(self) -> None:
        """Refuse zero, negative and endless numbers: none of them is a price."""
        for name in self.__struct_fields__:
            check_decimal(name, getattr(self, name))


class Dated(_Entry, frozen=True, kw_only=True):
    """Something that holds from a UTC day on, and why we believe it."""

    from_: date = field(name="from")
    source: Text
    verified_on: date


class Band(_Entry, frozen=True, kw_only=True):
    """The rates of every token of a request whose prompt is longer than this."""

    above_prompt_tokens: Annotated[int, Meta(gt=0)]
    rates: PerTokenType


class PriceEntry(Dated, frozen=True, kw_only=True):
    """What a model costs from a day on, until its next entry: rates, or the reason for none."""

    rates: PerTokenType | None = None
    bands: tuple[Band, ...] = ()
    unpriced: str = ""

    def __post_init__(self) -> None:
        """Refuse an entry that has both rates and a reason for none, or neither."""
        if (self.rates is None) == (not self.unpriced):
            has = "both" if self.unpriced else "neither"
            raise ValueError(f"the price from {self.from_} needs rates or unpriced; it has {has}")
        limits = [band.above_prompt_tokens for band in self.bands]
        if limits != sorted(set(limits)) or (limits and self.rates is None):
            raise ValueError(
                f"the price from {self.from_} has bands above {limits} prompt tokens; they must "
                "rise, and stand beside rates"
            )


class ModelEntry(_Entry, frozen=True, kw_only=True):
    """A model under its exact id, the ids that mean the same, and its prices in order."""

    id: Text
    aliases: tuple[Text, ...] = ()
    prices: Annotated[tuple[PriceEntry, ...], Meta(min_length=1)]

    def price_on(self, day: date) -> PriceEntry | None:
        """Return the entry in force, or None before the first."""
        return next((p for p in reversed(self.prices) if p.from_ <= day), None)


class Modifier(Dated, frozen=True, kw_only=True):
    """Factors for rows with one value in one dimension."""

    dimension: Dimension
    value: Text
    to: date | None = None
    """First UTC day on which it does not hold any more."""
    models: Literal["all"] | tuple[Text, ...]
    """Exact ids. A model that is missing here is not offered with this value."""
    unlisted: bool = False
    """It also holds for models that the list does not know and an override prices."""
    factors: PerTokenType
    absorbs: tuple[Text, ...] = ()
    """Values of other dimensions whose factors are not applied on top of this one."""
    not_with: tuple[Text, ...] = ()
    """Values of other dimensions that the provider does not combine with this one."""

    def covers(self, model: str | None, day: date) -> bool:
        """Tell whether it holds for a listed id (None: an unlisted model) on a day."""
        if self.models != "all" and not (self.unlisted if model is None else model in self.models):
            return False
        return self.from_ <= day and (self.to is None or day < self.to)


class UnpricedValue(_Entry, frozen=True, kw_only=True):
    """A documented value for which no price is published."""

    dimension: Dimension
    value: Text
    reason: Text
    source: Text
    verified_on: date


class WebSearchPrice(Dated, frozen=True, kw_only=True):
    """What one search costs; nothing ever multiplies it."""

    usd_per_search: Decimal

    def __post_init__(self) -> None:
        """Refuse what is not a price."""
        check_decimal("usd_per_search", self.usd_per_search)


class Catalogue(_Entry, frozen=True, kw_only=True):
    """The whole file. A packaged one has only list prices; one from a ledger may have more."""

    format: Literal[1]
    web_search: Annotated[tuple[WebSearchPrice, ...], Meta(min_length=1)]
    unpriced: tuple[UnpricedValue, ...] = ()
    modifiers: tuple[Modifier, ...] = ()
    models: Annotated[tuple[ModelEntry, ...], Meta(min_length=1)]
    overrides: tuple[Override, ...] = ()
    learned: tuple[Override, ...] = ()
    """What bills taught, in the form of overrides that give way to the user's own."""

    def verified_on(self) -> date:
        """Return the newest day on which any entry was checked against its source."""
        dated = [*self.web_search, *self.modifiers, *(p for m in self.models for p in m.prices)]
        return max(entry.verified_on for entry in dated)


def read_catalogue(text: str) -> Catalogue:
    """Return the typed content of a price document, YAML or JSON."""
    decode = msgspec.json.decode if text.lstrip().startswith("{") else msgspec.yaml.decode
    try:
        return decode(text, type=Catalogue)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeEncodeError) as error:
        raise PriceError(f"the price document cannot be read: {error}") from error
