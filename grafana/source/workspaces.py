"""Who spends it: workspaces, API keys, end customers, teams; and the provider's own limits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from grafana.source import variables
from grafana.source.board import Line, dashboard
from grafana.source.links import CLAUDE_CODE, MODELS, OVERVIEW, WORKSPACES, to_row
from grafana.source.look import COUNT, MONEY, SHARE, TOKENS
from grafana.source.panels import About, Query, bars, hourly, moving_day, trend
from grafana.source.promql import (
    api_keys,
    grown,
    largest,
    mine,
    per_day,
    top_grown,
    total,
    workspaces,
)
from grafana.source.tables import Column, Key, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from grafana_foundation_sdk.builders import bargauge, table, timeseries
    from grafana_foundation_sdk.models.dashboard import Dashboard

WINDOW = 'window="$window"'
LAST = 'window="last_month"'
WORKSPACE = 'workspace_id=~"$workspace"'
API_KEY = 'api_key_id=~"$api_key"'
MODEL = 'model=~"$model"'
BY_WORKSPACE = "provider, account, workspace_id"
BY_KEY = "provider, account, api_key_id"
MOST = 50
COST = mine("llm_cost_usd_total", WORKSPACE, MODEL)
KEY_COST = mine("llm_api_key_cost_usd_total", WORKSPACE, API_KEY, MODEL)
CUSTOMER = mine("llm_end_customer_billed_usd_total")
NO_CUSTOMERS = "no end customers: only the analytics API knows them"


def _board(
    about: About, keys: dict[str, Key], name: Callable[[str], str], spend: str, *more: Column
) -> table.Panel:
    """Return the largest members of one kind, with names, and further columns about them."""
    members = f"provider, account, {next(reversed(keys))}"
    top = f"topk({MOST}, {spend})"
    everything = f"scalar(sum({spend}) > 0)"
    return rows(
        about,
        keys,
        Column("Spend", name(top), MONEY, bar=True),
        Column("Share", f"{top} / {everything}", SHARE),
        *(replace(column, expr=largest(column.expr, spend, members, MOST)) for column in more),
    )


def _workspaces() -> table.Panel:
    def spent(window: str) -> str:
        return total(mine("llm_workspace_spend_usd", WORKSPACE, window), BY_WORKSPACE)

    tokens = total(grown(mine("llm_tokens_total", WORKSPACE, MODEL)), BY_WORKSPACE)
    links = (
        to_row(WORKSPACES, WORKSPACES, "Only this workspace", workspace="Id"),
        to_row(WORKSPACES, MODELS, "Its models and tokens", workspace="Id"),
    )
    return _board(
        About(
            "Workspaces: ${window:text}",
            "Who spends it. Talk to the first ones first; compare with last month before you do. "
            "Tokens are of the time range. Click a name to look at it alone.",
            MODELS,
        ),
        {
            "workspace_name": Key("Workspace", links),
            "account": Key("Account"),
            "workspace_id": Key("Id"),
        },
        workspaces,
        spent(WINDOW),
        Column("Last month", spent(LAST), MONEY),
        Column("Tokens", tokens, TOKENS),
    )


def _keys() -> table.Panel:
    def spent(window: str) -> str:
        return total(mine("llm_api_key_spend_usd", API_KEY, window), BY_KEY)

    links = (to_row(WORKSPACES, WORKSPACES, "Only this API key", api_key="Id"),)
    return _board(
        About(
            "API keys: ${window:text}",
            "Which application spends it. A key that nobody recognises should be disabled. none "
            "is usage without a key, such as the Console's Workbench.",
            CLAUDE_CODE,
        ),
        {
            "api_key_name": Key("API key", links),
            "account": Key("Account"),
            "api_key_id": Key("Id"),
        },
        api_keys,
        spent(WINDOW),
        Column("Last month", spent(LAST), MONEY),
    )


def _trends() -> list[timeseries.Panel]:
    by_workspace = About(
        "The ten largest workspaces, per day",
        "Whose traffic changed. The ten are those with the largest growth in this time range.",
        MODELS,
    )
    by_key = About(
        "The ten largest API keys, per day",
        "Which application changed. A key's cost is the same money as its workspace's.",
        MODELS,
    )
    return [
        trend(
            by_workspace,
            MONEY,
            hourly(workspaces(top_grown(COST, BY_WORKSPACE)), "{{workspace_name}}"),
            stacked=True,
        ),
        trend(
            by_key,
            MONEY,
            hourly(api_keys(top_grown(KEY_COST, BY_KEY)), "{{api_key_name}}"),
            stacked=True,
        ),
    ]


def _inside() -> list[timeseries.Panel | bargauge.Panel]:
    models = About(
        "Models of the selected workspaces, per day",
        "What a workspace uses. Choose one above: a dear model in a batch job is worth a question.",
        MODELS,
        9,
    )
    of_keys = About(
        "Models of the selected API keys, per day",
        "The same for keys. Two models in one key mean two applications, or a migration.",
        MODELS,
        9,
    )
    teams = About(
        "By team: ${window:text}",
        "Workspaces added up by the team that the configuration or their name gives them; none "
        "are those without one.",
        WORKSPACES,
        6,
    )
    spent = total(mine("llm_workspace_spend_usd", WORKSPACE, WINDOW), BY_WORKSPACE)
    info = f"topk by ({BY_WORKSPACE}) (1, {mine('llm_workspace_info')})"
    with_team = f"{spent} * on ({BY_WORKSPACE}) group_left (team) {info}"
    by_team = f"sum by (team) ({with_team} or on ({BY_WORKSPACE}) {spent})"
    return [
        trend(
            models,
            MONEY,
            hourly(per_day(COST, "model"), "{{model}}"),
            stacked=True,
        ),
        trend(
            of_keys,
            MONEY,
            hourly(per_day(KEY_COST, "model"), "{{model}}"),
            stacked=True,
        ),
        bars(
            teams, MONEY, Query(f'label_replace({by_team}, "team", "none", "team", "")', "{{team}}")
        ),
    ]


def _customers() -> list[table.Panel | timeseries.Panel]:
    board = About(
        "End customers in this time range",
        "Billed cost by user profile, by whole UTC days. Compare with what each of them pays you.",
        OVERVIEW,
        8,
    )
    over_time = About(
        "The ten largest end customers, per day",
        "The sum of the 24 hours before each moment; the bill of a day comes at once. A customer "
        "whose cost doubles needs a limit or a new price.",
        OVERVIEW,
        16,
    )
    billed = total(grown(CUSTOMER), "account, end_customer")
    return [
        rows(
            board,
            {"end_customer": Key("End customer"), "account": Key("Account")},
            Column("Billed", f"topk({MOST}, {billed})", MONEY, bar=True),
            empty=NO_CUSTOMERS,
        ),
        trend(
            over_time,
            MONEY,
            moving_day(top_grown(CUSTOMER, "account, end_customer"), "{{end_customer}}"),
            stacked=True,
            empty="no end customer was billed in this time range",
        ),
    ]


def _limits() -> list[table.Panel]:
    caps = About(
        "The provider's caps on spend",
        "At a cap the provider refuses requests. usage_tier is what it grants at most. Raise a "
        "workspace's cap before it is reached, or use it as a budget (from: provider_limit).",
        OVERVIEW,
        10,
    )
    rates = About(
        "The provider's caps on rates",
        "What each limiter allows. An empty workspace is the whole organisation. When requests "
        "are refused with 429, ask for more of the limiter that is named.",
        MODELS,
        14,
    )
    spend_limit = mine("llm_provider_spend_limit_usd")
    by_limit = "account, scope_type, scope, period"
    by_rate = "account, workspace_id, models, limiter"
    unreadable = "this key may not read limits, or there are none"
    return [
        rows(
            caps,
            {
                "account": Key("Account"),
                "scope_type": Key("Of"),
                "scope": Key("Which"),
                "period": Key("Period"),
            },
            Column("Cap", f"max by ({by_limit}) ({spend_limit})", MONEY),
            empty=unreadable,
        ),
        rows(
            rates,
            {
                "account": Key("Account"),
                "workspace_id": Key("Workspace"),
                "models": Key("Models"),
                "limiter": Key("Limiter"),
            },
            Column("Cap", f"max by ({by_rate}) ({mine('llm_provider_rate_limit')})", COUNT),
            empty=unreadable,
        ),
    ]


def build() -> Dashboard:
    """Return the dashboard about who spends it."""
    return dashboard(
        WORKSPACES,
        "Who spends it: workspaces, API keys, teams and end customers, with their names.",
        [
            variables.provider(),
            variables.account(),
            variables.window(),
            variables.workspace(),
            variables.api_key(),
            variables.models(),
        ],
        Line(10, [_workspaces(), _keys()]),
        Line(9, _trends()),
        Line(9, _inside(), "Inside the selection"),
        Line(8, _customers(), "End customers"),
        Line(8, _limits(), "The provider's own limits"),
        since="now-7d",
    )
