"""The label sets of 100,000 counter series, as a large organisation has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_cost_exporter.records import TokenType

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNT = 100_000
WORKSPACES, MODELS, KEYS = 1000, 8, 2500


def series() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield family and label values: cost and tokens by workspace and model, cost by key."""
    for workspace in range(WORKSPACES):
        for model in range(MODELS):
            where = ("anthropic", "acme", f"wrkspc_01{workspace:022d}", f"claude-opus-4-{model}")
            for token_type in TokenType:
                what = (*where, "standard", "standard")
                yield "llm_cost_usd_total", (*what, "tokens", str(token_type))
                yield "llm_tokens_total", (*what, str(token_type))
    for key in range(KEYS):
        for model in range(MODELS):
            who = (f"wrkspc_01{key % WORKSPACES:022d}", f"apikey_01{key:022d}")
            yield (
                "llm_api_key_cost_usd_total",
                ("anthropic", "acme", *who, f"claude-opus-4-{model}"),
            )
