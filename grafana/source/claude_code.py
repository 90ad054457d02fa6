"""Claude Code as the provider's own report sees it: people, work, and cost per piece of work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.source import variables
from grafana.source.board import Line, dashboard
from grafana.source.links import CLAUDE_CODE, CLAUDE_CODE_OTEL, MODELS, OVERVIEW, to_row
from grafana.source.look import COUNT, MONEY, SHARE, TOKENS, UNIT_COST, below
from grafana.source.panels import About, Query, bars, figures, note, trend
from grafana.source.promql import OWNER, mine, total
from grafana.source.tables import Column, Key, rows

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import bargauge, stat, table, timeseries
    from grafana_foundation_sdk.models.dashboard import Dashboard

WINDOW = 'window="$window"'
USER = 'user=~"$user"'
ACCEPTED = below(0.5, 0.75)
"""Of ten proposed edits, eight are usually taken; below half, people work against the tool."""
NO_REPORT = "no report of Claude Code: it is off, or the key may not read it"


def _sum(metric: str, *matchers: str, by: str = "") -> str:
    """Return a sum over users; two exporters may hash the same people differently."""
    labels = f"{OWNER}, {by}" if by else OWNER
    users = mine(f"llm_claude_code_{metric}", USER, WINDOW, *matchers)
    each = f"max by ({labels}) (sum by (instance, job, {labels}) ({users}))"
    return f"sum by ({by}) ({each})" if by else f"sum({each})"


def _per(metric: str, by: str = "") -> str:
    return f"{_sum('user_cost_usd', by=by)} / ({_sum(metric, by=by)} > 0)"


def _accepted(by: str = "") -> str:
    taken = _sum("edits", 'decision="accepted"', by=by)
    return f"{taken} / ({_sum('edits', by=by)} > 0)"


def _people() -> list[stat.Panel]:
    users = About(
        "Users",
        "People and keys with at least one session in the period. Compare with the seats that "
        "you pay for.",
        OVERVIEW,
        4,
    )
    work = About(
        "Work done",
        "Sessions, commits and pull requests that Claude Code made. They say that it is used, not "
        "that it is worth it: look at the unit costs.",
        CLAUDE_CODE_OTEL,
        9,
    )
    lines = About(
        "Lines changed",
        "Lines of code added and removed. Many more added than removed is normal for new code.",
        CLAUDE_CODE_OTEL,
        6,
    )
    edits = About(
        "Edits accepted",
        "Share of proposed edits that people took. Below three quarters, better instructions "
        "(CLAUDE.md) usually help.",
        CLAUDE_CODE_OTEL,
        5,
    )
    sessions = mine("llm_claude_code_sessions", USER, WINDOW)
    used = f"max(count by (instance, job) ({sessions} > 0))"
    return [
        figures(users, COUNT, Query(used), empty=NO_REPORT),
        figures(
            work,
            COUNT,
            Query(_sum("sessions"), "sessions"),
            Query(_sum("commits"), "commits"),
            Query(_sum("pull_requests"), "pull requests"),
            empty="-",
        ),
        figures(
            lines,
            COUNT,
            Query(_sum("lines", 'change="added"'), "added"),
            Query(_sum("lines", 'change="removed"'), "removed"),
            empty="-",
        ),
        figures(edits, SHARE, Query(_accepted()), steps=ACCEPTED, empty="-"),
    ]


def _money() -> list[stat.Panel]:
    cost = About(
        "Cost by Claude Code's own estimate",
        "api is part of the metered cost elsewhere, so do not add it; subscription is not billed "
        "by the token and shows what the plan was worth.",
        OVERVIEW,
        9,
    )
    unit = About(
        "Cost per piece of work",
        "What a session, a commit and a pull request cost on average. Compare teams and months "
        "with each other, not with other tools.",
        MODELS,
        15,
    )
    kinds = ("api", "subscription")
    return [
        figures(
            cost,
            MONEY,
            *(Query(_sum("user_cost_usd", f'customer_type="{kind}"'), kind) for kind in kinds),
            empty="-",
        ),
        figures(
            unit,
            UNIT_COST,
            Query(_per("sessions"), "per session"),
            Query(_per("commits"), "per commit"),
            Query(_per("pull_requests"), "per pull request"),
            empty="-",
        ),
    ]


def _users() -> table.Panel:
    return rows(
        About(
            "Users: ${window:text}",
            "Who uses it and what it costs. Names are hashes unless the configuration shows them; "
            "a high cost per commit is a question, not a verdict.",
            CLAUDE_CODE_OTEL,
            24,
        ),
        {"user": Key("User", (to_row(CLAUDE_CODE, CLAUDE_CODE, "Only this user", user="User"),))},
        Column("Cost", _sum("user_cost_usd", by="user"), MONEY, bar=True),
        Column("Sessions", _sum("sessions", by="user"), COUNT),
        Column("Lines added", _sum("lines", 'change="added"', by="user"), COUNT),
        Column("Lines removed", _sum("lines", 'change="removed"', by="user"), COUNT),
        Column("Commits", _sum("commits", by="user"), COUNT),
        Column("Pull requests", _sum("pull_requests", by="user"), COUNT),
        Column("Per commit", _per("commits", by="user"), UNIT_COST),
        Column("Edits accepted", _accepted(by="user"), SHARE, ACCEPTED),
        empty=NO_REPORT,
    )


def _models() -> list[bargauge.Panel | timeseries.Panel]:
    cost = About(
        "Cost by model: ${window:text}",
        "Which models developers choose. A smaller default model is the largest saving here.",
        MODELS,
        8,
    )
    tokens = About(
        "Tokens by type: ${window:text}",
        "Claude Code reads mostly from the cache. A large share of input means that sessions are "
        "short or contexts change.",
        MODELS,
        8,
    )
    over_time = About(
        "This month's cost by model",
        "How the month's estimate grows. A steep day stands out as a step.",
        MODELS,
        8,
    )
    this_month = 'window="month_to_date"'
    by_model = total(mine("llm_claude_code_model_cost_usd", WINDOW), "model")
    by_type = total(mine("llm_claude_code_model_tokens", WINDOW), "token_type")
    month = total(mine("llm_claude_code_model_cost_usd", this_month), "model")
    return [
        bars(cost, MONEY, Query(by_model, "{{model}}"), empty=NO_REPORT),
        bars(tokens, TOKENS, Query(by_type, "{{token_type}}"), empty=NO_REPORT),
        trend(over_time, MONEY, Query(month, "{{model}}"), stacked=True, empty=NO_REPORT),
    ]


def build() -> Dashboard:
    """Return the dashboard about Claude Code, from the Admin API."""
    users = variables.several(
        "user", "User", f"label_values({mine('llm_claude_code_sessions')}, user)"
    )
    return dashboard(
        CLAUDE_CODE,
        "Who uses Claude Code, for what, and what a commit costs, by the provider's own report.",
        [variables.provider(), variables.account(), variables.code_window(), users],
        Line(4, _people()),
        Line(4, _money()),
        Line(9, [_users()]),
        Line(9, _models()),
        Line(
            3,
            [
                note(
                    "What these numbers are",
                    "Explains how this report differs from the metered cost on other dashboards.",
                    "The report is by UTC day and about an hour behind. Its cost is **Claude "
                    "Code's own estimate**, seen from another side: never add it to the cost on "
                    "other dashboards.",
                )
            ],
        ),
    )
