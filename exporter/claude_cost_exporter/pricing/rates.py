"""The rates of one combination of dimensions on one day, in integer nano-USD (floor 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from claude_cost_exporter.records import Tokens

TOKENS_PER_RATE = 1_000_000
"""Rates are per million tokens."""

PerMillion = tuple[int | None, int | None, int | None, int | None, int | None]
"""Nano-USD per million tokens by `TokenType`; None: that type has no price."""


class Cost(NamedTuple):
    """Cost of one row in nano-USD. `by_type` follows `TokenType`; None: there is no price.

    A type that has no price while others have one is 0 here: `Rates` tells the two apart.
    """

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
    priority_tier, flex_tier, ...). Rates that are learned from a bill may lack the types that
    were never billed; `reason` is then theirs. `origin` is override, learned or list. `ambiguous`
    marks a rate that is the lower of two bands.
    """

    per_million: PerMillion | None
    per_web_search: int
    origin: str = "list"
    reason: str = ""
    ambiguous: bool = False

    def cost(self, tokens: Tokens, web_searches: int = 0) -> Cost:
        """Return what `tokens` and `web_searches` cost at these rates."""
        searches = web_searches * self.per_web_search
        if self.per_million is None:
            return Cost(None, searches)
        i, o, r, w5, w1 = (
            _nano(count, rate or 0) for count, rate in zip(tokens, self.per_million, strict=True)
        )
        plain, _, read, write_5m, write_1h = self.per_million
        _, _, reads, writes_5m, writes_1h = tokens
        premium = writes_5m * _above(plain, write_5m) + writes_1h * _above(plain, write_1h)
        savings = _nano(reads, _above(read, plain))
        return Cost((i, o, r, w5, w1), searches, savings, _nano(premium, 1))


def _above(low: int | None, high: int | None) -> int:
    """Return by how much one rate is above another; nothing where one of them is missing."""
    return 0 if low is None or high is None else high - low


def _nano(tokens: int, rate: int) -> int:
    """Return tokens x rate per million, rounded half to even."""
    quotient, remainder = divmod(tokens * rate, TOKENS_PER_RATE)
    twice = 2 * remainder
    if twice > TOKENS_PER_RATE or (twice == TOKENS_PER_RATE and quotient % 2):
        return quotient + 1
    return quotient
