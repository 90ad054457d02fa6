"""PromQL in words.

Every read takes the maximum over `instance` and `job`, as the rules do: two exporters of one
account are one account, and history that was loaded under another job counts.

One exporter must keep its `instance` and `job` all the same. Where they change within a range, the
range is in two series, and the maximum is the larger part of its growth instead of the whole.
"""

from __future__ import annotations

ACCOUNT = ('provider=~"$provider"', 'account=~"$account"')
"""The accounts that are selected."""
OWNER = "provider, account"
MONTH = 'window="month_to_date"'
METERED = 'kind="metered"'
PROMPT = 'token_type=~"input|cache_read|cache_write_5m|cache_write_1h"'
"""Everything that was sent to the model, by whatever way it was charged."""


def pick(metric: str, *matchers: str) -> str:
    """Return a selector of any metric."""
    return f"{metric}{{{', '.join(matchers)}}}" if matchers else metric


def mine(metric: str, *matchers: str) -> str:
    """Return a selector within the selected accounts."""
    return pick(metric, *ACCOUNT, *matchers)


def one(vector: str) -> str:
    """Return each thing once, however many exporters report it."""
    return f"max without (instance, job) ({vector})"


def total(vector: str, by: str = "") -> str:
    """Return a sum over what was selected, by labels."""
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} ({one(vector)})"


def rate(selector: str) -> str:
    """Return a counter's growth per second."""
    return f"rate({selector}[$__rate_interval])"


def grown(selector: str) -> str:
    """Return a counter's growth within the dashboard's time range."""
    return f"increase({selector}[$__range])"


def per_day(selector: str, by: str) -> str:
    """Return a counter's growth as an amount per day."""
    return f"{total(rate(selector), by)} * 86400"


POLLED = mine("llm_source_up")


def or_zero(vector: str, where: str = POLLED) -> str:
    """Return 0 when there is nothing, for things of which nothing is good.

    Only where the exporter says something: while it is down, nothing is not good but unknown.
    """
    return f"{vector} or 0 * count({where})"


def milliseconds(vector: str) -> str:
    """Return times as Grafana's units of time want them."""
    return f"{vector} * 1000"


def largest(vector: str, ranking: str, labels: str, most: int = 10) -> str:
    """Return the series of a range query that are largest over the whole time range."""
    return f"{vector} and on ({labels}) topk({most}, {ranking})"


def top_grown(selector: str, labels: str, most: int = 10) -> str:
    """Return growth per day of those that grew most in the time range, always the same ones."""
    ranking = total(f"increase({selector}[$__range] @ end())", labels)
    return largest(per_day(selector, labels), ranking, labels, most)


def _named(vector: str, kind: str) -> str:
    """Add names: those at the end of the range, of what was renamed in it too, else the last."""
    keys = f"{OWNER}, {kind}_id"
    info = f"llm_{kind}_info"
    known = f"{info} @ end() or on ({keys}) last_over_time({info}[$__range] @ end())"
    return (
        f"({vector}) * on ({keys}) group_left ({kind}_name) topk by ({keys}) (1, {known})"
        f' or on ({keys}) label_replace({vector}, "{kind}_name", "$1", "{kind}_id", "(.*)")'
    )


def workspaces(vector: str) -> str:
    """Return a vector by workspace_id with the label workspace_name; without a name, the id."""
    return _named(vector, "workspace")


def api_keys(vector: str) -> str:
    """Return a vector by api_key_id with the label api_key_name; without a name, the id."""
    return _named(vector, "api_key")


def scopes(vector: str) -> str:
    """Return a vector by scope with the label scope_name; without a name, the id."""
    keys = "scope_type, scope"
    known = f"topk by ({keys}) (1, scope:llm_name:info)"
    return (
        f"({vector}) * on ({keys}) group_left (scope_name) {known}"
        f' or on ({keys}) label_replace({vector}, "scope_name", "$1", "scope", "(.*)")'
    )


def budgets(metric: str, *matchers: str, by: str = "budget, period") -> str:
    """Return a gauge of the selected budgets."""
    chosen = pick(metric, 'budget=~"$budget"', *matchers)
    return f"max by ({by}) ({chosen})"


def forecast(estimate: str, horizon: str, method: str = "weekday_ewma") -> str:
    """Return a forecast: of all accounts as one when all are selected, else of those selected.

    Ranges of several accounts do not add up; the exporter forecasts their total by itself.
    """
    how = (f'horizon="{horizon}"', f'method="{method}"', f'estimate="{estimate}"')
    ours = one(mine("llm_forecast_spend_usd", *how))
    everyone = one(pick("llm_forecast_spend_usd", *how))
    together = f"max({pick('llm_total_forecast_spend_usd', *how)})"
    return f"{together} and on () (count({everyone}) == count({ours})) or sum({ours})"
