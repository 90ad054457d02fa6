"""Where spend is heading, how good forecasts have been, and what is unusual."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.source import trust, variables
from grafana.source.ahead import HIGH, LOW, MIDDLE, coming, days_of_history
from grafana.source.bands import band
from grafana.source.board import Line, dashboard
from grafana.source.budgets import budget_burn, budget_pace
from grafana.source.links import FORECAST, MODELS, OVERVIEW, RECONCILIATION, to_row
from grafana.source.look import COUNT, MONEY, SHARE, above
from grafana.source.panels import About, Query, figures, filled, trend
from grafana.source.promql import forecast, mine, pick, scopes, total
from grafana.source.tables import Column, Key, rows

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import stat, table, timeseries
    from grafana_foundation_sdk.models.dashboard import Dashboard

ERROR = above(0.15, 0.3)
"""Weekday forecasts of a steady organisation are within 15 %; beyond 30 % they help nobody."""


def _figures() -> list[stat.Panel]:
    end = About(
        "This month at its end",
        "Fees included. Eight times in ten the month ends within the range.",
        OVERVIEW,
        8,
    )
    following = About("Next month", "If nothing changes. Fees included.", OVERVIEW, 8)
    alerts = About(
        "Alerts about spend",
        "Budgets, anomalies and waste that fire now. See which at Alertmanager, or as marks in the "
        "graphs; those about the data themselves are in the strip on top.",
        OVERVIEW,
        4,
    )
    behind = About(
        "Days behind the forecast",
        "Complete days of history. Below 7 the forecast is a first guess.",
        FORECAST,
        4,
    )
    spend = ('class!~"health|truth"', 'severity!="info"')
    return [
        coming(end, "month_end"),
        coming(following, "next_month"),
        figures(behind, COUNT, days_of_history()),
        figures(alerts, COUNT, Query(trust.firing(*spend)), steps=above(1)),
    ]


def _spent(window: str) -> str:
    """Return spend with fees where the window's metered spend was known, unless there is none."""
    metered = ("llm_spend_usd", 'kind="metered"')
    known = f"sum({mine(*metered, window)}) or absent({mine(*metered)})"
    return f"{total(mine('llm_spend_usd', window))} and on () ({known})"


def _history() -> timeseries.Panel:
    months = {"month_to_date": "spent so far", "last_month": "what last month came to"}
    outcomes = [Query(_spent(f'window="{window}"'), legend) for window, legend in months.items()]
    return filled(
        trend(
            About(
                "Forecasts of the month's end against the outcome",
                "What was forecast at each moment, and what was spent so far: the two meet when "
                "the month ends, where the second becomes last month's outcome. A forecast that "
                "ran far from it shows how far to trust today's.",
                RECONCILIATION,
                16,
            ),
            MONEY,
            Query(forecast("p90", "month_end"), HIGH),
            Query(forecast("p10", "month_end"), LOW),
            Query(forecast("p50", "month_end"), MIDDLE),
            *outcomes,
        ),
        HIGH,
        LOW,
    )


def _methods() -> list[timeseries.Panel]:
    error = About(
        "Error of each method",
        "How wrong a method has been when replayed over this ledger's past months: errors added "
        "up, divided by what was spent. Trust the lower one; beyond 30 % trust neither.",
        RECONCILIATION,
        8,
    )
    by = "account, horizon, method"
    errors = f"max by ({by}) ({mine('llm_forecast_error_ratio')})"
    return [
        trend(
            error,
            SHARE,
            Query(errors, "{{account}}: {{method}}, {{horizon}}"),
            steps=ERROR,
            empty="no past month to replay yet",
        )
    ]


def _comparison() -> list[timeseries.Panel]:
    methods = About(
        "The methods side by side",
        "weekday_ewma knows weekdays and gives more weight to recent weeks; run_rate_7d only goes "
        "on as in the last week. Far apart: the last week was unusual.",
        FORECAST,
    )
    burn = About(
        "Burn rate by window, per day",
        "1h above 24h above 7d: spend is accelerating now. The other way round it is calming.",
        MODELS,
    )
    rates = total(mine("llm_burn_rate_usd_per_day"), "window")
    return [
        trend(
            methods,
            MONEY,
            *(
                Query(forecast("p50", "month_end", name), name)
                for name in ("weekday_ewma", "run_rate_7d")
            ),
        ),
        trend(burn, MONEY, Query(rates, "{{window}}")),
    ]


def _unusual() -> table.Panel:
    def watched(metric: str) -> str:
        return f"max by (scope_type, scope, window) ({pick(metric)})"

    impact = watched("llm_window_anomaly_impact_usd")
    share = f"{watched('llm_window_spend_usd')} / ({watched('llm_window_spend_upper_usd')} > 0)"
    link = to_row(FORECAST, FORECAST, "Watch this", scope_type="Of", scope="Id")
    return rows(
        About(
            "What is unusual now",
            "Everything that is watched, largest surplus first. Above 100 % of what is normal an "
            "alert fires. Click a name to see its bands.",
            MODELS,
            24,
        ),
        {
            "scope_name": Key("Name", (link,)),
            "scope_type": Key("Of"),
            "window": Key("Window"),
            "scope": Key("Id"),
        },
        Column("More than expected", scopes(f"topk(50, {impact})"), MONEY),
        Column("Spent", _of_top(watched("llm_window_spend_usd"), impact), MONEY),
        Column("Expected", _of_top(watched("llm_window_spend_expected_usd"), impact), MONEY),
        Column("Normal up to", _of_top(watched("llm_window_spend_upper_usd"), impact), MONEY),
        Column("Of normal", _of_top(share, impact), SHARE, above(0.8, 1.0)),
        sort="Of normal",
        empty="no band yet: expectations need some weeks of history",
    )


def _of_top(vector: str, impact: str) -> str:
    return f"{vector} and topk(50, {impact})"


def build() -> Dashboard:
    """Return the dashboard about the future and the unusual."""
    return dashboard(
        FORECAST,
        "Where spend is heading, how good forecasts have been, and what is unusual.",
        [
            variables.provider(),
            variables.account(),
            variables.budget(),
            variables.scope_type(),
            variables.scope(),
        ],
        Line(4, _figures()),
        Line(9, [_history(), *_methods()]),
        Line(8, _comparison()),
        Line(9, [band("1h", 8), band("24h", 8), band("7d", 8)], "What is unusual"),
        Line(9, [_unusual()]),
        Line(8, [budget_pace(12), budget_burn(12)], "Budgets"),
    )
