"""The provider's own caps on an organisation, as data: money by period, rates by model group."""

from __future__ import annotations

from dataclasses import dataclass

_CREATED = "2026-05-11T10:02:44Z"


@dataclass(frozen=True, slots=True)
class SpendLimit:
    """A cap on spend; whole cents, None: no amount is set."""

    id: str
    scope: str
    cents: int | None
    workspace: str | None = None
    """Handle of the workspace of a `workspace` limit."""
    period: str = "monthly"
    is_enabled: bool = True
    created_at: str = _CREATED
    updated_at: str = _CREATED


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The caps of one group of models, or of one kind of request."""

    id: str
    kind: str
    display_name: str
    models: tuple[str, ...] | None
    limits: tuple[tuple[str, int], ...]


ACME_SPEND_LIMITS = (
    SpendLimit("spl_01TierScale8HnQw3RtYx", "usage_tier", 20_000_000),
    SpendLimit("spl_01OrgMonth5KvBz7LmPc", "organization", 1_500_000),
    SpendLimit("spl_01OrgDay2FgXs9WdJr", "organization", None, period="daily", is_enabled=False),
    SpendLimit("spl_01WsProd6TqNv4HbUk", "workspace", 1_000_000, "production"),
    SpendLimit("spl_01WsRsch1YcMe8ZaGf", "workspace", 250_000, "research"),
)
ACME_RATE_LIMITS = (
    RateLimit(
        "rl_01OpusCurrent",
        "model_group",
        "Claude Opus 5.5",
        ("claude-opus-5-5",),
        (
            ("requests_per_minute", 4_000),
            ("input_tokens_per_minute_cache_aware", 10_000_000),
            ("output_tokens_per_minute", 800_000),
            ("fast_itpmca", 2_000_000),
            ("fast_otpm", 160_000),
        ),
    ),
    RateLimit(
        "rl_01SonnetCurrent",
        "model_group",
        "Claude Sonnet 5.x",
        ("claude-sonnet-5", "claude-sonnet-5-5"),
        (
            ("requests_per_minute", 4_000),
            ("input_tokens_per_minute", 10_000_000),
            ("output_tokens_per_minute", 800_000),
            ("tokens_per_day", 40_000_000_000),
        ),
    ),
    RateLimit(
        "rl_01HaikuCurrent",
        "model_group",
        "Claude Haiku 4.5",
        ("claude-haiku-4-5", "claude-haiku-4-5-20251001"),
        (("requests_per_minute", 8_000), ("output_tokens_per_minute", 1_600_000)),
    ),
    RateLimit(
        "rl_01Batch",
        "batch",
        "Message Batches",
        None,
        (("enqueued_batch_requests", 500_000),),
    ),
)
ACME_OVERRIDES = {
    "research": (
        RateLimit(
            "rl_01OpusResearch",
            "model_group",
            "Claude Opus 5.5",
            ("claude-opus-5-5",),
            (("requests_per_minute", 500), ("output_tokens_per_minute", 100_000)),
        ),
    ),
}
"""Lower limits of single workspaces, by handle."""
