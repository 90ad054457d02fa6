"""Claude Code as it sees itself, by OpenTelemetry: needs its metrics in the same Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.source import variables
from grafana.source.board import Line, dashboard
from grafana.source.links import CLAUDE_CODE, CLAUDE_CODE_OTEL, MODELS
from grafana.source.look import COUNT, DURATION, MONEY, SHARE, TOKENS, UNIT_COST, below
from grafana.source.panels import About, Column, Key, Query, bars, figures, note, rows, trend
from grafana.source.promql import grown, pick, rate

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import bargauge, stat, table, timeseries
    from grafana_foundation_sdk.models.dashboard import Dashboard

CHOSEN = 'user_email=~"$user"'
MODEL = 'model=~"$model"'
COST_NAMES = "claude_code_cost_usage(_USD)?_total"
TOKEN_NAMES = "claude_code_token_usage(_tokens)?_total"  # noqa: S105 - tokens of text
TIME_NAMES = "claude_code_active_time(_total)?(_seconds)?_total"
"""The same counter has another name by each way into Prometheus."""
EMPTY = "no OpenTelemetry metrics of Claude Code: see the note at the end"


def _any(names: str, *matchers: str) -> str:
    return pick("", f'__name__=~"{names}"', CHOSEN, *matchers)


def _pick(name: str, *matchers: str) -> str:
    return pick(f"claude_code_{name}_total", CHOSEN, *matchers)


def _sum(growth: str, by: str = "") -> str:
    return f"sum by ({by}) ({growth})" if by else f"sum({growth})"


COST = _any(COST_NAMES, MODEL)
TOKEN = _any(TOKEN_NAMES, MODEL)
ACTIVE = _any(TIME_NAMES)
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
    each = f"{_sum(grown(COST))} / ({_sum(grown(COMMITS))} > 0)"
    return [
        figures(cost, MONEY, Query(_sum(grown(COST))), empty="-"),
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
    hourly = f"{_sum(rate(COST), 'model')} * 3600"
    return [
        trend(cost, MONEY, Query(hourly, "{{model}}"), stacked=True, empty=EMPTY),
        trend(
            tokens,
            TOKENS,
            Query(f"{_sum(rate(TOKEN), 'type')} * 3600", "{{type}}"),
            stacked=True,
            empty=EMPTY,
        ),
        trend(
            origin,
            MONEY,
            Query(f"{_sum(rate(COST), 'query_source')} * 3600", "{{query_source}}"),
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
        Column("Cost", f"topk(50, {_sum(grown(COST), by)})", MONEY, bar=True),
        Column("Tokens", _sum(grown(TOKEN), by), TOKENS),
        Column("Sessions", _sum(grown(SESSIONS), by), COUNT),
        Column("Commits", _sum(grown(COMMITS), by), COUNT),
        Column("Active time", _sum(grown(ACTIVE), by), DURATION),
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
    users = variables.several(
        "user", "User", f'label_values({{__name__=~"{COST_NAMES}"}}, user_email)'
    ).all_value(".*")
    models = variables.several(
        "model", "Model", f'label_values({{__name__=~"{COST_NAMES}"}}, model)'
    )
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
