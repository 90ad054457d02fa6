"""A user's own rates: contract prices and discounts, straight from the configuration (floor 1).

The last override in the list that matches decides; earlier ones are then not looked at. So put
the general ones first and the special ones last.

* `factor` multiplies the list rate with everything that belongs to it (batch, fast, geography,
  long context): 0.85 is a discount of 15 %.
* `usd_per_million` replaces the base rate. Batch, fast, geography and long context still multiply
  it, as they would multiply the list rate. One exception: an override that names a `service_tier`
  states the rate of that tier, so the tier's own factor is not applied again. That is also how
  Priority Tier or flex usage, which has no list price, gets one.
* A model that the list does not know (or does not price) is priced only when all five token types
  have a `usd_per_million`, here or learned from its bill; until then its cost is absent, with the
  reason `override_incomplete`.
* Web searches always cost the list price.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from claude_cost_exporter.errors import ContradictionError
from claude_cost_exporter.pricing.exact import wrong_decimal
from claude_cost_exporter.pricing.ids import plain_id
from claude_cost_exporter.records import TokenType, model_label

ServiceTier = Literal[
    "standard", "batch", "priority", "priority_on_demand", "flex", "flex_discount"
]
"""The tiers that the usage report documents."""
LARGEST_FACTOR = 10
"""More is a slip, such as 85 for 0.85."""


class Override(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One entry of `prices.overrides`. What is left out matches everything."""

    account: Annotated[
        str | None, Meta(description="An account of sources.", examples=["acme"])
    ] = None
    model: Annotated[
        str | None,
        Meta(
            description="An exact id, an alias of the price list, or a model label. Never a "
            "beginning of one.",
            examples=["claude-opus-5"],
        ),
    ] = None
    token_type: Annotated[
        TokenType | None, Meta(description="One kind of tokens.", examples=["output"])
    ] = None
    service_tier: Annotated[
        ServiceTier | None,
        Meta(
            description="One service tier. A usd_per_million beside it is the rate of that tier.",
            examples=["batch"],
        ),
    ] = None
    from_: Annotated[date | None, Meta(description="First UTC day.", examples=["2026-11-01"])] = (
        field(default=None, name="from")
    )
    to: Annotated[
        date | None,
        Meta(
            description="First UTC day on which it does not hold any more.",
            examples=["2027-11-01"],
        ),
    ] = None
    usd_per_million: Annotated[
        Decimal | None,
        Meta(
            description="Rate in USD per million tokens; it needs a model and a token_type. Batch, "
            "fast, geography and long context still multiply it.",
            examples=[18.5],
        ),
    ] = None
    factor: Annotated[
        Decimal | None,
        Meta(description="Multiplies the list rate: 0.85 is a discount of 15 %.", examples=[0.85]),
    ] = None

    def __post_init__(self) -> None:
        """Refuse an override that contradicts itself; msgspec adds the path to the sentence."""
        if found := list(self._contradictions()):
            raise ContradictionError(found)

    def _contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield sentences, each with the keys that it is about."""
        rate, factor = self.usd_per_million, self.factor
        if (rate is None) == (factor is None):
            has = "neither" if rate is None else f"usd_per_million: {rate} and factor: {factor}"
            yield (
                ("usd_per_million", "factor"),
                f"an override needs exactly one of usd_per_million and factor; this one has {has}",
            )
        if self.from_ and self.to and self.from_ >= self.to:
            sentence = (
                f"an override must end after it begins; from is {self.from_} and to, the first "
                f"day without it, is {self.to}"
            )
            yield ("from", "to"), sentence
        if factor is not None and (wrong := wrong_decimal("factor", factor)):
            yield ("factor",), wrong
        if rate is not None:
            yield from self._wrong_rate(rate)

    def _wrong_rate(self, rate: Decimal) -> Iterator[tuple[tuple[str, ...], str]]:
        """Refuse also a rate that would be the same for unlike things."""
        if wrong := wrong_decimal("usd_per_million", rate, zero=True):
            yield ("usd_per_million",), wrong
        needed = {"model": self.model, "token_type": self.token_type}
        if missing := [name for name, value in needed.items() if value is None]:
            sentence = (
                "usd_per_million needs a model and a token_type, because no two of them share a "
                f"rate; this override has no {' and no '.join(missing)}"
            )
            yield ("usd_per_million", *missing), sentence

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield what nobody means who writes it, though it contradicts nothing."""
        if self.factor is not None and self.factor > LARGEST_FACTOR:
            sentence = f"{self.factor} is more than {LARGEST_FACTOR}; 0.85 is a discount of 15 %"
            yield ("factor",), sentence

    def holds(self, account: str, service_tier: str, day: date) -> bool:
        """Tell whether account, tier and day match; the book compares the model."""
        return (
            self.account in (None, account)
            and self.service_tier in (None, service_tier)
            and (self.from_ is None or self.from_ <= day)
            and (self.to is None or day < self.to)
        )


def names_of(model: str) -> frozenset[str]:
    """Return every way in which an override may name a raw model id."""
    return frozenset({model, plain_id(model), model_label(model)})
