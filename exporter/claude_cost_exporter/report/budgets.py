"""Budgets, as the views tell them, with the level that was reached (floor 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_cost_exporter.report.model import BudgetState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claude_cost_exporter.report.samples import Found


def budget_states(found: Found) -> Iterator[BudgetState]:
    """Yield every budget that has a limit."""
    for labels, limit in found.of("llm_budget_limit_usd"):
        name, scope_type, scope, period = labels
        used = found.get("llm_budget_used_ratio", *labels)
        p10, p50, p90 = (
            found.get("llm_budget_forecast_usd", *labels, estimate)
            for estimate in ("p10", "p50", "p90")
        )
        yield BudgetState(
            name,
            scope_type,
            scope,
            period,
            limit,
            found.get("llm_budget_spent_usd", *labels),
            used,
            found.get("llm_budget_elapsed_ratio", *labels),
            _level(found, name, used),
            p10,
            p50,
            p90,
            found.moment("llm_budget_exhaustion_timestamp_seconds", *labels),
        )


def _level(found: Found, budget: str, used: float | None) -> str:
    """Return the highest level that the used share has reached."""
    reached = [
        (share, level)
        for (name, level), share in found.of("llm_budget_threshold_ratio")
        if name == budget and used is not None and used >= share
    ]
    return max(reached)[1] if reached else ""
