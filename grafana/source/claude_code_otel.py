"""Claude Code as it sees itself, by OpenTelemetry: needs its metrics in the same Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.source import variables
from grafana.source.board import Line, dashboard
from grafana.source.links import CLAUDE_CODE, CLAUDE_CODE_OTEL, MODELS
from grafana.source.look import COUNT, DURATION, MONEY, SHARE, TOKENS, UNIT_COST, below
from grafana.source.panels import About, Query, bars, figures, note, trend
from grafana.source.promql import grown, pick, rate
from grafana.source.tables import Column, Key, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from grafana_foundation_sdk.builders import bargauge, stat, table, timeseries
    from grafana_foundation_sdk.models.dashboard import Dashboard

CHOSEN = 'user_email=~"$user"'
MODEL = 'model=~"$model"'
COST_NAMES = ("claude_code_cost_usage_USD_total", "claude_code_cost_usage_total")
TOKEN_NAMES = ("claude_code_token_usage_tokens_total", "claude_code_token_usage_total")
TIME_NAMES = (
    "claude_code_active_time_seconds_total",
    "claude_code_active_time_total_seconds_total",
    "claude_code_active_time_total",
)
"""The same counter has another name by each way into Prometheus, and two when the way changed."""
EMPTY = "no OpenTelemetry metrics of Claude Code: see the note at the end"


def _any(growth: Callable[[str], str], names: tuple[str, ...], *matchers: str) -> str:
    """Return the growth of a counter by whichever name it has; one pattern of names would clash."""
    return " or ".join(growth(pick(name, CHOSEN, *matchers)) for name in names)


def _cost(growth: Callable[[str], str]) -> str:
    return _any(growth, COST_NAMES, MODEL)


def _token(growth: Callable[[str], str]) -> str:
    return _any(growth, TOKEN_NAMES, MODEL)


def _pick(name: str, *matchers: str) -> str:
    return pick(f"claude_code_{name}_total", CHOSEN, *matchers)


def _sum(growth: str, by: str = "") -> str:
    return f"sum by ({by}) ({growth})" if by else f"sum({growth})"


SESSIONS, COMMITS = _pick("session_count"), _pick("commit_count")
REQUESTS, LINES = _pick("pull_request_count"), _pick("lines_of_code_count")
DECISIONS = _pick("code_edit_tool_decision")


def _accepted(by: str = "") -> str:
    taken = _sum(grown(_pick("code_edit_tool_decision", 'decision="accept"')), by)
    return f"{taken} / ({_sum(grown(DECISIONS), by)} > 0)"


def _figures() -> list[stat.Panel]:
    cost = About(
        "Cost in this time range",
        "Claude Code's own estimate as it runs, minutes old. The bill is on the other dashboards; "
        "use this to see who and what it comes from.",
        CLAUDE_CODE,
        5,
    )
    work = About(
        "Work in this time range",
        "Counts at the source. A counter that ticks once in a short session is missed, so trust "
        "the provider's report more where they differ.",
        CLAUDE_CODE,
        9,
    )
    per = About(
        "Cost per commit",
        "Compare months of one team with each other.",
        CLAUDE_CODE,
        5,
    )
    taken = About(
        "Edits accepted",
        "Share of proposed edits that were taken. Below three quarters, better instructions help.",
        CLAUDE_CODE,
        5,
    )
    each = f"{_sum(_cost(grown))} / ({_sum(grown(COMMITS))} > 0)"
    return [
        figures(cost, MONEY, Query(_sum(_cost(grown))), empty="-"),
        figures(
            work,
            COUNT,
            Query(_sum(grown(SESSIONS)), "sessions"),
            Query(_sum(grown(COMMITS)), "commits"),
            Query(_sum(grown(REQUESTS)), "pull requests"),
            empty="-",
        ),
        figures(per, UNIT_COST, Query(each), empty="-"),
        figures(taken, SHARE, Query(_accepted()), steps=below(0.5, 0.75), empty="-"),
    ]


def _trends() -> list[timeseries.Panel]:
    cost = About(
        "Cost by model, per hour",
        "Which model is at work now.",
        MODELS,
        8,
    )
    tokens = About(
        "Tokens by type, per hour",
        "cacheRead should be most of it; much input means that contexts are rebuilt.",
        MODELS,
        8,
    )
    origin = About(
        "Cost by origin, per hour",
        "main is the conversation, subagent and auxiliary are what it starts by itself. A jump "
        "of subagents is a changed agent or skill.",
        MODELS,
        8,
    )
    hourly = f"{_sum(_cost(rate), 'model')} * 3600"
    return [
        trend(cost, MONEY, Query(hourly, "{{model}}"), stacked=True, empty=EMPTY),
        trend(
            tokens,
            TOKENS,
            Query(f"{_sum(_token(rate), 'type')} * 3600", "{{type}}"),
            stacked=True,
            empty=EMPTY,
        ),
        trend(
            origin,
            MONEY,
            Query(f"{_sum(_cost(rate), 'query_source')} * 3600", "{{query_source}}"),
            stacked=True,
            empty=EMPTY,
        ),
    ]


def _users() -> table.Panel:
    by = "user_email"
    return rows(
        About(
            "Users in this time range",
            "Who uses it now. The e-mail address is there only for users who signed in.",
            CLAUDE_CODE,
            16,
        ),
        {by: Key("User")},
        Column("Cost", f"topk(50, {_sum(_cost(grown), by)})", MONEY, bar=True),
        Column("Tokens", _sum(_token(grown), by), TOKENS),
        Column("Sessions", _sum(grown(SESSIONS), by), COUNT),
        Column("Commits", _sum(grown(COMMITS), by), COUNT),
        Column("Active time", _sum(_any(grown, TIME_NAMES), by), DURATION),
        Column("Edits accepted", _accepted(by), SHARE, below(0.5, 0.75)),
        empty=EMPTY,
    )


def _lines() -> bargauge.Panel:
    return bars(
        About(
            "Lines changed in this time range",
            "Added and removed lines, as Claude Code counts them.",
            CLAUDE_CODE,
            8,
        ),
        COUNT,
        Query(_sum(grown(LINES), "type"), "{{type}}"),
        empty=EMPTY,
    )


def build() -> Dashboard:
    """Return the dashboard about Claude Code, from OpenTelemetry."""
    named = f'{{__name__=~"{"|".join(COST_NAMES)}"}}'
    users = variables.several("user", "User", f"label_values({named}, user_email)").all_value(".*")
    models = variables.several("model", "Model", f"label_values({named}, model)")
    return dashboard(
        CLAUDE_CODE_OTEL,
        "Claude Code as it sees itself, while it runs. Needs its OpenTelemetry metrics.",
        [users, models],
        Line(4, _figures()),
        Line(9, _trends()),
        Line(9, [_users(), _lines()]),
        Line(
            5,
            [
                note(
                    "Where these metrics come from",
                    "Says what to set so that this dashboard is filled.",
                    "Set `CLAUDE_CODE_ENABLE_TELEMETRY=1`, `OTEL_METRICS_EXPORTER=otlp`, an "
                    "endpoint, and `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative` "
                    "(Prometheus drops delta metrics), and let Prometheus receive OTLP. Parallel "
                    "resumed sessions share their series and inflate the counts; for money, trust "
                    "the bill.",
                )
            ],
        ),
        since="now-24h",
        trusted=False,
    )
