"""The typed form of prices.yml, checked when it is read (floor 1)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import TYPE_CHECKING, TypeVar

import msgspec
import yaml

from claude_cost_exporter.errors import PriceError
from claude_cost_exporter.pricing.overrides import Override

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FiveRates = tuple[Decimal, Decimal, Decimal, Decimal, Decimal]
"""USD per million tokens in the order of TokenType."""

ALWAYS = date(1970, 1, 1)


class Dated(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something that holds from `since` until the day before `to`."""

    since: date = msgspec.field(default=ALWAYS, name="from")
    to: date | None = None

    def holds(self, day: date) -> bool:
        """Return whether it applies on a UTC day."""
        return self.since <= day and (self.to is None or day < self.to)


class Factor(Dated, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Multiplies every token rate."""

    factor: Decimal
    source: str = ""


class LongContext(Dated, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Multiplies all rates of requests above 200,000 prompt tokens; cache counts as input."""

    input: Decimal
    output: Decimal
    fast_until: date | None = None
    """From then on fast mode costs the same over the whole context window."""


class SearchPrice(Dated, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """USD of one web search; no factor applies to it."""

    usd: Decimal
    source: str = ""


class Price(Dated, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base rates; `rates_above` are those of requests with a prompt longer than `above`."""

    rates: FiveRates
    above: int | None = None
    rates_above: FiveRates | None = None


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One model under all its exact ids."""

    id: str
    source: str
    prices: list[Price]
    aliases: list[str] = []
    us: bool = False
    fast: list[Factor] = []
    long_context: list[LongContext] = []


class Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole price list, and the overrides that lie on top of it."""

    verified_on: date
    models: list[Model]
    batch: list[Factor]
    us_inference: list[Factor]
    web_search: list[SearchPrice]
    overrides: list[Override] = []


D = TypeVar("D", bound=Dated)


def in_force(entries: Sequence[D], day: date) -> D | None:
    """Return the last entry that holds on a day: a later one replaces an earlier one."""
    return next((entry for entry in reversed(entries) if entry.holds(day)), None)


def packaged_document() -> str:
    """Return prices.yml as it is in the package."""
    return (files("claude_cost_exporter.pricing") / "prices.yml").read_text(encoding="utf-8")


def read_catalogue(document: str) -> Catalogue:
    """Return a checked catalogue, or raise a PriceError that lists every problem."""
    try:
        catalogue = msgspec.convert(yaml.safe_load(document), Catalogue)
    except (msgspec.ValidationError, yaml.YAMLError) as error:
        raise PriceError(f"price catalogue: {error}") from error
    problems = list(_problems(catalogue))
    if problems:
        raise PriceError("price catalogue: " + "; ".join(problems))
    return catalogue


def _problems(catalogue: Catalogue) -> Iterator[str]:
    seen: dict[str, str] = {}
    for model in catalogue.models:
        for name in (model.id, *model.aliases):
            if name in seen:
                yield f"{name} is listed by {seen[name]} and by {model.id}"
            seen[name] = model.id
        starts = [price.since for price in model.prices]
        if starts != sorted(set(starts)):
            yield f"{model.id}: the dates of its prices are not in order: {starts}"
        for price in model.prices:
            if (price.above is None) != (price.rates_above is None):
                yield f"{model.id}: above and rates_above belong together"
            if any(rate < 0 for rate in (*price.rates, *(price.rates_above or ()))):
                yield f"{model.id}: a rate is negative"
