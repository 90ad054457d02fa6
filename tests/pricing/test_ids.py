"""Ids of other platforms, reduced to the ones of the price list."""

from __future__ import annotations

import pytest

from claude_cost_exporter.pricing.ids import plain_id
from claude_cost_exporter.records import model_label

RAW = [
    ("claude-opus-4-8", "claude-opus-4-8"),
    ("claude-opus-4-8[1m]", "claude-opus-4-8"),
    ("claude-opus-4-5-20251101", "claude-opus-4-5-20251101"),
    ("anthropic.claude-opus-4-5-20251101-v1:0", "claude-opus-4-5-20251101"),
    ("us.anthropic.claude-sonnet-4-20250514-v1:0", "claude-sonnet-4-20250514"),
    ("global.anthropic.claude-opus-4-6-v1", "claude-opus-4-6"),
    ("anthropic/claude-haiku-4-5", "claude-haiku-4-5"),
    ("claude-haiku-4-5@20251001", "claude-haiku-4-5"),
    ("claude-opus-4-6@default", "claude-opus-4-6"),
    ("claude-3-5-sonnet-v2@20241022", "claude-3-5-sonnet"),
    ("publishers/anthropic/models/claude-opus-5", "claude-opus-5"),
    ("[1m]", "[1m]"),
    ("", ""),
]


@pytest.mark.parametrize(("raw", "plain"), RAW)
def test_a_platforms_additions_are_removed(raw, plain):
    """Prefixes, `[1m]`, `@date` and `-v1:0` go; a date with a hyphen stays."""
    assert plain_id(raw) == plain


@pytest.mark.parametrize("raw", [raw for raw, _ in RAW])
def test_ids_and_labels_reduce_alike(raw):
    """The price list and the metric labels agree about what belongs to an id."""
    assert model_label(plain_id(raw)) == model_label(raw)
