"""The shipped rules as data: what they alert on, what they record, and what each of them reads."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PROMETHEUS = Path(__file__).parents[2] / "prometheus"
RULE_FILES = sorted(PROMETHEUS.glob("rules/*.yml"))
TEST_FILES = sorted(PROMETHEUS.glob("tests/*.yml"))
OUR_METRIC = re.compile(r"(?<![\w:])(?:llm|claude_cost_exporter)_\w+(?!:)\b")
RECORDED = re.compile(r"\b[a-z_]+:[a-z0-9_]+:[a-z0-9]+\b")
USAGE_INCREASE = re.compile(r"increase\(llm_")
"""Growth of what was used. Growth of Prometheus' or the exporter's own counters is no spend."""
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    """Read a duration such as 6h.

    >>> duration("90m")
    datetime.timedelta(seconds=5400)
    """
    return timedelta(**{UNITS[text[-1]]: int(text[:-1])})


@dataclass(frozen=True)
class Rule:
    """One rule of a file: its name, its expression, and what its alert carries."""

    name: str
    expr: str
    is_alert: bool
    file: str
    lasts: timedelta = timedelta(0)
    """`for`: how long it must be true."""
    keeps: timedelta = timedelta(0)
    """`keep_firing_for`."""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def recorded_inputs(self) -> frozenset[str]:
        """The recorded series that the expression reads."""
        return frozenset(RECORDED.findall(self.expr))

    @cached_property
    def metrics(self) -> frozenset[str]:
        """The exporter's metrics that the expression reads itself."""
        return frozenset(OUR_METRIC.findall(RECORDED.sub("", self.expr)))


def load_rules(files: Sequence[Path] = tuple(RULE_FILES)) -> Iterator[Rule]:
    """Yield every rule of some files, in the order in which they are evaluated."""
    for path in files:
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                yield Rule(
                    rule.get("alert") or rule["record"],
                    str(rule["expr"]),
                    "alert" in rule,
                    path.stem,
                    duration(rule.get("for", "0s")),
                    duration(rule.get("keep_firing_for", "0s")),
                    rule.get("labels", {}),
                    rule.get("annotations", {}),
                )


RULES = tuple(load_rules())
ALERTS = {rule.name: rule for rule in RULES if rule.is_alert}
RECORDS = {rule.name: rule for rule in RULES if not rule.is_alert}


def reads_increase(rule: Rule) -> bool:
    """Tell whether growth of a usage counter decides, here or in what is recorded for it."""
    return bool(USAGE_INCREASE.search(rule.expr)) or any(
        reads_increase(RECORDS[name]) for name in rule.recorded_inputs
    )


def metrics_read() -> frozenset[str]:
    """Return every metric of the exporter that some rule or annotation reads."""
    texts = (rule.expr + " ".join(rule.annotations.values()) for rule in RULES)
    return frozenset(name for text in texts for name in OUR_METRIC.findall(RECORDED.sub("", text)))


@dataclass(frozen=True, slots=True)
class Expected:
    """What a promtool test expects of an alert at a time."""

    at: str
    alerts: tuple[dict, ...]
    """Those that fire, with `exp_labels` and `exp_annotations`."""


def expectations() -> dict[str, list[Expected]]:
    """Return by alert what the promtool tests expect of it."""
    found: dict[str, list[Expected]] = {}
    for path in TEST_FILES:
        for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            for one in test.get("alert_rule_test", ()):
                expected = Expected(one["eval_time"], tuple(one.get("exp_alerts", ())))
                found.setdefault(one["alertname"], []).append(expected)
    return found


def fired_labels() -> Iterator[dict[str, str]]:
    """Yield all labels of every alert that fires in a promtool test, once."""
    seen = set()
    for name, expected in expectations().items():
        for alert in (alert for one in expected for alert in one.alerts):
            labels = {"alertname": name, **alert["exp_labels"]}
            if (key := frozenset(labels.items())) not in seen:
                seen.add(key)
                yield labels
