"""Claude Code's own figures (floor 0)."""

from __future__ import annotations

from claude_cost_exporter.catalogue.metric import C, Metric, gauge

CLAUDE_CODE: tuple[Metric, ...] = (
    gauge(
        "llm_claude_code_user_cost_usd",
        (*C, "user", "customer_type", "window"),
        "What Claude Code cost in USD by its own estimate, by user. Do not add it to any other "
        "cost: what customer_type api used is part of llm_cost_usd_total, what subscription used "
        "is not billed by the token. window is today, yesterday or month_to_date in UTC, absent "
        "until each of its days was read. user is a hash unless names may be shown.",
    ),
    gauge(
        "llm_claude_code_model_cost_usd",
        (*C, "model", "customer_type", "window"),
        "The same estimate by model. Do not add it to any other cost.",
    ),
    gauge(
        "llm_claude_code_model_tokens",
        (*C, "model", "customer_type", "token_type", "window"),
        "Tokens of Claude Code, part of llm_tokens_total for customer_type api. token_type is "
        "input, output, cache_read or cache_write, of which no lifetime is known.",
    ),
    gauge(
        "llm_claude_code_sessions",
        (*C, "user", "window"),
        "Sessions of Claude Code.",
    ),
    gauge(
        "llm_claude_code_lines",
        (*C, "user", "change", "window"),
        "Lines of code that Claude Code changed. change is added or removed.",
    ),
    gauge(
        "llm_claude_code_commits",
        (*C, "user", "window"),
        "Commits that Claude Code made.",
    ),
    gauge(
        "llm_claude_code_pull_requests",
        (*C, "user", "window"),
        "Pull requests that Claude Code made.",
    ),
    gauge(
        "llm_claude_code_edits",
        (*C, "user", "decision", "window"),
        "Edits that Claude Code proposed. decision is accepted or rejected.",
    ),
)
