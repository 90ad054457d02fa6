"""What was spent and billed, at which prices and within which caps of the provider (floor 0)."""

from __future__ import annotations

from claude_cost_exporter.catalogue.metric import C, Metric, gauge

MONEY: tuple[Metric, ...] = (
    gauge(
        "llm_spend_usd",
        (*C, "kind", "window"),
        "Best known spend in USD of a calendar window in the configured time zone. kind is "
        "metered, absent until every hour of the window has been read, or subscription: the "
        "configured fees, spread over the days that they pay for.",
    ),
    gauge(
        "llm_model_spend_usd",
        (*C, "model", "window"),
        "Metered spend in USD by model. Same windows as llm_spend_usd.",
    ),
    gauge(
        "llm_workspace_spend_usd",
        (*C, "workspace_id", "window"),
        "Metered spend in USD by workspace. Same windows as llm_spend_usd.",
    ),
    gauge(
        "llm_api_key_spend_usd",
        (*C, "api_key_id", "window"),
        "Metered spend in USD by API key. Same windows as llm_spend_usd.",
    ),
    gauge(
        "llm_token_type_spend_usd",
        (*C, "token_type", "window"),
        "Metered spend in USD by token type; none is spend without tokens, such as web search.",
    ),
    gauge(
        "llm_billed_spend_usd",
        (*C, "cost_type", "window"),
        "What the provider charges in USD, over UTC days whose bill is in force. "
        "cost_type is tokens, web_search, code_execution or session_usage.",
    ),
    gauge(
        "llm_estimated_spend_usd",
        (*C, "cost_type", "window"),
        "What was estimated in USD from tokens for the same UTC days as llm_billed_spend_usd.",
    ),
    gauge(
        "llm_billed_to_estimated_ratio",
        (*C, "model", "token_type"),
        "Billed divided by estimated over the last 7 billed days. 1 is the estimate's own price: "
        "the list price unless another one was set or learned.",
    ),
    gauge(
        "llm_unattributed_spend_usd",
        (*C, "window"),
        "Organisation total minus what workspaces and keys explain, in USD, over hours closed "
        "for more than an hour. May be negative.",
    ),
    gauge(
        "llm_price_usd_per_million_tokens",
        (
            *C,
            "model",
            "service_tier",
            "speed",
            "inference_geo",
            "context_window",
            "token_type",
            "origin",
        ),
        "The rate in force now in USD per million tokens, for combinations in use. "
        "origin is override, learned or list.",
    ),
    gauge(
        "llm_price_catalogue_verified_timestamp_seconds",
        (),
        "The newest day on which a packaged price was checked against its source.",
    ),
    gauge(
        "llm_provider_spend_limit_usd",
        (*C, "scope_type", "scope", "period"),
        "The provider's own cap on spend in USD a period, as far as the key may read it. "
        "scope_type is account, workspace or usage_tier (what the provider grants at most); "
        "scope is the id, or the account's name. Select one scope_type.",
    ),
    gauge(
        "llm_provider_rate_limit",
        (*C, "workspace_id", "models", "limiter"),
        "The provider's own cap on a rate, in what limiter says. An empty workspace_id is the "
        "whole organisation, others are lower caps of single workspaces. models share the cap; "
        "where there are none it is a kind of requests, such as batch.",
    ),
)
