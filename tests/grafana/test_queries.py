"""Everything that a dashboard asks is about metrics and labels that there are, both ways."""

from __future__ import annotations

import re
from datetime import timedelta

import promql_parser
import pytest

from tests.support.dashboard_linter import metric, parse, queries, selectors
from tests.support.dashboards import asked, boards, defaults, interpolate, panels, targets
from tests.support.promql_labels import Labels, exposed, known_metrics

BOARDS = boards()
KNOWN = known_metrics()
LEGEND = re.compile(r"\{\{ *(\w+) *\}\}")
RANGES = {"$__rate_interval": "rate", "$__range": "increase"}
NOT_SHOWN: dict[str, str] = {}
"""Metrics of the exporter that no dashboard shows, each with the reason."""


def expressions(board):
    """Yield everything that is asked: by panels, by variables and by annotations."""
    for panel, target in targets(board):
        yield f"{panel['title']} {target['refId']}", target["expr"]
    for name, query in queries(board):
        match = re.fullmatch(r"label_values\((.+), *\w+\)|query_result\((.+)\)", query)
        yield f"variable {name}", match[1] or match[2]
    for one in board["annotations"]["list"]:
        yield f"annotation {one['name']}", one["target"]["expr"]


def everything():
    return [
        pytest.param(expr, id=f"{uid}: {where}")
        for uid, board in BOARDS.items()
        for where, expr in expressions(board)
    ]


def family(name):
    """Return the name of a histogram instead of that of one of its parts."""
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    return base if f"{base}_bucket" in exposed() else name


@pytest.mark.parametrize("expr", everything())
def test_metrics_and_labels_exist(expr):
    """Selectors, joins and sums use only what the catalogue, the rules or their source have."""
    labels = Labels(KNOWN)
    labels.of(parse(expr))

    assert labels.used
    assert labels.problems == []


@pytest.mark.parametrize(
    ("expr", "problem"),
    [
        ("sum(llm_spent_usd)", "no metric"),
        ('llm_spend_usd{windows="today"}', "windows is not in"),
        ("sum by (model) (llm_spend_usd)", "model is not in"),
        ("llm_spend_usd * on (model) llm_model_spend_usd", "model is not in"),
        (
            "llm_spend_usd * on (account) group_left (workspace_nam) llm_workspace_info",
            "workspace_nam is not in",
        ),
    ],
)
def test_a_typing_error_is_noticed(expr, problem):
    """What cannot be is found without data."""
    labels = Labels(KNOWN)
    labels.of(promql_parser.parse(expr))

    assert [one for one in labels.problems if problem in one]


def test_every_metric_of_the_catalogue_is_on_a_dashboard():
    """What the exporter exposes can be seen, or a reason says why not; none is both."""
    labels = Labels(KNOWN)
    for board in BOARDS.values():
        for _, expr in expressions(board):
            labels.of(parse(expr))
    shown = {family(name) for name in labels.used}

    assert {family(name) for name in exposed()} - shown == NOT_SHOWN.keys()


@pytest.mark.parametrize("uid", BOARDS)
def test_legends_and_tables_name_labels_that_the_answer_has(uid):
    """A legend of a label that was summed away would be empty, as would a column."""
    for panel, target in targets(BOARDS[uid]):
        there = Labels(KNOWN).of(parse(target["expr"]))
        assert set(LEGEND.findall(target.get("legendFormat", ""))) <= there, panel["title"]
    for panel in panels(BOARDS[uid]):
        if panel["type"] == "table":
            answers = [Labels(KNOWN).of(parse(one["expr"])) for one in panel["targets"]]
            (keep,) = [one for one in panel["transformations"] if one["id"] == "filterFieldsByName"]
            columns = [one for one in keep["options"]["include"]["names"] if "Value" not in one]
            assert set(columns) <= set().union(*answers), panel["title"]
            assert set.intersection(*answers) & set(columns), panel["title"]


@pytest.mark.parametrize("uid", BOARDS)
def test_counters_grow_over_grafanas_own_intervals(uid):
    """A range is the rate interval under rate(), and the time range under everything else."""
    for panel, target in targets(BOARDS[uid]):
        for selected in selectors(parse(target["expr"])):
            name, function, seconds = metric(selected.selector), selected.function, selected.seconds
            if function in {"rate", "increase", "last_over_time"}:
                expected = {"rate": 7 * 60}.get(function, 13 * 3600)
                assert seconds == expected, (panel["title"], name)
            elif function:
                pytest.fail(f"{panel['title']} reads {name} by {function}()")


@pytest.mark.parametrize("uid", BOARDS)
def test_an_offset_compares_a_moving_window_with_itself(uid):
    """A panel of now needs an older sample only of what is whole hours long at any moment.

    What grows from midnight on, live ones with the open hour and those of the past without, cannot
    be compared.
    """
    for panel, target in targets(BOARDS[uid]):
        found = [one.selector for one in selectors(parse(target["expr"]))]
        now = {str(one) for one in found if one.offset is None}
        for one in found:
            if one.offset is not None:
                assert metric(one) == "llm_burn_rate_usd_per_day", panel["title"]
                assert str(one).partition(" offset ")[0] in now


def test_the_overview_asks_what_it_would_ask_in_grafana():
    """A step of six hours takes a day of samples, as Grafana's own rate interval does."""
    board = BOARDS["llm-cost-overview"]
    panel, target = next(
        one for one in targets(board) if one[0]["title"] == "Spend by model, per day"
    )
    found = asked(panel, target, defaults(board), span=int(timedelta(days=30).total_seconds()))

    assert found.step == 6 * 3600
    assert not found.instant
    assert found.expr == (
        'sum by (model) (max without (instance, job) (rate(llm_cost_usd_total{provider=~".+", '
        'account=~".+"}[86400s]))) * 86400'
    )


def test_variables_are_put_in_like_grafana_does():
    """One value as it is, several as alternatives, formats and unknown names left alone."""
    values = {"one": "a", "two": ["b-c.d", "e"], "three": ["f|g"]}

    assert interpolate("$one ${two} $three", values) == r"a (b-c\\.d|e) f\\|g"
    assert interpolate("[[one]] $1 ${one:text}", values) == "a $1 a"
