"""Counters of metered usage, and when they began (floor 0)."""

from __future__ import annotations

from claude_cost_exporter.catalogue.metric import C, Metric, counter, gauge

COUNTERS: tuple[Metric, ...] = (
    counter(
        "llm_cost_usd_total",
        (*C, "workspace_id", "model", "service_tier", "speed", "cost_type", "token_type"),
        "Estimated cost of metered usage in USD since counting began. cost_type is tokens or "
        "web_search. Polled, not read at scrape time.",
    ),
    counter(
        "llm_tokens_total",
        (*C, "workspace_id", "model", "service_tier", "speed", "token_type"),
        "Tokens used since counting began. The five token types do not overlap.",
    ),
    counter(
        "llm_server_tool_requests_total",
        (*C, "workspace_id", "model", "tool"),
        "Requests to tools that the provider runs, since counting began.",
    ),
    counter(
        "llm_api_key_cost_usd_total",
        (*C, "workspace_id", "api_key_id", "model"),
        "The same estimated cost by API key. Do not add it to llm_cost_usd_total.",
    ),
    counter(
        "llm_cost_restated_usd_total",
        (*C, "direction"),
        "Corrections by the provider of hours that had been closed for more than an hour. "
        "direction is up or down.",
    ),
    counter(
        "llm_unpriced_tokens_total",
        (*C, "model", "service_tier", "token_type", "reason"),
        "Tokens without a price. Their cost is missing from every cost metric.",
    ),
    counter(
        "llm_price_ambiguous_tokens_total",
        (*C, "model", "token_type"),
        "Tokens priced at the lower of two bands, because the report does not say which applies.",
    ),
    counter(
        "llm_cache_read_savings_usd_total",
        (*C, "workspace_id", "model"),
        "What cache reads saved against plain input, in USD.",
    ),
    counter(
        "llm_cache_write_premium_usd_total",
        (*C, "workspace_id", "model"),
        "What cache writes cost above plain input, in USD.",
    ),
    counter(
        "llm_end_customer_billed_usd_total",
        (*C, "end_customer"),
        "Billed cost in USD by end customer (user profile), from the first whole day after the "
        "first poll on. It moves once a day, when the provider's bill does.",
    ),
    gauge(
        "llm_counting_since_timestamp_seconds",
        C,
        "When the counters of the account began to count.",
    ),
)
