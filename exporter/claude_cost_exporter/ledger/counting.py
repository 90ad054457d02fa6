"""Which counters and sums one changed row moves: pure functions (floor 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.records import ATTRIBUTION, NONE, PROBE, TokenType, model_label
from claude_cost_exporter.snapshot import LINE, Line

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from claude_cost_exporter.ledger.base import Progress
    from claude_cost_exporter.pricing.rates import Cost, Rates
    from claude_cost_exporter.records import Dimensions, Tokens


class RowChange(NamedTuple):
    """The difference that a batch makes to one row: after minus before."""

    role: str
    dimensions: Dimensions
    hour: int
    """Epoch seconds of the bucket start."""
    rates: Rates
    tokens: Tokens
    web_searches: int
    cost: Cost


SETTLED = 3600
"""Seconds after which a closed bucket's change counts as a restatement."""


def restated(changes: Sequence[RowChange], before: Progress) -> tuple[int, int]:
    """Return how much, up and down, settled hours that had been read before have changed."""
    if before.watermark is None or before.history_start is None:
        return 0, 0
    newest = int(before.watermark.timestamp()) - SETTLED - 3600
    oldest = int(before.history_start.timestamp())
    amounts = [
        change.cost.total
        for change in changes
        if change.role == ATTRIBUTION and oldest <= change.hour <= newest
    ]
    return sum(a for a in amounts if a > 0), -sum(a for a in amounts if a < 0)


Increment = tuple[str, tuple[str, ...], int]
"""Family, label values without provider and account, and the amount (nano-USD or a count)."""


def increments(change: RowChange) -> Iterator[Increment]:
    """Yield what a changed row adds to counters; only attribution rows feed them."""
    if change.role != ATTRIBUTION:
        return
    dim = change.dimensions
    model = model_label(dim.model)
    where = (dim.workspace_id, model, dim.service_tier, dim.speed)
    if change.web_searches:
        tool = (dim.workspace_id, model, "web_search")
        yield "llm_server_tool_requests_total", tool, change.web_searches
        searches = (*where, "web_search", NONE)
        yield "llm_cost_usd_total", searches, change.cost.web_search
    for token_type, amount in _nonzero(change.tokens):
        yield "llm_tokens_total", (*where, token_type), amount
    yield from _priced(change, model, where)
    yield from _unpriced(change, model)
    if change.cost.total:
        key = (dim.workspace_id, dim.api_key_id, model)
        yield "llm_api_key_cost_usd_total", key, change.cost.total


def alike(change: RowChange) -> Hashable:
    """Return what decides which label sets a change moves: equal for changes that move the same."""
    cost = change.cost
    amounts = (*change.tokens, change.web_searches, cost.total, *(cost.by_type or ()), *cost[1:])
    return change.role, change.dimensions, change.rates, tuple(map(bool, amounts))


def _priced(change: RowChange, model: str, where: tuple[str, ...]) -> Iterator[Increment]:
    for token_type, amount in zip(TokenType, change.cost.by_type or (), strict=False):
        if amount:
            yield "llm_cost_usd_total", (*where, "tokens", token_type), amount
    workspace = (change.dimensions.workspace_id, model)
    if change.cost.cache_savings:
        yield "llm_cache_read_savings_usd_total", workspace, change.cost.cache_savings
    if change.cost.cache_premium:
        yield "llm_cache_write_premium_usd_total", workspace, change.cost.cache_premium
    if change.rates.ambiguous:
        for token_type, amount in _nonzero(change.tokens):
            yield "llm_price_ambiguous_tokens_total", (model, token_type), amount


def _unpriced(change: RowChange, model: str) -> Iterator[Increment]:
    tier, reason = change.dimensions.service_tier, change.rates.reason
    rates = dict(zip(TokenType, change.rates.per_million or (), strict=False))
    for token_type, amount in _nonzero(change.tokens):
        if rates.get(token_type) is None:
            yield "llm_unpriced_tokens_total", (model, tier, token_type, reason), amount


def _nonzero(tokens: Tokens) -> Iterator[tuple[TokenType, int]]:
    return ((kind, count) for kind, count in zip(TokenType, tokens, strict=True) if count)


ScopeAmount = tuple[str, str, int, int]
"""Kind, member, nano-USD, tokens."""


def scope_amounts(change: RowChange) -> Iterator[ScopeAmount]:
    """Yield what a changed row adds to the sums by scope.

    The probe knows the exact total, so it feeds total, model and token type; the attribution
    queries know who, so they feed workspace and key.
    """
    dim, cost, count = change.dimensions, change.cost.total, sum(change.tokens)
    if change.role == ATTRIBUTION:
        yield "attributed", "all", cost, count
        yield "workspace", dim.workspace_id, cost, count
        yield "api_key", dim.api_key_id, cost, count
    elif change.role == PROBE:
        yield "all", "all", cost, count
        yield "model", model_label(dim.model), cost, count
        yield from _lines(change)


def _lines(change: RowChange) -> Iterator[ScopeAmount]:
    """Yield token types, and the lines that a bill would have for this usage."""
    model = model_label(change.dimensions.model)
    by_type = change.cost.by_type or (0,) * len(TokenType)
    for kind, amount, tokens in zip(TokenType, by_type, change.tokens, strict=True):
        if amount or tokens:
            yield "token_type", kind, amount, tokens
            yield LINE, Line(model, "tokens", kind).member, amount, tokens
    if change.cost.web_search:
        yield "token_type", NONE, change.cost.web_search, 0
        yield LINE, Line(NONE, "web_search", NONE).member, change.cost.web_search, 0
