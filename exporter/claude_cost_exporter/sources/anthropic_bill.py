"""What both of Anthropic's cost reports say alike (floor 2)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from claude_cost_exporter.records import TokenType, label_value

if TYPE_CHECKING:
    from claude_cost_exporter.sources.base import Notes

TOKEN_TYPES: dict[str | None, str] = {
    None: "",
    "uncached_input_tokens": TokenType.INPUT,
    "output_tokens": TokenType.OUTPUT,
    "cache_read_input_tokens": TokenType.CACHE_READ,
    "cache_creation.ephemeral_5m_input_tokens": TokenType.CACHE_WRITE_5M,
    "cache_creation.ephemeral_1h_input_tokens": TokenType.CACHE_WRITE_1H,
}
"""Kinds of tokens as the reports spell them; what is not about tokens has none."""


def token_type(name: str | None, notes: Notes) -> str:
    """Return our name of a kind of tokens; a kind that is new keeps its own, and its money."""
    known = TOKEN_TYPES.get(name)
    if known is not None:
        return known
    notes.add("token_type", f"the bill has tokens of a kind unknown to this version: {name}")
    return label(name)


def label(value: str | None, null: str = "") -> str:
    """Return a value as a label. Equal ones share memory: a bill repeats them in every row."""
    return sys.intern(label_value(value or null))
