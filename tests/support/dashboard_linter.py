"""The rules of Grafana's dashboard-linter, written anew: each yields what is wrong, and where.

Rules about Loki have no panel of ours to look at, and say so when one appears.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import promql_parser
from grafana_foundation_sdk.models import units

from tests.support.dashboards import interpolate, panels, targets, variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.dashboards import Board

Found = tuple[str, str]
"""The title of a panel or the name of a variable, and what is wrong with it."""

DRAWN = {"stat", "singlestat", "graph", "table", "timeseries", "gauge"}
MEASURED = {"stat", "singlestat", "graph", "timeseries", "gauge", "bargauge"}
UNITS = {value for name, value in vars(units).items() if name[0].isupper()}
CUSTOM_UNIT = re.compile(r"(si|prefix|suffix|time|count|currency|currency:financial):.+")
MAGIC = {
    "__rate_interval": "7m",
    "__interval": "11m",
    "__range": "13h",
    "__range_s": "46800",
    "__range_ms": "46800000",
    "__from": "1790000000000",
    "__to": "1790046800000",
}
"""Values that stand out, in place of Grafana's own variables."""
RATES = {"rate", "irate"}


class Selected(NamedTuple):
    """A selector, the function that reads its range directly, and that range as it was written."""

    selector: promql_parser.VectorSelector
    function: str
    seconds: float


def parse(expr: str) -> promql_parser.Expr:
    """Parse an expression after putting values in place of all variables."""
    whole = interpolate(expr, MAGIC)
    return promql_parser.parse(re.sub(r"\$\{?[a-z_]\w*(:\w+)?\}?", "x", whole))


def selectors(expr: promql_parser.Expr) -> Iterator[Selected]:
    """Yield every selector with the function around its range, empty where there is none."""
    found: list[Selected] = []
    around: list[str] = []
    ranged: list[str] = []

    def enter(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.Call):
            around.append(node.func.name)
        elif isinstance(node, promql_parser.MatrixSelector):
            function = around[-1] if around else ""
            found.append(Selected(node.vector_selector, function, node.range.total_seconds()))
            ranged.append("its selector comes next")
        elif isinstance(node, promql_parser.VectorSelector):
            if ranged:
                ranged.pop()
            else:
                found.append(Selected(node, "", 0.0))

    def leave(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.Call):
            around.pop()

    promql_parser.walk(expr, enter, leave)
    yield from found


def metric(selector: promql_parser.VectorSelector) -> str:
    """Return the name, or the pattern of names, that a selector reads."""
    named = (one.value for one in selector.matchers.matchers if one.name == "__name__")
    return selector.name or next(named, "")


def _readable(board: Board) -> Iterator[tuple[str, promql_parser.Expr]]:
    for panel, target in targets(board):
        try:
            yield panel["title"], parse(target["expr"])
        except ValueError:
            continue


def _data_sources(board: Board) -> list[dict[str, Any]]:
    return [one for one in variables(board).values() if one["type"] == "datasource"]


def template_datasource(board: Board) -> Iterator[Found]:
    """Exactly one data source is chosen, by a variable with the usual name."""
    found = _data_sources(board)
    if len(found) != 1:
        yield "datasource", f"{len(found)} variables choose a data source"
    for one in found:
        if one["name"] != "datasource" or one["label"] not in {"Data source", "Data Source"}:
            yield one["name"], f"is called {one['label']}"


def _chooses(board: Board, name: str) -> Iterator[Found]:
    one = variables(board).get(name)
    if one is None:
        yield name, "is missing"
    elif not (one["type"] == "query" and one.get("multi") and one.get("allValue") == ".+"):
        yield name, "does not choose several or all"


def template_job(board: Board) -> Iterator[Found]:
    """A variable chooses among jobs."""
    return _chooses(board, "job")


def template_instance(board: Board) -> Iterator[Found]:
    """A variable chooses among instances."""
    return _chooses(board, "instance")


def queries(board: Board) -> Iterator[tuple[str, str]]:
    """Yield the name and the query of every variable that asks the data source."""
    for one in variables(board).values():
        if one["type"] == "query":
            query = one["query"]
            yield one["name"], query if isinstance(query, str) else query["query"]


def template_label_promql(board: Board) -> Iterator[Found]:
    """What a variable asks is PromQL."""
    for name, query in queries(board):
        asked = re.fullmatch(r"label_values\((?:(.+), *)?\w+\)|query_result\((.+)\)", query)
        try:
            parse((asked[1] or asked[2] or "up") if asked else "")
        except ValueError as error:
            yield name, str(error)


