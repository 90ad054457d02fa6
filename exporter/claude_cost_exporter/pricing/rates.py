"""The rates of one combination of dimensions on one day, in integer nano-USD (floor 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from claude_cost_exporter.records import Tokens

TOKENS_PER_RATE = 1_000_000
"""Rates are per million tokens."""


class Cost(NamedTuple):
    """Cost of one row in nano-USD. `by_type` follows `TokenType`; None: there is no price."""

    by_type: tuple[int, int, int, int, int] | None
    web_search: int
    cache_savings: int = 0
    """What the cache reads saved against plain input."""
    cache_premium: int = 0
    """What the cache writes cost above plain input."""

    @property
    def total(self) -> int:
        """Return everything that has a price."""
        return sum(self.by_type or ()) + self.web_search


class Rates(NamedTuple):
    """Nano-USD per million tokens by `TokenType`, and per web search.

    `per_million` is None when there is no price, and `reason` then says why (unknown_model,
    priority_tier, flex_tier, ...). `origin` is override, learned or list. `ambiguous` marks a
    rate that is the lower of two bands.
    """

    per_million: tuple[int, int, int, int, int] | None
    per_web_search: int
    origin: str = "list"
    reason: str = ""
    ambiguous: bool = False

    def cost(self, tokens: Tokens, web_searches: int = 0) -> Cost:
        """Return what `tokens` and `web_searches` cost at these rates."""
        searches = web_searches * self.per_web_search
        if self.per_million is None:
            return Cost(None, searches)
        rates = self.per_million
        plain = rates[0]
        _, _, read, write_5m, write_1h = tokens
        premium = write_5m * (rates[3] - plain) + write_1h * (rates[4] - plain)
        i, o, r, w5, w1 = map(_nano, tokens, rates)
        return Cost((i, o, r, w5, w1), searches, _nano(read, plain - rates[2]), _nano(premium, 1))


def _nano(tokens: int, rate: int) -> int:
    """Return tokens x rate per million, rounded half to even."""
    quotient, remainder = divmod(tokens * rate, TOKENS_PER_RATE)
    twice = 2 * remainder
    if twice > TOKENS_PER_RATE or (twice == TOKENS_PER_RATE and quotient % 2):
        return quotient + 1
    return quotient
