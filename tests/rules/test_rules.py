"""The alerting rules: correct by promtool of two versions, each with a test and a runbook."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from claude_cost_exporter.catalogue import BY_NAME
from claude_cost_exporter.metrics.self_metrics import SELF_METRICS, SERIES_DROPPED
from tests.e2e.servers import COMMAND_SECONDS, MissingServerError, PrometheusTools

ROOT = Path(__file__).parent.parent.parent
PROMETHEUS = ROOT / "prometheus"
RULES = sorted(PROMETHEUS.glob("rules/*.yml"))
TESTS = sorted(PROMETHEUS.glob("tests/*.yml"))
RUNBOOKS = ROOT / "docs/runbooks.md"

SEVERITIES = {"info", "warning", "critical"}
CLASSES = {"budget", "threshold", "anomaly", "truth", "health", "efficiency"}
ANNOTATIONS = {"summary", "description", "runbook_url", "dashboard_url"}
OF_SERVERS = re.compile(r"(prometheus|alertmanager)_[a-z_]+|up")
"""What Prometheus and Alertmanager say about themselves."""
QUOTED = re.compile(r'\\?"[^"\\]*\\?"')
OUR_METRIC = re.compile(r"(?<![\w:])(?:llm|claude_cost_exporter)_\w+(?!:)\b")
RECORDED = re.compile(r"\b[a-z_]+:[a-z0-9_]+:[a-z0-9]+\b")
needs_promtool = pytest.mark.skipif(
    os.environ.get("E2E") == "0",
    reason="E2E=0 was given: rules are not checked with promtool of Prometheus 2 and 3",
)


def load(paths):
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths]


def all_rules():
    return [rule for file in load(RULES) for group in file["groups"] for rule in group["rules"]]


ALERTS = {rule["alert"]: rule for rule in all_rules() if "alert" in rule}
RECORDS = {rule["record"] for rule in all_rules() if "record" in rule}


def expectations():
    """Every alert's expectations in the promtool tests: (time, the alerts that are expected)."""
    found: dict[str, list[tuple[str, list[dict]]]] = {}
    for file in load(TESTS):
        for test in file["tests"]:
            for one in test.get("alert_rule_test", ()):
                seen = found.setdefault(one["alertname"], [])
                seen.append((one["eval_time"], one.get("exp_alerts", [])))
    return found


def headings():
    text = RUNBOOKS.read_text(encoding="utf-8")
    return re.findall(r"^### (\w+)$", text, re.MULTILINE)


def promtool(tools, *arguments):
    done = subprocess.run(
        [tools.folder / "promtool", *arguments],
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module", params=[2, 3], ids=["2.x", "3.x"])
def tools(request):
    """Prometheus and promtool of one major version; a sentence when they are missing."""
    try:
        return PrometheusTools.find(request.param)
    except MissingServerError as error:
        pytest.fail(str(error), pytrace=False)


@needs_promtool
def test_promtool_accepts_the_configuration_and_every_rule(tools):
    """A complaint of the linter is a failure."""
    strict = ("--lint=all", "--lint-fatal")
    promtool(tools, "check", "config", *strict, str(PROMETHEUS / "prometheus.yml"))
    promtool(tools, "check", "rules", *strict, *map(str, RULES))


@needs_promtool
@pytest.mark.parametrize("path", TESTS, ids=[path.stem for path in TESTS])
def test_alerts_fire_when_they_should_and_say_what_they_should(tools, path):
    """Both versions of promtool see the same alerts at the same minutes, with the same words."""
    promtool(tools, "test", "rules", str(path))


@needs_promtool
def test_a_changed_word_is_noticed(tools, tmp_path):
    """Were promtool to compare less than we think, an edited summary would pass."""
    shutil.copytree(PROMETHEUS, tmp_path / "prometheus")
    rules = tmp_path / "prometheus/rules/budget.yml"
    changed = rules.read_text(encoding="utf-8").replace("of its allowance", "of an allowance")
    rules.write_text(changed, encoding="utf-8")
    with pytest.raises(AssertionError, match="LLMBudgetDaySoft"):
        promtool(tools, "test", "rules", str(tmp_path / "prometheus/tests/budget.yml"))


def test_the_files_that_are_tested_are_there():
    """A glob that finds nothing would pass everything below."""
    assert {path.stem for path in TESTS} >= {path.stem for path in RULES} - {"recording"}
    assert ALERTS


def test_alerts_runbooks_and_tests_name_the_same_alerts():
    """No alert without a test or a runbook, and neither for an alert that is gone."""
    assert sorted(expectations()) == sorted(ALERTS)
    assert sorted(headings()) == sorted(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_is_tested_before_and_when_it_fires(name):
    """A test sees it fire with every annotation, and another one sees that it does not yet."""
    found = expectations()[name]
    fired = [one for _, alerts in found for one in alerts]
    assert any(not alerts for _, alerts in found)
    assert any(one["exp_annotations"].keys() >= ANNOTATIONS for one in fired)


@pytest.mark.parametrize(("name", "rule"), ALERTS.items())
def test_every_alert_says_how_urgent_it_is_and_where_to_look(name, rule):
    """Routing needs the labels, and people the annotations and an existing heading."""
    labels, annotations = rule["labels"], rule["annotations"]
    assert labels["severity"] in SEVERITIES
    assert labels["class"] in CLASSES
    assert annotations.keys() == ANNOTATIONS
    assert annotations["runbook_url"].endswith(f"/docs/runbooks.md#{name.lower()}")
    for _, alerts in expectations()[name]:
        for one in alerts:
            assert one["exp_labels"].keys() >= {"severity", "class", "scope", "scope_type"}


@pytest.mark.parametrize("path", RULES, ids=[path.stem for path in RULES])
def test_rules_read_only_what_exists(path):
    """A metric of the catalogue, of the exporter itself, or one that a recording rule writes."""
    ours = set(BY_NAME) | {spec.full_name for spec in (*SELF_METRICS, SERIES_DROPPED)}
    text = path.read_text(encoding="utf-8")
    names = set(OUR_METRIC.findall(RECORDED.sub("", text))) - {"llm_recording"}
    groups = {group["name"] for group in yaml.safe_load(text)["groups"]}
    assert names - groups - ours == set()
    assert set(RECORDED.findall(text)) - RECORDS == set()


def test_every_recording_rule_is_read_by_an_alert():
    """What nothing reads costs memory for nothing."""
    read = "".join(str(rule.get("expr", "")) + str(rule.get("annotations")) for rule in all_rules())
    assert {name for name in RECORDS if name not in read} == set()


def test_no_amount_of_a_budget_is_in_a_rule():
    """Limits and levels come from the exporter's configuration, through gauges."""
    compared = re.compile(r"llm_budget_(?:limit|spent|recent_spend)_usd[^)]*\)*\s*[<>]=?\s*[1-9]")
    assert [rule for rule in all_rules() if compared.search(str(rule["expr"]))] == []
