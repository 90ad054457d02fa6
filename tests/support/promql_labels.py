"""Which labels an expression's answer has, and what in it cannot be: a metric or label unknown.

Worked out from the catalogue alone. So a typing error in a label, a join on a label that one side
does not have, or a sum by something that is not there is found without any data.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import promql_parser as promql
import yaml

from claude_cost_exporter.catalogue import BY_NAME
from claude_cost_exporter.metrics.self_metrics import SELF_METRICS, SERIES_DROPPED
from tests.support.dashboards import ROOT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

SCRAPED = {"instance", "job"}
PROCESS = ("process_resident_memory_bytes", "process_start_time_seconds", "up")
ALERT = ("alertname", "alertstate", "severity", "class", "tier", "scope_type", "scope")
TELEMETRY_USER = ("user_email", "user_id", "session_id", "organization_id", "terminal_type")
TELEMETRY = {
    "claude_code_cost_usage_USD_total": ("model", "query_source"),
    "claude_code_token_usage_tokens_total": ("model", "query_source", "type"),
    "claude_code_active_time_seconds_total": ("type",),
    "claude_code_session_count_total": ("start_type",),
    "claude_code_commit_count_total": (),
    "claude_code_pull_request_count_total": (),
    "claude_code_lines_of_code_count_total": ("type", "model"),
    "claude_code_code_edit_tool_decision_total": ("tool_name", "decision", "source", "language"),
}
"""What Claude Code documents about its own metrics, by the names that Prometheus makes of them."""
ALSO_CALLED = {
    "claude_code_cost_usage_total": "claude_code_cost_usage_USD_total",
    "claude_code_token_usage_total": "claude_code_token_usage_tokens_total",
    "claude_code_active_time_total_seconds_total": "claude_code_active_time_seconds_total",
    "claude_code_active_time_total": "claude_code_active_time_seconds_total",
}
"""Their names by other ways into Prometheus, or without units."""


def _own() -> dict[str, set[str]]:
    known = {}
    for spec in (*SELF_METRICS, SERIES_DROPPED):
        known[spec.full_name] = set(spec.labels)
        if spec.kind.__name__ == "Histogram":
            known |= {f"{spec.full_name}_{part}": set(spec.labels) for part in ("sum", "count")}
            known[f"{spec.full_name}_bucket"] = {*spec.labels, "le"}
    return known


def exposed() -> dict[str, set[str]]:
    """Return every metric that the exporter exposes, with its labels."""
    return {name: set(metric.labels) for name, metric in BY_NAME.items()} | _own()


def known_metrics() -> dict[str, set[str]]:
    """Return every metric that a dashboard may read, with its labels."""
    scraped = exposed() | {name: set() for name in PROCESS}
    for other, name in ALSO_CALLED.items():
        scraped[other] = {*TELEMETRY[name], *TELEMETRY_USER}
    scraped |= {name: {*labels, *TELEMETRY_USER} for name, labels in TELEMETRY.items()}
    known = {name: labels | SCRAPED for name, labels in scraped.items()}
    known["ALERTS"] = set(ALERT)
    for path in sorted((ROOT / "prometheus/rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                if "record" in rule:
                    known[rule["record"]] = Labels(known).of(promql.parse(rule["expr"]))
    return known


@dataclass
class Labels:
    """Works out labels; `problems` collects what cannot be, `used` the metrics that are read."""

    known: Mapping[str, Collection[str]]
    problems: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def of(self, expr: promql.Expr) -> set[str]:
        """Return the labels that an expression's answer may have."""
        read = {
            promql.VectorSelector: self._selected,
            promql.MatrixSelector: lambda node: self._selected(node.vector_selector),
            promql.Call: self._called,
            promql.AggregateExpr: self._aggregated,
            promql.BinaryExpr: self._combined,
        }.get(type(expr))
        if read is not None:
            return read(expr)
        return self.of(expr.expr) if hasattr(expr, "expr") else set()

    def _need(self, wanted: Collection[str], there: Collection[str], where: object) -> None:
        missing = sorted(set(wanted) - set(there))
        if missing:
            self.problems.append(f"{', '.join(missing)} is not in {where}")

    def _selected(self, selector: promql.VectorSelector) -> set[str]:
        matchers = [(one.name, one.value) for one in selector.matchers.matchers]
        pattern = selector.name or next(
            (value for name, value in matchers if name == "__name__"), ""
        )
        names = {name for name in self.known if re.fullmatch(pattern, name)}
        if not names:
            self.problems.append(f"no metric {pattern!r}")
        self.used |= names
        labels = set().union(*(self.known[name] for name in names))
        self._need({name for name, _ in matchers} - {"__name__"}, labels, selector)
        return labels

    def _called(self, call: promql.Call) -> set[str]:
        labels = [self.of(one) for one in call.args]
        if call.func.name in {"vector", "scalar", "time", "days_in_month"}:
            return set()
        if call.func.name == "label_replace":
            _, into, _, source, _ = call.args
            self._need({source.val} - {"", into.val}, labels[0], call.args[0])
            return labels[0] | {into.val}
        if call.func.name == "histogram_quantile":
            return labels[1] - {"le"}
        return labels[0] if labels else set()

    def _aggregated(self, expr: promql.AggregateExpr) -> set[str]:
        inner = self.of(expr.expr)
        if expr.param is not None:
            self.of(expr.param)
        given = set(expr.modifier.labels) if expr.modifier else set()
        if expr.modifier and expr.modifier.type == promql.AggModifierType.Without:
            return inner - given
        self._need(given, inner, expr.expr)
        return inner if str(expr.op) in {"topk", "bottomk"} else given

    def _combined(self, expr: promql.BinaryExpr) -> set[str]:
        left, right = self.of(expr.lhs), self.of(expr.rhs)
        how = expr.modifier
        matching = how.matching if how else None
        on = matching is not None and matching.type == promql.LabelModifierType.Include
        if on:
            self._need(matching.labels, left, expr.lhs)
            self._need(matching.labels, right, expr.rhs)
        operator = str(expr.op)
        if operator in {"and", "unless"}:
            return left
        if operator == "or":
            return left | right
        if how and how.group_labels is not None:
            self._need(how.group_labels, right, expr.rhs)
            return left | set(how.group_labels)
        return set(matching.labels) if on else left or right
