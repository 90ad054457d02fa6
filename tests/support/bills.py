"""An organisation's days: usage by hand, and the bill that belongs to it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from claude_cost_exporter.pricing.evidence import DayUsage, Evidence
from claude_cost_exporter.records import BillDimensions, BillRecord, Dimensions, Tokens, TokenType

DAY = timedelta(days=1)
FIRST = date(2026, 11, 2)
NOW = datetime(2026, 11, 12, 15, tzinfo=UTC)
"""By then 2 to 9 November have settled; 10 and 11 are billed, but may still change."""

CARD = {
    "claude-opus-5": ("5", "25", "0.5", "6.25", "10"),
    "claude-haiku-4-5-20251001": ("1", "5", "0.1", "1.25", "2"),
    "claude-sonnet-5-5": ("2", "10", "0.1", "2.5", "4"),
    "claude-fable-5-1": ("10", "50", "0.25", "12.5", "20"),
    "claude-nova-1": ("7", "34", "0.28", "8.6", "13.8"),
}
"""USD per million tokens, copied from the provider's page; nobody lists Nova."""
COUNTS = Tokens(41_000_003, 9_500_001, 160_000_007, 12_000_019, 3_100_001)
MODELS = ("claude-opus-5", "claude-haiku-4-5-20251001", "claude-sonnet-5-5")
FACTORS = {"batch": Decimal("0.5"), "us": Decimal("1.1"), "fast": Decimal(2)}


def on(model, tier="standard", geo="global", speed="standard", window="0-200k"):
    return Dimensions(model, tier, window, geo, speed)


OPUS, HAIKU, SONNET = (on(model) for model in MODELS)
NOVA = on("claude-nova-1")
ORDINARY = [
    *(on(model, geo="not_available" if "4-5" in model else "global") for model in MODELS),
    on("claude-opus-5", tier="batch"),
    on("claude-opus-5", geo="us"),
    on("claude-opus-5", speed="fast"),
]
"""Three models, one of them also in batches, in the United States and in fast mode."""


def days(count=10, first=FIRST):
    return [first + DAY * index for index in range(count)]


def cost(dimensions, counts=COUNTS):
    """Return exact nano-USD by token type at the card's rates."""
    factor = Decimal(1)
    for value in (dimensions.service_tier, dimensions.inference_geo, dimensions.speed):
        factor *= FACTORS.get(value, 1)
    rates = (Decimal(rate) for rate in CARD[dimensions.model])
    return [count * rate * factor * 1000 for count, rate in zip(counts, rates, strict=True)]


def legacy(dimensions, token_type):
    """Return what the cost report tells: no speed."""
    return BillDimensions(
        dimensions.model,
        "tokens",
        token_type,
        dimensions.service_tier,
        dimensions.context_window,
        dimensions.inference_geo,
        workspace_id="wrkspc_a",
    )


def analytics(dimensions, token_type):
    """Return what analytics tells: everything, and null for the geography of older models."""
    geo = dimensions.inference_geo
    return legacy(dimensions, token_type)._replace(
        inference_geo="" if geo == "not_available" else geo,
        speed=dimensions.speed,
        workspace_id="",
    )


def charge(day, dimensions, factor=1, counts=COUNTS, quantum=10, told=legacy):
    """Return a day's lines for one combination, rounded as bills are.

    `factor` multiplies the list price: a number, or one for each token type.
    """
    factors = [factor] * len(TokenType) if isinstance(factor, (int, str)) else factor
    lines = zip(TokenType, cost(dimensions, counts), factors, strict=True)
    return [
        BillRecord(
            f"bill/{told.__name__}",
            day,
            told(dimensions, token_type),
            round(amount * Decimal(part) / quantum) * quantum,
            round(amount) if told is analytics else None,
        )
        for token_type, amount, part in lines
        if amount
    ]


def month(combinations, when=None, **terms):
    """Return days in which every combination is used alike and billed on the same terms."""
    when = when or days()
    usage = [DayUsage(day, dimensions, COUNTS) for day in when for dimensions in combinations]
    bill = [
        line for day in when for dimensions in combinations
        for line in charge(day, dimensions, **terms)
    ]  # fmt: skip
    return Evidence(usage, bill)


def joined(*parts):
    return Evidence(
        [use for part in parts for use in part.usage],
        [line for part in parts for line in part.bill],
    )
