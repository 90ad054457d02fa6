"""What can be selected at the top of a dashboard."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as model

from grafana.source.promql import ACCOUNT, api_keys, mine, pick, scopes, workspaces

Variable = build.QueryVariable | build.CustomVariable | build.DatasourceVariable

SOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
KNOWN = ("", '__name__=~"llm_source_up|llm_spend_usd"')
"""What every account has: polled ones a source, others fixed fees."""
EVERYTHING = model.VariableOption(text="All", value="$__all", selected=True)


def datasource() -> Variable:
    """Return the choice of a Prometheus, which makes one file fit every Grafana."""
    return build.DatasourceVariable("datasource").label("Data source").type("prometheus")


def _query(name: str, label: str, query: str) -> build.QueryVariable:
    return (
        build.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query({"query": query, "refId": name})
        .definition(query)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
    )


def several(name: str, label: str, query: str) -> build.QueryVariable:
    """Return a choice of any number of values, everything at first."""
    chosen = _query(name, label, query).multi(multi=True).include_all(include_all=True)
    return chosen.all_value(".+").current(EVERYTHING)


def _with_names(variable: build.QueryVariable, kind: str, id_label: str) -> build.QueryVariable:
    return variable.regex(f'/{kind}_name="(?<text>[^"]+)|{id_label}="(?<value>[^"]+)/g')


def provider() -> Variable:
    """Return the choice of providers."""
    return several("provider", "Provider", f"label_values({pick(*KNOWN)}, provider)")


def account() -> Variable:
    """Return the choice of accounts; `none` has fees that belong to no account."""
    query = f"label_values({pick(*KNOWN, ACCOUNT[0])}, account)"
    return several("account", "Account", query)


def workspace() -> Variable:
    """Return the choice of workspaces, shown by name and selected by id."""
    spent = mine("llm_workspace_spend_usd", 'window="month_to_date"')
    listed = workspaces(f"max by (provider, account, workspace_id) ({spent})")
    query = f"query_result({listed})"
    return _with_names(several("workspace", "Workspace", query), "workspace", "workspace_id")


def api_key() -> Variable:
    """Return the choice of API keys, shown by name and selected by id."""
    spent = mine("llm_api_key_spend_usd", 'window="month_to_date"')
    listed = api_keys(f"max by (provider, account, api_key_id) ({spent})")
    query = f"query_result({listed})"
    return _with_names(several("api_key", "API key", query), "api_key", "api_key_id")


def models() -> Variable:
    """Return the choice of models."""
    return several("model", "Model", f"label_values({mine('llm_tokens_total')}, model)")


def budget() -> Variable:
    """Return the choice of budgets."""
    return several("budget", "Budget", "label_values(llm_budget_info, budget)")


def one_of(name: str, label: str, values: dict[str, str], chosen: str) -> Variable:
    """Return a choice of one of fixed values, each with what it is called."""
    return (
        build.CustomVariable(name)
        .label(label)
        .values(",".join(f"{text} : {value}" for value, text in values.items()))
        .options(
            [
                model.VariableOption(text=text, value=value, selected=value == chosen)
                for value, text in values.items()
            ]
        )
        .current(model.VariableOption(text=values[chosen], value=chosen, selected=True))
    )


WINDOWS = {
    "today": "today",
    "yesterday": "yesterday",
    "week_to_date": "this week",
    "month_to_date": "this month",
    "last_month": "last month",
}
SCOPE_TYPES = {
    "all": "everything",
    "provider": "provider",
    "account": "account",
    "workspace": "workspace",
    "api_key": "API key",
    "model": "model",
    "end_customer": "end customer",
}


def window() -> Variable:
    """Return the choice of a calendar period."""
    return one_of("window", "Period", WINDOWS, "month_to_date")


def code_window() -> Variable:
    """Return the choice of a period that Claude Code's report has."""
    known = {name: WINDOWS[name] for name in ("today", "yesterday", "month_to_date")}
    return one_of("window", "Period (UTC)", known, "month_to_date")


def scope_type() -> Variable:
    """Return the choice of what kind of thing a band is about."""
    return one_of("scope_type", "Watched", SCOPE_TYPES, "all")


def scope() -> Variable:
    """Return the choice of the one thing that is watched, shown by name and selected by id."""
    kind = 'scope_type="$scope_type"'
    watched = " or ".join(
        f"max by (scope_type, scope) ({pick(metric, kind)})"
        for metric in ("llm_window_spend_usd", "scope_model:llm_cost_usd:increase24h")
    )
    query = _query("scope", "Which", f"query_result({scopes(f'({watched})')})")
    first = model.VariableOption(text="all", value="all", selected=True)
    return _with_names(query, "scope", "scope").current(first)
