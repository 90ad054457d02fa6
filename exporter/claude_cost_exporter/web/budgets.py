"""Budgets as bars (floor 5)."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from claude_cost_exporter.report.budgets import budget_states
from claude_cost_exporter.report.samples import Found
from claude_cost_exporter.report.words import about

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import tzinfo

    from claude_cost_exporter.report.model import BudgetState
    from claude_cost_exporter.samples import Sample

LEVELS = {"hard": "spent", "warn": "nearly"}
"""What a bar looks like from a level on; below it is as usual."""


def budgets(samples: Iterable[Sample], zone: tzinfo) -> Iterator[str]:
    """Yield a row for each budget with a limit, what is used the most first."""
    ours = (sample for sample in samples if sample.metric.startswith("llm_budget_"))
    states = sorted(budget_states(Found(ours)), key=lambda one: -(one.used_ratio or 0.0))
    if not states:
        return
    yield '<h2>Budgets</h2><div class="card wide"><table><tr><th>Budget<th class="n">Spent'
    yield '<th class="n">Limit<th>Used<th class="n">Expected<th>Limit reached</tr>'
    for state in states:
        yield from _row(state, zone)
    yield "</table></div>"


def _row(state: BudgetState, zone: tzinfo) -> Iterator[str]:
    reached = state.exhausted_at and f"{state.exhausted_at.astimezone(zone):%Y-%m-%d %H:%M}"
    yield f'<tr><td class="long name">{escape(state.budget)} <small>a {state.period}</small>'
    yield f'<td class="n">{about(state.spent_usd)}<td class="n">{about(state.limit_usd)}'
    yield f'<td class="name">{_bar(state)}<td class="n">{about(state.p50_usd)}'
    yield f"<td>{reached or '-'}</tr>"


def _bar(state: BudgetState) -> str:
    if state.used_ratio is None:
        return "-"
    kind = LEVELS.get(state.level, "")
    width = min(max(state.used_ratio, 0.0), 1.0)
    bar = f'<span class="used {kind}"><i style="width:{width:.1%}"></i></span>'
    return f"{bar} {state.used_ratio:.0%}"
