"""Every target of every dashboard, asked of a real Prometheus with two months in it.

Each target is asked as Grafana would ask it when the dashboard opens.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from claude_cost_exporter.records import NANO
from tests.e2e.two_months import EMPTY_PANELS, MAY_BE_EMPTY, answer, two_months
from tests.support.dashboards import boards, targets, variables

BOARDS = boards()
MOST_SERIES = 120
CHOICES = {
    "provider": ("provider", "llm_spend_usd"),
    "account": ("account", "llm_spend_usd"),
    "workspace": ("workspace_id", 'llm_workspace_spend_usd{window="month_to_date"}'),
    "api_key": ("api_key_id", 'llm_api_key_spend_usd{window="month_to_date"}'),
    "model": ("model", 'llm_model_spend_usd{window="month_to_date"}'),
    "budget": ("budget", "llm_budget_spent_usd"),
}
"""What two values of a variable are taken from, the largest ones."""
TELEMETRY = {
    "user": ("user_email", "claude_code_cost_usage_USD_total"),
    "model": ("model", "claude_code_cost_usage_USD_total"),
}
CHOICES_OF = {
    "llm-cost-claude-code": {"user": ("user", "llm_claude_code_user_cost_usd")},
    "llm-cost-claude-code-otel": TELEMETRY,
}
NOT_OF_TWO = {
    ("llm-cost-models", "Routing: the last 7 days on another model"): "the pair is of one model",
}
"""Panels that may have no answer for the two models that cost most, and why."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """Everything, once all of it has happened."""
    with two_months(tmp_path_factory.mktemp("dashboards")) as stack:
        yield stack


def series(stack, uid, title):
    """Return the answer to the first target of a panel."""
    board = BOARDS[uid]
    panel, target = next(one for one in targets(board) if one[0]["title"] == title)
    return answer(stack.server, panel, target, board, time.time())


def figure(stack, uid, title):
    """Return the only number of a panel."""
    (found,) = series(stack, uid, title)
    return found.value


def answers(stack, uid, chosen=None):
    """Return how many series each target answers, by panel and target."""
    board = BOARDS[uid]
    return {
        (panel["title"], target["refId"]): len(
            answer(stack.server, panel, target, board, time.time(), chosen)
        )
        for panel, target in targets(board)
    }


def empty(uid, found):
    """Return the panels without any answer, and the targets without one in other panels."""
    panels = {title for title, _ in found}
    whole = {one for one in panels if not any(n for (title, _), n in found.items() if title == one)}
    parts = {(uid, *where) for where, n in found.items() if not n and where[0] not in whole}
    return {(uid, title) for title in whole}, parts


def two_of(stack, uid, name):
    """Return the two largest values of a variable; one that is not there when it has only one."""
    label, metric = {**CHOICES, **CHOICES_OF.get(uid, {})}[name]
    at = time.time()
    found = stack.server.query(f"topk(2, sum by ({label}) (last_over_time({metric}[1h])))", at)
    values = [one.labels[label] for one in found if one.labels.get(label)]
    return [*values, "nothing-of-(this).name"][:2]


@pytest.mark.parametrize("uid", sorted(BOARDS))
def test_every_target_has_an_answer(stack, uid):
    """No error, no empty panel, and not more series than a person can look at."""
    found = answers(stack, uid)
    panels, parts = empty(uid, found)

    assert {where: n for where, n in found.items() if n > MOST_SERIES} == {}
    assert panels - EMPTY_PANELS.keys() == set()
    assert parts - MAY_BE_EMPTY.keys() == set()


@pytest.mark.parametrize("uid", sorted(BOARDS))
def test_two_values_of_each_variable_can_be_chosen(stack, uid):
    """Several values make patterns that Prometheus reads, and panels keep an answer."""
    several = [one["name"] for one in variables(BOARDS[uid]).values() if one.get("multi")]
    chosen = {name: two_of(stack, uid, name) for name in several}
    panels, _ = empty(uid, answers(stack, uid, chosen))

    assert several
    assert panels - {*EMPTY_PANELS, *NOT_OF_TWO} == set()


def now_and_midnight():
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    return now, now.replace(hour=0, minute=0)


def test_the_figures_of_the_overview_are_the_truth(stack):
    """Today and this month are what the organisation has used, fees by day added.

    What was used in the last minutes is not in the API yet.
    """
    now, midnight = now_and_midnight()
    month = midnight.replace(day=1)
    days = (month + timedelta(days=32)).replace(day=1) - month
    for title, start in (("This month", month), ("Today", midnight)):
        metered = stack.simulator.truth(start, now, now, visible=True).cost / NANO
        fees = 150 * ((now - start) / days)
        shown = figure(stack, "llm-cost-overview", title)
        assert shown == pytest.approx(metered + fees, rel=0.01, abs=1), title


def test_the_top_workspace_is_the_one_that_spent_most(stack):
    """The first row has the name and the spend of the workspace that used most this month."""
    now, midnight = now_and_midnight()
    truth = stack.simulator.truth(midnight.replace(day=1), now, now, visible=True)
    spent = Counter()
    for (workspace, *_), nano in truth.cost_by_labels().items():
        spent[workspace] += nano
    ((identity, most),) = spent.most_common(1)
    names = {one.id: one.name for one in stack.simulator.scenario.organisation.workspaces}
    shown = max(
        series(stack, "llm-cost-overview", "Top workspaces, this month"), key=lambda one: one.value
    )

    assert shown.labels["workspace_id"] == identity
    assert shown.labels["workspace_name"] == names[identity]
    assert shown.value == pytest.approx(most / NANO, rel=0.01)


def test_the_past_is_the_truth(stack):
    """Cost and tokens of the last seven days are what was used, past and live together."""
    now, _ = now_and_midnight()
    used = stack.simulator.truth(now - timedelta(days=7), now, now, visible=True)
    cost = figure(stack, "llm-cost-models", "Metered cost in this time range")
    tokens = figure(stack, "llm-cost-models", "Tokens used")

    assert cost == pytest.approx(used.cost / NANO, rel=0.01)
    assert tokens == pytest.approx(used.tokens, rel=0.01)