def template_on_time_change_reload(board: Board) -> Iterator[Found]:
    """Choices follow the time range."""
    for one in variables(board).values():
        if one["type"] == "query" and one.get("refresh") != 2:
            yield one["name"], "is not read again when the time range changes"


def panel_datasource(board: Board) -> Iterator[Found]:
    """Every panel reads what was chosen."""
    for panel in panels(board):
        if panel["type"] != "text" and panel["datasource"]["uid"] != "${datasource}":
            yield panel["title"], f"reads {panel['datasource']}"


def panel_title_description(board: Board) -> Iterator[Found]:
    """Every panel says what it shows and what to do about it."""
    for panel in panels(board):
        if panel["type"] in DRAWN and not (panel.get("title") and panel.get("description")):
            yield panel.get("title", ""), "has no title or no description"


def valid_unit(unit: str) -> bool:
    """Tell whether Grafana knows a unit, or the kind of a custom one."""
    return unit in UNITS or CUSTOM_UNIT.fullmatch(unit) is not None


def panel_units(board: Board) -> Iterator[Found]:
    """Every value has a unit that Grafana knows."""
    for panel in panels(board):
        defaults = panel.get("fieldConfig", {}).get("defaults", {})
        unit = defaults.get("unit", "")
        if panel["type"] in MEASURED and not defaults.get("mappings") and not valid_unit(unit):
            yield panel["title"], f"has the unit {unit!r}"


def panel_no_targets(board: Board) -> Iterator[Found]:
    """Every panel asks something."""
    for panel in panels(board):
        if panel["type"] in DRAWN | MEASURED and not panel.get("targets"):
            yield panel["title"], "asks nothing"


def target_promql(board: Board) -> Iterator[Found]:
    """Everything that is asked is PromQL."""
    for panel, target in targets(board):
        try:
            parse(target["expr"])
        except ValueError as error:
            yield panel["title"], str(error)


def target_rate_interval(board: Board) -> Iterator[Found]:
    """Rates are taken over Grafana's rate interval, and nothing else uses it."""
    interval = 7 * 60
    for title, expr in _readable(board):
        for _, function, taken in selectors(expr):
            if function in RATES and taken != interval:
                yield title, f"{function} over {taken:.0f} s"
            if not function and taken == interval:
                yield title, "uses the rate interval outside of a function"


def _matched(board: Board, label: str) -> Iterator[Found]:
    for title, expr in _readable(board):
        for selector, _, _ in selectors(expr):
            if label not in {one.name for one in selector.matchers.matchers}:
                yield title, f"{metric(selector)} is read from every {label}"


def target_job(board: Board) -> Iterator[Found]:
    """Every selector has a matcher of the job."""
    return _matched(board, "job")


def target_instance(board: Board) -> Iterator[Found]:
    """Every selector has a matcher of the instance."""
    return _matched(board, "instance")


def target_counter_agg(board: Board) -> Iterator[Found]:
    """Counters are read by how they grow."""
    for title, expr in _readable(board):
        for selector, function, _ in selectors(expr):
            if metric(selector).endswith("_total") and function not in {*RATES, "increase"}:
                yield title, metric(selector)


def _logs(board: Board) -> Iterator[Found]:
    for panel, target in targets(board):
        if target["datasource"]["type"] != "prometheus":
            yield panel["title"], "reads logs, for which there is no rule here"


def target_logql(board: Board) -> Iterator[Found]:
    """Every question to Loki is LogQL; there is none."""
    return _logs(board)


def target_logql_auto(board: Board) -> Iterator[Found]:
    """Every question to Loki takes Grafana's own interval; there is none."""
    return _logs(board)


def uneditable_dashboard(board: Board) -> Iterator[Found]:
    """A provisioned dashboard cannot be edited, so it does not pretend."""
    if board["editable"]:
        yield board["title"], "can be edited"


RULES: dict[str, Callable[[Board], Iterator[Found]]] = {
    "template-datasource-rule": template_datasource,
    "template-job-rule": template_job,
    "template-instance-rule": template_instance,
    "template-label-promql-rule": template_label_promql,
    "template-on-time-change-reload-rule": template_on_time_change_reload,
    "panel-datasource-rule": panel_datasource,
    "panel-title-description-rule": panel_title_description,
    "panel-units-rule": panel_units,
    "panel-no-targets-rule": panel_no_targets,
    "target-promql-rule": target_promql,
    "target-rate-interval-rule": target_rate_interval,
    "target-job-rule": target_job,
    "target-instance-rule": target_instance,
    "target-counter-agg-rule": target_counter_agg,
    "target-logql-rule": target_logql,
    "target-logql-auto-rule": target_logql_auto,
    "uneditable-dashboard": uneditable_dashboard,
}
