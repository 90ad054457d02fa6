"""Budgets as bars (floor 5)."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from claude_cost_exporter.report.budgets import budget_states
from claude_cost_exporter.report.samples import Found
from claude_cost_exporter.report.words import about
from claude_cost_exporter.web.words import NOTHING

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
    end = state.exhausted_at
    reached = NOTHING if end is None else f"{end.astimezone(zone):%Y-%m-%d %H:%M}"
    yield f'<tr><td class="long name">{escape(state.budget)} <small>a {state.period}</small>'
    yield f'<td class="n">{_about(state.spent_usd)}<td class="n">{_about(state.limit_usd)}'
    yield f'<td class="share">{_bar(state)}<td class="n">{_about(state.p50_usd)}'
    yield f'<td class="share">{reached}</tr>'


def _bar(state: BudgetState) -> str:
    """Return the used share as a bar; it is full when the limit is reached, no sooner."""
    if state.used_ratio is None:
        return NOTHING
    used = max(state.used_ratio, 0.0)
    shown = min(used, 0.99) if used < 1 else used
    classes = " ".join(filter(None, ("used", LEVELS.get(state.level))))
    return f'<span class="{classes}"><i style="width:{min(shown, 1):.0%}"></i></span> {shown:.0%}'


def _about(amount: float | None) -> str:
    return NOTHING if amount is None else about(amount)
