"""Budgets: how much of them is used, how fast, and where they will end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.source.links import FORECAST, OVERVIEW
from grafana.source.look import MONEY, OF_LIMIT, ON_PACE, SHARE, WHEN
from grafana.source.panels import About, Query, bars, figures, trend
from grafana.source.promql import budgets, milliseconds, scopes
from grafana.source.tables import Column, Key, rows

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import bargauge, stat, table, timeseries

NONE = "no budget is configured"
BY_SCOPE = "budget, period, scope_type, scope"


def budget_used(width: int) -> stat.Panel:
    """Return how full the fullest monthly budget is; one of everything comes first."""
    month = 'period="month"'
    broad = budgets("llm_budget_used_ratio", month, 'scope_type=~"all|provider|account"')
    any_of = budgets("llm_budget_used_ratio", month)
    return figures(
        About(
            "Budget used",
            "The fullest monthly budget of everything, a provider or an account; where there is "
            "none, of anything. Orange and red begin at 80 % and 100 %. Compare with how much of "
            "the month is over, in the table below.",
            OVERVIEW,
            width,
        ),
        SHARE,
        Query(f"topk(1, {broad}) or on () topk(1, {any_of})", "{{budget}}"),
        steps=OF_LIMIT,
        empty="no budget",
    )


def budget_bars(width: int) -> bargauge.Panel:
    """Return a bar for each budget."""
    return bars(
        About(
            "Budgets used",
            "Each configured budget: orange from 80 %, red from 100 % (the default levels; alerts "
            "use yours). Choose one at the top to look at it alone.",
            FORECAST,
            width,
        ),
        SHARE,
        Query(budgets("llm_budget_used_ratio"), "{{budget}} ({{period}})"),
        steps=OF_LIMIT,
        empty=NONE,
        full=1,
    )


def _column(metric: str, *matchers: str) -> str:
    return budgets(metric, *matchers, by=BY_SCOPE)


def budget_table(width: int) -> table.Panel:
    """Return everything that is known about each budget."""
    teams = budgets("llm_budget_info", by="budget, team")
    limit = f"{_column('llm_budget_limit_usd')} * on (budget) group_left (team) {teams}"
    today = _column("llm_budget_recent_spend_usd", 'window="today"')
    week = _column("llm_budget_recent_spend_usd", 'window="last_7_days"')
    runs_out = milliseconds(_column("llm_budget_exhaustion_timestamp_seconds"))
    return rows(
        About(
            "Budgets in detail",
            "Pace above 100 % is faster than planned; the allowance is what each working day may "
            "cost. A budget that runs out before its period ends needs a decision now: raise it, "
            "or move traffic to a cheaper model.",
            FORECAST,
            width,
        ),
        {
            "budget": Key("Budget"),
            "period": Key("Period"),
            "scope_type": Key("Of"),
            "scope_name": Key("Which"),
            "team": Key("Team"),
        },
        Column("Limit", scopes(limit), MONEY),
        Column("Spent", _column("llm_budget_spent_usd"), MONEY),
        Column("Used", _column("llm_budget_used_ratio"), SHARE, OF_LIMIT),
        Column("Period over", _column("llm_budget_elapsed_ratio"), SHARE),
        Column("Pace", _column("llm_budget_pace_ratio"), SHARE, ON_PACE),
        Column("Today", today, MONEY),
        Column("Allowance", _column("llm_budget_daily_allowance_usd"), MONEY),
        Column("Last 7 days", week, MONEY),
        Column("Expected", _column("llm_budget_forecast_usd", 'estimate="p50"'), MONEY),
        Column("At most", _column("llm_budget_forecast_usd", 'estimate="p90"'), MONEY),
        Column("Runs out", runs_out, WHEN),
        sort="Used",
        empty=NONE,
    )


def budget_pace(width: int) -> timeseries.Panel:
    """Return the use of budgets over time, with the levels at which alerts fire."""
    levels = budgets("llm_budget_threshold_ratio", by="budget, level")
    return trend(
        About(
            "Budgets used over time",
            "Where a budget's line crosses a level, its alert fires. Choose one budget at the top "
            "to see it with its own levels.",
            OVERVIEW,
            width,
        ),
        SHARE,
        Query(budgets("llm_budget_used_ratio"), "{{budget}} ({{period}})"),
        Query(levels, "{{budget}} {{level}}"),
        empty=NONE,
    )


def budget_burn(width: int) -> timeseries.Panel:
    """Return how fast monthly budgets burn, by window."""
    burn = budgets("llm_budget_window_spend_ratio", by="budget, window")
    return trend(
        About(
            "How fast monthly budgets burn",
            "Share of the month's limit that each window spent. 1 h at 2 % would use up the month "
            "in two days. The shorter window says whether it still goes on.",
            OVERVIEW,
            width,
        ),
        SHARE,
        Query(burn, "{{budget}} {{window}}"),
        empty="no monthly budget is configured",
    )
