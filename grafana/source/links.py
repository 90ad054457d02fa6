"""Links between dashboards. All of them keep what is selected and the time range."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

TAG = "claude-cost"

OVERVIEW = "llm-cost-overview"
MODELS = "llm-cost-models"
WORKSPACES = "llm-cost-workspaces"
FORECAST = "llm-cost-forecast"
RECONCILIATION = "llm-cost-reconciliation"
CLAUDE_CODE = "llm-cost-claude-code"
CLAUDE_CODE_OTEL = "llm-cost-claude-code-otel"
HEALTH = "llm-cost-health"

TITLES = {
    OVERVIEW: "Claude cost: overview",
    MODELS: "Claude cost: models and tokens",
    WORKSPACES: "Claude cost: workspaces, keys, customers",
    FORECAST: "Claude cost: forecast and anomalies",
    RECONCILIATION: "Claude cost: reconciliation",
    CLAUDE_CODE: "Claude cost: Claude Code",
    CLAUDE_CODE_OTEL: "Claude cost: Claude Code by OpenTelemetry",
    HEALTH: "Claude cost: exporter health",
}
_ACCOUNTS = ("datasource", "provider", "account")
_WATCHED = (*_ACCOUNTS, "budget", "scope_type", "scope")
CHOICES = {
    OVERVIEW: _WATCHED,
    MODELS: (*_ACCOUNTS, "workspace", "model"),
    WORKSPACES: (*_ACCOUNTS, "window", "workspace", "api_key", "model"),
    FORECAST: _WATCHED,
    CLAUDE_CODE: (*_ACCOUNTS, "window", "user"),
}
"""What can be chosen where rows are linked from and to."""


def to_all() -> build.DashboardLink:
    """Return the links at the top of every dashboard to all the others."""
    return (
        build.DashboardLink("Claude cost")
        .type(model.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .include_vars(include_vars=True)
        .keep_time(keep_time=True)
        .tooltip("Keeps what is selected and the time range")
    )


def to_panel(uid: str) -> build.DashboardLink:
    """Return the link of a panel to the dashboard that says more.

    Grafana reads no flags here, other than at a dashboard's own links: the address says it all.
    """
    return (
        build.DashboardLink(f"More: {TITLES[uid].removeprefix('Claude cost: ')}")
        .type(model.DashboardLinkType.LINK)
        .url(f"/d/{uid}?${{__url_time_range}}&${{__all_variables}}")
    )


def to_row(here: str, there: str, title: str, **chosen: str) -> dict[str, Any]:
    """Return the link of a table's cell; `chosen` says which column selects which variable.

    Everything else that both dashboards let one choose stays as it is.
    """
    picked = [f'var-{name}=${{__data.fields["{column}"]}}' for name, column in chosen.items()]
    common = [name for name in CHOICES[here] if name in CHOICES[there] and name not in chosen]
    kept = [f"${{{name}:queryparam}}" for name in common]
    return {"title": title, "url": f"/d/{there}?{'&'.join([*picked, *kept])}&${{__url_time_range}}"}
