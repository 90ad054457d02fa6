"""The rules of Grafana's dashboard-linter hold, and what is excluded is excluded for a reason."""

from __future__ import annotations

import copy

import pytest
import yaml

from tests.support.dashboard_linter import RULES
from tests.support.dashboards import FOLDER, boards

BOARDS = boards()
EXCLUSIONS = yaml.safe_load((FOLDER / ".lint").read_text(encoding="utf-8"))["exclusions"]


def excluded(rule, board, where):
    """Tell whether .lint excludes a finding: everything of a rule, or this one place."""
    exclusion = EXCLUSIONS.get(rule)
    if exclusion is None:
        return False
    entries = exclusion.get("entries")
    return entries is None or {"dashboard": board["title"], "panel": where} in entries


@pytest.mark.parametrize("uid", BOARDS)
@pytest.mark.parametrize("rule", RULES)
def test_a_dashboard_follows_a_rule(rule, uid):
    """Nothing is found that .lint does not exclude."""
    board = BOARDS[uid]
    found = [(where, what) for where, what in RULES[rule](board)]

    assert [one for one in found if not excluded(rule, board, one[0])] == []


def test_every_exclusion_has_a_reason_and_excludes_something():
    """An exclusion that nothing needs any more is removed."""
    assert EXCLUSIONS.keys() <= RULES.keys()
    for rule, exclusion in EXCLUSIONS.items():
        found = {
            (board["title"], where) for board in BOARDS.values() for where, _ in RULES[rule](board)
        }
        entries = exclusion.get("entries", [])
        assert len(exclusion["reason"]) > 20, rule
        assert found, rule
        assert {(one["dashboard"], one["panel"]) for one in entries} <= found, rule


def change(board, *path, to):
    """Return a copy of a dashboard with one thing changed."""
    changed = copy.deepcopy(board)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return changed


PANEL = ("panels", 2)
TARGET = (*PANEL, "targets", 0, "expr")
VARIABLES = ("templating", "list")
RATE = "rate(llm_cost_usd_total[5m])"
SINGLE = {"type": "custom", "query": "a,b"}
MISTAKES = [
    ("template-datasource-rule", (*VARIABLES, 0, "name"), "ds"),
    ("template-job-rule", VARIABLES, [{**SINGLE, "name": "job"}]),
    ("template-instance-rule", VARIABLES, [{**SINGLE, "name": "instance"}]),
    ("template-label-promql-rule", (*VARIABLES, 1, "query"), "label_values(up{, job)"),
    ("template-on-time-change-reload-rule", (*VARIABLES, 1, "refresh"), 1),
    ("panel-datasource-rule", (*PANEL, "datasource"), {"type": "prometheus", "uid": "abc"}),
    ("panel-title-description-rule", (*PANEL, "description"), ""),
    ("panel-units-rule", (*PANEL, "fieldConfig", "defaults", "unit"), "dollars"),
    ("panel-no-targets-rule", (*PANEL, "targets"), []),
    ("target-promql-rule", TARGET, "sum(up"),
    ("target-rate-interval-rule", TARGET, RATE),
    ("target-rate-interval-rule", TARGET, "llm_cost_usd_total[$__rate_interval]"),
    ("target-job-rule", TARGET, 'up{instance="a"}'),
    ("target-instance-rule", TARGET, 'up{job="a"}'),
    ("target-counter-agg-rule", TARGET, "sum(llm_cost_usd_total)"),
    ("target-logql-rule", (*PANEL, "targets", 0, "datasource"), {"type": "loki"}),
    ("target-logql-auto-rule", (*PANEL, "targets", 0, "datasource"), {"type": "loki"}),
    ("uneditable-dashboard", ("editable",), True),
]


@pytest.mark.parametrize(("rule", "path", "to"), MISTAKES, ids=[str(one[0]) for one in MISTAKES])
def test_each_rule_sees_its_mistake(rule, path, to):
    """A rule that finds nothing on a good dashboard finds what is wrong on a bad one."""
    good = BOARDS["llm-cost-overview"]
    before = set(RULES[rule](good))

    assert set(RULES[rule](change(good, *path, to=to))) - before


def test_there_is_a_mistake_for_each_rule():
    """All seventeen rules were seen to find something."""
    assert {rule for rule, _, _ in MISTAKES} == RULES.keys()
    assert len(RULES) == 17
