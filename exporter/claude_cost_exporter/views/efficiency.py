"""What caching brings, and what another model would cost: formulas, no samples (floor 3).

Rows are sums of tokens with the rates that they have. Ratios do not depend on how rows that share
their rates are summed up. No rate is derived from another one: caches have prices of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from claude_cost_exporter.pricing.rates import Rates
    from claude_cost_exporter.records import Dimensions, Tokens
    from claude_cost_exporter.snapshot import Used


class Priced(NamedTuple):
    """Tokens and their rates."""

    tokens: Tokens
    rates: Rates


def cache_hit_ratio(rows: Iterable[Tokens]) -> float | None:
    """Return the share of prompt tokens that were read from a cache, None without a prompt."""
    read = prompt = 0
    for tokens in rows:
        read += tokens.cache_read
        prompt += tokens.total - tokens.output
    return read / prompt if prompt else None


def break_even_reads(rows: Iterable[Priced]) -> float | None:
    """Return how often a token in a cache must be read until writing it there has paid off.

    Writes of 5 minutes and of an hour count as they were mixed. None where nothing was written,
    where a rate is missing, or where reading from a cache is no cheaper than plain input.
    """
    premium = saving = 0
    for tokens, rates in rows:
        written = tokens.cache_write_5m + tokens.cache_write_1h
        if not written:
            continue
        plain, _, read, write_5m, write_1h = rates.per_million or (None,) * 5
        if plain is None or read is None or write_5m is None or write_1h is None:
            return None
        premium += tokens.cache_write_5m * (write_5m - plain)
        premium += tokens.cache_write_1h * (write_1h - plain)
        saving += written * (plain - read)
    return premium / saving if saving > 0 else None


def cost_on(
    model: str, usage: Iterable[Used], rates_of: Callable[[Dimensions], Rates]
) -> int | None:
    """Return the nano-USD that the same tokens would have cost on another model.

    Tier, geography and context stay as they were, and so does fast mode where the model has it.
    None where the model has no price for some of it: a part would look like a saving.
    """
    total = 0
    for _, dimensions, tokens, web_searches in usage:
        on_model = dimensions._replace(model=model)
        for rates in map(rates_of, (on_model, on_model._replace(speed="standard"))):
            if _covers(rates, tokens):
                total += rates.cost(tokens, web_searches).total
                break
        else:
            return None
    return total


def _covers(rates: Rates, tokens: Tokens) -> bool:
    known = rates.per_million or (None,) * len(tokens)
    return all(not count or rate is not None for count, rate in zip(tokens, known, strict=True))
