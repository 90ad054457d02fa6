"""Names for joins, and how fresh and whole the data are (floor 0)."""

from __future__ import annotations

from claude_cost_exporter.catalogue.metric import C, Metric, gauge

HEALTH: tuple[Metric, ...] = (
    gauge(
        "llm_workspace_info",
        (*C, "workspace_id", "workspace_name", "status", "team"),
        "Names of workspaces, for joins. Always 1.",
    ),
    gauge(
        "llm_api_key_info",
        (*C, "api_key_id", "api_key_name", "workspace_id", "status", "team"),
        "Names of API keys, for joins. Always 1.",
    ),
    gauge(
        "llm_model_first_seen_timestamp_seconds",
        (*C, "model"),
        "The first hour in which the model was used, once the history is loaded.",
    ),
    gauge(
        "llm_source_up",
        (*C, "source"),
        "1 when the last poll of the source succeeded.",
    ),
    gauge(
        "llm_source_last_success_timestamp_seconds",
        (*C, "source"),
        "When the source was last polled with success.",
    ),
    gauge(
        "llm_source_data_watermark_timestamp_seconds",
        (*C, "source"),
        "The time up to which all buckets, empty ones included, have been read.",
    ),
    gauge(
        "llm_source_history_start_timestamp_seconds",
        (*C, "source"),
        "The time back to which the ledger has no hole.",
    ),
    gauge(
        "llm_source_catching_up",
        (*C, "source"),
        "1 from a long gap between good polls until one hour after the next good poll. "
        "increase() of that stretch holds the spend of the gap.",
    ),
    gauge(
        "llm_source_api_info",
        (*C, "source", "api"),
        "Which generation of the provider's API the source reads: legacy or analytics. Always 1.",
    ),
    gauge(
        "llm_ledger_state_lost",
        (),
        "1 for 24 hours after a ledger was moved aside and the counters began anew.",
    ),
)
