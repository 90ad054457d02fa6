"""Exact rates of one row: list price x modifiers, with the user's overrides (floor 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.pricing.exact import ONES, Five, Some
from claude_cost_exporter.pricing.windows import is_above
from claude_cost_exporter.records import TokenType

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from decimal import Decimal

    from claude_cost_exporter.pricing.entries import ModelEntry
    from claude_cost_exporter.pricing.modify import Factors
    from claude_cost_exporter.pricing.overrides import Override


class Quote(NamedTuple):
    """Exact USD per million tokens by `TokenType`, and per web search.

    `rates` is None when there is no price, and `reason` then says why. Learned rates may lack
    single types: `reason` is then theirs.
    """

    rates: Some | None
    per_web_search: Decimal
    origin: str = "list"
    reason: str = ""
    ambiguous: bool = False


class Base(NamedTuple):
    """The list price before any modifier, or the reason for having none."""

    rates: Five | None
    reason: str = ""
    ambiguous: tuple[bool, ...] = (False,) * len(TokenType)
    """By token type: the lower of two bands, for want of the prompt's length."""


def base_price(
    entry: ModelEntry | None, day: date, context_window: str, prompt_tokens: int | None
) -> Base:
    """Return what the list says about a model on a day.

    Usage from before the first price of a known model is left without one. Such a row is early
    access under a private contract, or a wrong date; a list price that did not exist yet would be
    a guess that nobody sees, while unpriced tokens are counted and shown.
    """
    if entry is None:
        return Base(None, "unknown_model")
    price = entry.price_on(day)
    if price is None:
        return Base(None, "before_first_price")
    if price.rates is None:
        return Base(None, price.unpriced)
    lower = price.rates.five
    for band in price.bands:
        above = is_above(band.above_prompt_tokens, context_window, prompt_tokens)
        if above is None:
            upper = band.rates.five
            return Base(lower, ambiguous=tuple(a != b for a, b in zip(lower, upper, strict=True)))
        if above:
            lower = band.rates.five
    return Base(lower)


def assemble(
    base: Base,
    factors: Factors,
    overrides: Sequence[Override | None],
    learned: Sequence[Override | None],
    per_web_search: Decimal,
) -> Quote:
    """Return the quote from the deciding entries per token type. Call in `exactly()`."""
    deciding = [own or taught for own, taught in zip(overrides, learned, strict=True)]
    if factors.rest is None:
        # A model with rates of its own is not unknown any more: then the rest is to blame.
        own = all(o is not None and o.usd_per_million is not None for o in deciding)
        reason = "" if own else factors.tier_reason or base.reason
        return Quote(None, per_web_search, reason=reason or factors.rest_reason)
    rest = factors.rest
    a, b, c, d, e = rates = [_rate(i, base, factors, rest, o) for i, o in enumerate(deciding)]
    overridden = any(o is not None for o in overrides)
    reason = ""
    if None in rates:
        reason = factors.tier_reason or base.reason
        if rates.count(None) == len(rates):
            return Quote(None, per_web_search, reason=reason)
        if overridden:
            return Quote(None, per_web_search, reason="override_incomplete")
    unsure = any(
        unsure and (o is None or o.factor is not None)
        for unsure, o in zip(base.ambiguous, deciding, strict=True)
    )
    taught = any(o is not None for o in deciding)
    origin = "override" if overridden else "learned" if taught else "list"
    return Quote((a, b, c, d, e), per_web_search, origin, reason, factors.ambiguous or unsure)


def _rate(
    index: int, base: Base, factors: Factors, rest: Five, override: Override | None
) -> Decimal | None:
    """Return one token type's rate, or None when nothing gives one."""
    tier = factors.tier
    if override is not None and override.usd_per_million is not None:
        # An override that names its tier states that tier's own rate.
        tier = ONES if override.service_tier is not None else tier
        return override.usd_per_million * tier[index] * rest[index] if tier else None
    if base.rates is None or tier is None:
        return None
    rate = base.rates[index] * tier[index] * rest[index]
    return rate if override is None or override.factor is None else rate * override.factor
