"""What panels answer where things are not as they should be, by promtool of two versions."""

from __future__ import annotations

import pytest
import yaml

from tests.e2e.servers import PrometheusTools
from tests.rules.promtool import needs_promtool, run
from tests.support.dashboards import asked, boards, defaults, targets

BOARDS = boards()
OVERVIEW, WORKSPACES = "llm-cost-overview", "llm-cost-workspaces"
TRUST = "Can these numbers be trusted?"
DAY = 86400
ACME, BETA = (f'provider="anthropic",account="{name}"' for name in ("acme", "beta"))
NOW = "2h"


def ask(uid, title, ref="A"):
    """Return a target of a panel as Grafana asks it of the last day."""
    board = BOARDS[uid]
    panel, target = next(
        one for one in targets(board) if one[0]["title"] == title and one[1]["refId"] == ref
    )
    return asked(panel, target, defaults(board), span=DAY).expr


def series(name, labels, values):
    return {"series": f"{name}{{{labels}}}", "values": values}


def up(account, values="1x120"):
    return series("llm_source_up", f'{account},source="usage"', values)


def spent(account, window, values="100x120"):
    labels = f'{account},kind="metered",window="{window}"'
    return series("llm_spend_usd", labels, values)


def burned(account, values):
    return series("llm_burn_rate_usd_per_day", f'{account},window="24h"', values)


def of_week(truth, kind, value):
    labels = f'{ACME},cost_type="{kind}",window="last_7_closed_days"'
    return series(f"llm_{truth}_spend_usd", labels, f"{value}x120")


def named(name, values):
    return series("llm_workspace_info", f'{ACME},workspace_id="w1",workspace_name="{name}"', values)


def telemetry(name, values):
    return series(name, 'model="m",query_source="main",user_email="a@example.com"', values)


def alert(kind, severity):
    return series(
        "ALERTS",
        f'alertname="LLMTest",alertstate="firing",class="{kind}",severity="{severity}"',
        "1x120",
    )


SPEND = series(
    "llm_workspace_spend_usd", f'{ACME},workspace_id="w1",window="month_to_date"', "7x120"
)
MONTH = "month_to_date"
COST = ("claude_code_cost_usage_USD_total", "claude_code_cost_usage_total")

CASES = {
    "nothing is green without the exporter": [
        (OVERVIEW, TRUST, "A", [up(ACME, "1x30 stale")], [("", -1)]),
        (OVERVIEW, TRUST, "B", [up(ACME, "1x30 stale")], []),
        (OVERVIEW, TRUST, "C", [up(ACME, "1x30 stale")], []),
        (OVERVIEW, TRUST, "E", [up(ACME, "1x30 stale")], []),
    ],
    "all is green with it": [
        (OVERVIEW, TRUST, "B", [up(ACME)], [("", 0)]),
        (OVERVIEW, TRUST, "C", [up(ACME)], [("", 0)]),
        (OVERVIEW, TRUST, "E", [up(ACME)], [("", 0)]),
        (OVERVIEW, TRUST, "B", [up(ACME), up(BETA, "0x120")], [("", 1)]),
    ],
    "alerts about spend and for information do not make numbers wrong": [
        (OVERVIEW, TRUST, "E", [up(ACME), alert("budget", "critical")], [("", 0)]),
        (OVERVIEW, TRUST, "E", [up(ACME), alert("truth", "info")], [("", 0)]),
        (OVERVIEW, TRUST, "E", [up(ACME), alert("health", "critical")], [("", 1)]),
        (
            "llm-cost-forecast",
            "Alerts about spend",
            "A",
            [up(ACME), alert("budget", "critical"), alert("truth", "warning")],
            [("", 1)],
        ),
    ],
    "a part of the accounts is not shown as all of them": [
        (OVERVIEW, "This month", "A", [up(ACME), up(BETA), spent(ACME, MONTH)], []),
        (
            OVERVIEW,
            "This month",
            "A",
            [up(ACME), up(BETA), spent(ACME, MONTH), spent(BETA, MONTH)],
            [("", 200)],
        ),
        (OVERVIEW, "This month", "A", [spent(ACME, MONTH)], [("", 100)]),
    ],
    "what cannot be estimated does not spoil the ratio": [
        (
            OVERVIEW,
            TRUST,
            "D",
            [
                of_week("billed", "tokens", 102),
                of_week("billed", "code_execution", 40),
                of_week("estimated", "tokens", 100),
            ],
            [("", 1.02)],
        ),
        (
            OVERVIEW,
            TRUST,
            "D",
            [of_week("billed", "tokens", 6), of_week("estimated", "tokens", 5)],
            [],
        ),
    ],
    "the name that holds at the end is shown": [
        (
            OVERVIEW,
            "Top workspaces, this month",
            "A",
            [SPEND, named("Old", "1x30 stale"), named("New", "_x30 1x90")],
            [(f'{ACME},workspace_id="w1",workspace_name="New"', 7)],
        ),
        (
            OVERVIEW,
            "Top workspaces, this month",
            "A",
            [SPEND, named("Gone", "1x30 stale")],
            [(f'{ACME},workspace_id="w1",workspace_name="Gone"', 7)],
        ),
        (
            OVERVIEW,
            "Top workspaces, this month",
            "A",
            [SPEND],
            [(f'{ACME},workspace_id="w1",workspace_name="w1"', 7)],
        ),
    ],
    "two names of one counter do not clash": [
        (
            "llm-cost-claude-code-otel",
            "Cost by model, per hour",
            "A",
            [telemetry(COST[0], "0+1x120"), telemetry(COST[1], "0+1x120")],
            [('model="m"', 60)],
        ),
        (
            "llm-cost-claude-code-otel",
            "Cost by model, per hour",
            "A",
            [telemetry(COST[1], "0+1x120")],
            [('model="m"', 60)],
        ),
    ],
}


def questions_of(cases):
    """Yield a unit test of rules for each question, without any rule."""
    for uid, title, ref, there, expected in cases:
        answers = [{"labels": f"{{{labels}}}", "value": value} for labels, value in expected]
        question = {"expr": ask(uid, title, ref), "eval_time": NOW, "exp_samples": answers}
        yield {"interval": "1m", "input_series": there, "promql_expr_test": [question]}


def check(folder, major, questions):
    path = folder / "questions.yml"
    path.write_text(yaml.safe_dump({"tests": [*questions]}), encoding="utf-8")
    return run(PrometheusTools.find(major), "test", "rules", path)


@needs_promtool
@pytest.mark.parametrize("major", [2, 3])
@pytest.mark.parametrize("cases", CASES.values(), ids=CASES)
def test_panels_answer(tmp_path, major, cases):
    """Both versions of Prometheus give the answers that a person should see."""
    code, printed = check(tmp_path, major, questions_of(cases))

    assert code == 0, printed


@needs_promtool
@pytest.mark.parametrize("major", [2, 3])
def test_the_week_before_is_that_of_the_same_accounts(tmp_path, major):
    """An account that came since is not growth of those that were there already."""
    hours = f"100x{7 * 24} 150x24"
    there = [burned(ACME, hours), burned(BETA, f"_x{7 * 24} 500x24")]
    question = {
        "expr": ask(OVERVIEW, "To last week"),
        "eval_time": f"{8 * 24}h",
        "exp_samples": [{"labels": "{}", "value": 0.5}],
    }
    asked_then = {"interval": "1h", "input_series": there, "promql_expr_test": [question]}
    code, printed = check(tmp_path, major, [asked_then])

    assert code == 0, printed
