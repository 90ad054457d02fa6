"""Every metric family, as data (floor 0). Names and meanings are the contract with users.

A new metric is one row here and one view function. `C` is the pair of labels that says whose
money it is; ids are on counters and gauges, names are on the `_info` series.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

C = ("provider", "account")
OTHER = "other"
"""Every label value of the series that collects what is beyond a family's cap."""


class Kind(StrEnum):
    """The Prometheus type of a family."""

    COUNTER = "counter"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class Metric:
    """One family: name as it is exposed, type, labels in order, HELP without newlines."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str


def _counter(name: str, labels: tuple[str, ...], text: str) -> Metric:
    return Metric(name, Kind.COUNTER, labels, text)


def _gauge(name: str, labels: tuple[str, ...], text: str) -> Metric:
    return Metric(name, Kind.GAUGE, labels, text)


CATALOGUE: tuple[Metric, ...] = (
    _counter(
        "llm_cost_usd_total",
        (*C, "workspace_id", "model", "service_tier", "speed", "cost_type", "token_type"),
        "Estimated cost of metered usage in USD since counting began. cost_type is tokens or "
        "web_search. Polled, not read at scrape time.",
    ),
    _counter(
        "llm_tokens_total",
        (*C, "workspace_id", "model", "service_tier", "speed", "token_type"),
        "Tokens used since counting began. The five token types do not overlap.",
    ),
    _counter(
        "llm_server_tool_requests_total",
        (*C, "workspace_id", "model", "tool"),
        "Requests to tools that the provider runs, since counting began.",
    ),
    _counter(
        "llm_api_key_cost_usd_total",
        (*C, "workspace_id", "api_key_id", "model"),
        "The same estimated cost by API key. Do not add it to llm_cost_usd_total.",
    ),
    _counter(
        "llm_cost_restated_usd_total",
        (*C, "direction"),
        "Corrections by the provider of hours that had been closed for more than an hour. "
        "direction is up or down.",
    ),
    _counter(
        "llm_unpriced_tokens_total",
        (*C, "model", "service_tier", "token_type", "reason"),
        "Tokens without a price. Their cost is missing from every cost metric.",
    ),
    _counter(
        "llm_price_ambiguous_tokens_total",
        (*C, "model", "token_type"),
        "Tokens priced at the lower of two bands, because the report does not say which applies.",
    ),
    _counter(
        "llm_cache_read_savings_usd_total",
        (*C, "workspace_id", "model"),
        "What cache reads saved against plain input, in USD.",
    ),
    _counter(
        "llm_cache_write_premium_usd_total",
        (*C, "workspace_id", "model"),
        "What cache writes cost above plain input, in USD.",
    ),
    _counter(
        "llm_end_customer_billed_usd_total",
        (*C, "end_customer"),
        "Billed cost in USD by end customer (user profile), from the first whole day after the "
        "first poll on. It moves once a day, when the provider's bill does.",
    ),
    _gauge(
        "llm_counting_since_timestamp_seconds",
        C,
        "When the counters of the account began to count.",
    ),
    _gauge(
        "llm_spend_usd",
        (*C, "kind", "window"),
        "Best known spend in USD of a calendar window in the configured time zone. kind is "
        "metered, absent until every hour of the window has been read, or subscription: the "
        "configured fees, spread over the days that they pay for.",
    ),
    _gauge(
        "llm_subscription_usd_per_month",
        (*C, "plan"),
        "Configured fixed fees in USD for a whole month, of plans that are paid today. account is "
        "none where the configuration names none.",
    ),
    _gauge(
        "llm_model_spend_usd",
        (*C, "model", "window"),
        "Metered spend in USD by model. Same windows as llm_spend_usd.",
    ),
    _gauge(
        "llm_workspace_spend_usd",
        (*C, "workspace_id", "window"),
        "Metered spend in USD by workspace. Same windows as llm_spend_usd.",
    ),
    _gauge(
        "llm_api_key_spend_usd",
        (*C, "api_key_id", "window"),
        "Metered spend in USD by API key. Same windows as llm_spend_usd.",
    ),
    _gauge(
        "llm_token_type_spend_usd",
        (*C, "token_type", "window"),
        "Metered spend in USD by token type; none is spend without tokens, such as web search.",
    ),
    _gauge(
        "llm_billed_spend_usd",
        (*C, "cost_type", "window"),
        "What the provider charges in USD, over UTC days whose bill is in force. "
        "cost_type is tokens, web_search, code_execution or session_usage.",
    ),
    _gauge(
        "llm_estimated_spend_usd",
        (*C, "cost_type", "window"),
        "What was estimated in USD from tokens for the same UTC days as llm_billed_spend_usd.",
    ),
    _gauge(
        "llm_billed_to_estimated_ratio",
        (*C, "model", "token_type"),
        "Billed divided by estimated over the last 7 billed days. 1 is the estimate's own price: "
        "the list price unless another one was set or learned.",
    ),
    _gauge(
        "llm_unattributed_spend_usd",
        (*C, "window"),
        "Organisation total minus what workspaces and keys explain, in USD, over hours closed "
        "for more than an hour. May be negative.",
    ),
    _gauge(
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
    _gauge(
        "llm_price_catalogue_verified_timestamp_seconds",
        (),
        "The newest day on which a packaged price was checked against its source.",
    ),
    _gauge(
        "llm_provider_spend_limit_usd",
        (*C, "scope_type", "scope", "period"),
        "The provider's own cap on spend in USD a period, as far as the key may read it. "
        "scope_type is account, workspace or usage_tier (what the provider grants at most); "
        "scope is the id, or the account's name. Select one scope_type.",
    ),
    _gauge(
        "llm_provider_rate_limit",
        (*C, "workspace_id", "models", "limiter"),
        "The provider's own cap on a rate, in what limiter says. An empty workspace_id is the "
        "whole organisation, others are lower caps of single workspaces. models share the cap; "
        "where there are none it is a kind of requests, such as batch.",
    ),
    _gauge(
        "llm_claude_code_user_cost_usd",
        (*C, "user", "customer_type", "window"),
        "What Claude Code cost in USD by its own estimate, by user. Do not add it to any other "
        "cost: what customer_type api used is part of llm_cost_usd_total, what subscription used "
        "is not billed by the token. window is today, yesterday or month_to_date in UTC, absent "
        "until each of its days was read. user is a hash unless names may be shown.",
    ),
    _gauge(
        "llm_claude_code_model_cost_usd",
        (*C, "model", "customer_type", "window"),
        "The same estimate by model. Do not add it to any other cost.",
    ),
    _gauge(
        "llm_claude_code_model_tokens",
        (*C, "model", "customer_type", "token_type", "window"),
        "Tokens of Claude Code, part of llm_tokens_total for customer_type api. token_type is "
        "input, output, cache_read or cache_write, of which no lifetime is known.",
    ),
    _gauge(
        "llm_claude_code_sessions",
        (*C, "user", "window"),
        "Sessions of Claude Code.",
    ),
    _gauge(
        "llm_claude_code_lines",
        (*C, "user", "change", "window"),
        "Lines of code that Claude Code changed. change is added or removed.",
    ),
    _gauge(
        "llm_claude_code_commits",
        (*C, "user", "window"),
        "Commits that Claude Code made.",
    ),
    _gauge(
        "llm_claude_code_pull_requests",
        (*C, "user", "window"),
        "Pull requests that Claude Code made.",
    ),
    _gauge(
        "llm_claude_code_edits",
        (*C, "user", "decision", "window"),
        "Edits that Claude Code proposed. decision is accepted or rejected.",
    ),
    _gauge(
        "llm_workspace_info",
        (*C, "workspace_id", "workspace_name", "status", "team"),
        "Names of workspaces, for joins. Always 1.",
    ),
    _gauge(
        "llm_api_key_info",
        (*C, "api_key_id", "api_key_name", "workspace_id", "status", "team"),
        "Names of API keys, for joins. Always 1.",
    ),
    _gauge(
        "llm_model_first_seen_timestamp_seconds",
        (*C, "model"),
        "The first hour in which the model was used, once the history is loaded.",
    ),
    _gauge(
        "llm_source_up",
        (*C, "source"),
        "1 when the last poll of the source succeeded.",
    ),
    _gauge(
        "llm_source_last_success_timestamp_seconds",
        (*C, "source"),
        "When the source was last polled with success.",
    ),
    _gauge(
        "llm_source_data_watermark_timestamp_seconds",
        (*C, "source"),
        "The time up to which all buckets, empty ones included, have been read.",
    ),
    _gauge(
        "llm_source_history_start_timestamp_seconds",
        (*C, "source"),
        "The time back to which the ledger has no hole.",
    ),
    _gauge(
        "llm_source_catching_up",
        (*C, "source"),
        "1 from a long gap between good polls until one hour after the next good poll. "
        "increase() of that stretch holds the spend of the gap.",
    ),
    _gauge(
        "llm_source_api_info",
        (*C, "source", "api"),
        "Which generation of the provider's API the source reads: legacy or analytics. Always 1.",
    ),
    _gauge(
        "llm_ledger_state_lost",
        (),
        "1 for 24 hours after a ledger was moved aside and the counters began anew.",
    ),
)

BY_NAME: dict[str, Metric] = {metric.name: metric for metric in CATALOGUE}
