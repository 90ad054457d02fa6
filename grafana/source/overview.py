"""What Claude costs, where it is heading, what drives it: in one look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.source import variables
from grafana.source.ahead import coming, days_of_history
from grafana.source.bands import band
from grafana.source.board import Line, dashboard
from grafana.source.budgets import budget_bars, budget_table, budget_used
from grafana.source.funds import credit, provider_cap, subscriptions
from grafana.source.links import FORECAST, MODELS, OVERVIEW, RECONCILIATION, WORKSPACES, to_row
from grafana.source.look import COUNT, MONEY, NEUTRAL, SHARE, WHEN, above
from grafana.source.panels import About, Query, figures, moving_day, trend
from grafana.source.promql import (
    METERED,
    MONTH,
    OWNER,
    api_keys,
    milliseconds,
    mine,
    one,
    or_zero,
    per_day,
    pick,
    total,
    workspaces,
)
from grafana.source.tables import Column, Key, rows

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import stat, table, timeseries
    from grafana_foundation_sdk.models.dashboard import Dashboard

TODAY = 'window="today"'
SIX_HOURS = "drawn every six hours: nothing yet"
LOADING = "history of an account is loading"


def _spent(window: str) -> str:
    """Return spend with fees, once metered spend of every account is known: a part looks like all.

    Accounts that nothing is polled for have fees alone.
    """
    polled = mine("llm_source_up", 'source="usage"')
    unknown = f"{polled} unless on ({OWNER}) {mine('llm_spend_usd', window, METERED)}"
    return f"{total(mine('llm_spend_usd', window))} and on () absent({unknown})"


def _month() -> stat.Panel:
    return figures(
        About(
            "This month",
            "Best known spend since the first of the month, fixed fees by day included: billed "
            "days as billed, the rest estimated. Compare it with the provider's console.",
            RECONCILIATION,
            3,
        ),
        MONEY,
        Query(_spent(MONTH)),
        empty=LOADING,
    )


def _month_end() -> stat.Panel:
    return coming(
        About(
            "This month at its end",
            "Where the month is heading, fees included. Eight times in ten it ends within the "
            "range. Compare the upper end with your budget: that is what you may have to explain.",
            FORECAST,
            7,
        ),
        "month_end",
    )


def _burn() -> stat.Panel:
    burn = "llm_burn_rate_usd_per_day"
    day, week = (total(mine(burn, f'window="{window}"')) for window in ("24h", "7d"))
    return figures(
        About(
            "Burn rate, per day",
            "Metered spend a day. The last day far above the last week means that something "
            "changed: look for it in spend by model.",
            FORECAST,
            5,
        ),
        MONEY,
        Query(day, "last 24 h"),
        Query(week, "last 7 d"),
    )


def _today() -> stat.Panel:
    return figures(
        About(
            "Today",
            "Spend since midnight in the exporter's time zone, minutes old. It is estimated until "
            "the day is billed.",
            MODELS,
            3,
        ),
        MONEY,
        Query(_spent(TODAY)),
        empty=LOADING,
    )


def _against_last_week() -> stat.Panel:
    day = mine("llm_burn_rate_usd_per_day", 'window="24h"')
    now, before = one(day), one(f"{day} offset 7d")
    change = f"sum({now} and {before}) / (sum({before} and {now}) > 0) - 1"
    everything = ('scope_type="all"', 'window="24h"')
    spent = f"max({pick('llm_window_spend_usd', *everything)})"
    expected = f"(max({pick('llm_window_spend_expected_usd', *everything)}) > 0)"
    return figures(
        About(
            "To last week",
            "The last 24 whole hours against the same hours a week ago, of accounts that were "
            "there already. While Prometheus has less than a week of history, it is everything's "
            "last 24 hours against what the exporter expects of them. Beyond half as much again, "
            "find out why.",
            FORECAST,
            3,
        ),
        SHARE,
        Query(f"{change} or {spent} / {expected} - 1"),
        steps=above(0.25, 0.5),
    )


def _by_model() -> timeseries.Panel:
    return trend(
        About(
            "Spend by model, per day",
            "What drives the cost: the sum of the 24 hours before each moment. A new colour is a "
            "new model; a step up is new traffic or a dearer model. Models and tokens has the "
            "price behind it, by the hour.",
            MODELS,
            14,
        ),
        MONEY,
        moving_day(per_day(mine("llm_cost_usd_total"), "model"), "{{model}}"),
        stacked=True,
        empty=SIX_HOURS,
    )


def _by_token_type() -> timeseries.Panel:
    return trend(
        About(
            "Spend by token type, per day",
            "Much input and little cache_read: prompts could be cached. Much cache_write: caches "
            "are written more often than they are read. none is web search.",
            MODELS,
            8,
        ),
        MONEY,
        moving_day(per_day(mine("llm_cost_usd_total"), "token_type"), "{{token_type}}"),
        stacked=True,
        empty=SIX_HOURS,
    )


def _top_workspaces() -> table.Panel:
    spent = total(mine("llm_workspace_spend_usd", MONTH), "provider, account, workspace_id")
    link = to_row(OVERVIEW, WORKSPACES, "Open this workspace", workspace="Id")
    return rows(
        About(
            "Top workspaces, this month",
            "Who spends it. Click a name to see its models and keys.",
            WORKSPACES,
            8,
        ),
        {"workspace_name": Key("Workspace", (link,)), "workspace_id": Key("Id")},
        Column("Spend", f"topk(10, {workspaces(spent)})", MONEY, bar=True),
    )


def _top_keys() -> table.Panel:
    spent = total(mine("llm_api_key_spend_usd", MONTH), "provider, account, api_key_id")
    link = to_row(OVERVIEW, WORKSPACES, "Open this API key", api_key="Id")
    return rows(
        About(
            "Top API keys, this month",
            "Which application spends it. Click a name to see it over time; none is usage "
            "without a key, such as the Console's Workbench.",
            WORKSPACES,
            8,
        ),
        {"api_key_name": Key("API key", (link,)), "api_key_id": Key("Id")},
        Column("Spend", f"topk(10, {api_keys(spent)})", MONEY, bar=True),
    )


def _next_month() -> stat.Panel:
    return coming(
        About(
            "Next month",
            "What the next month will cost if nothing changes, fees included. Use it for the next "
            "budget.",
            FORECAST,
            8,
        ),
        "next_month",
    )


def _counting() -> stat.Panel:
    began = f"max({one(mine('llm_counting_since_timestamp_seconds'))})"
    return figures(
        About(
            "History",
            "Since when counters count, and how many whole days stand behind the forecast: below "
            "7 it is a first guess, below 28 weekdays are hardly known.",
            FORECAST,
            8,
        ),
        COUNT,
        Query(milliseconds(began), "counting began", WHEN, NEUTRAL),
        days_of_history("days of history"),
    )


def build() -> Dashboard:
    """Return the dashboard that Grafana opens with."""
    return dashboard(
        OVERVIEW,
        "What Claude costs, where it is heading, what drives it, and whether that can be trusted.",
        [
            variables.provider(),
            variables.account(),
            variables.budget(),
            variables.scope_type(),
            variables.scope(),
        ],
        Line(
            4,
            [_month(), budget_used(3), _month_end(), _burn(), _today(), _against_last_week()],
        ),
        Line(9, [_by_model(), band("24h", 10)]),
        Line(8, [_by_token_type(), _top_workspaces(), _top_keys()]),
        Line(7, [budget_bars(10), subscriptions(), _next_month()], "Budgets and what comes next"),
        Line(7, [budget_table(24)]),
        Line(4, [credit(), provider_cap(), _counting(), _web_searches()]),
    )


def _web_searches() -> stat.Panel:
    spent = total(mine("llm_token_type_spend_usd", MONTH, 'token_type="none"'))
    return figures(
        About(
            "Web search, this month",
            "What was spent on searches instead of tokens. It is not part of any token price.",
            MODELS,
            4,
        ),
        MONEY,
        Query(or_zero(spent)),
    )
