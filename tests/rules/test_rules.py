"""The alerting rules: correct by promtool of two versions, each with a test and a runbook."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from claude_cost_exporter.catalogue import BY_NAME
from claude_cost_exporter.metrics.self_metrics import SELF_METRICS, SERIES_DROPPED
from tests.rules.promtool import needs_promtool, run
from tests.support.rules import (
    ALERTS,
    OUR_METRIC,
    PROMETHEUS,
    RECORDED,
    RECORDS,
    RULE_FILES,
    RULES,
    TEST_FILES,
    expectations,
)

ROOT = Path(__file__).parent.parent.parent
RUNBOOKS = ROOT / "docs/runbooks.md"

SEVERITIES = {"info", "warning", "critical"}
CLASSES = {"budget", "threshold", "anomaly", "truth", "health", "efficiency"}
ANNOTATIONS = {"summary", "description", "runbook_url", "dashboard_url"}
CONFIGURATION = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
ADDRESSES = CONFIGURATION["global"]["external_labels"]


def headings():
    text = RUNBOOKS.read_text(encoding="utf-8")
    return re.findall(r"^### (\w+)$", text, re.MULTILINE)


def promtool(tools, *arguments):
    code, printed = run(tools, *arguments)
    assert code == 0, printed


@needs_promtool
def test_promtool_accepts_the_configuration_and_every_rule(tools):
    """A complaint of the linter is a failure."""
    strict = ("--lint=all", "--lint-fatal")
    promtool(tools, "check", "config", *strict, str(PROMETHEUS / "prometheus.yml"))
    promtool(tools, "check", "rules", *strict, *map(str, RULE_FILES))


@needs_promtool
@pytest.mark.parametrize("path", TEST_FILES, ids=[path.stem for path in TEST_FILES])
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
    stems = {path.stem for path in RULE_FILES}
    assert {path.stem for path in TEST_FILES} >= stems - {"recording"}
    assert ALERTS


def test_alerts_runbooks_and_tests_name_the_same_alerts():
    """No alert without a test or a runbook, and neither for an alert that is gone."""
    assert sorted(expectations()) == sorted(ALERTS)
    assert sorted(headings()) == sorted(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_is_tested_before_and_when_it_fires(name):
    """A test sees it fire with every annotation, and another one sees that it does not yet."""
    found = expectations()[name]
    fired = [alert for one in found for alert in one.alerts]
    assert any(not one.alerts for one in found)
    assert any(alert["exp_annotations"].keys() >= ANNOTATIONS for alert in fired)


@pytest.mark.parametrize("rule", ALERTS.values(), ids=ALERTS)
def test_every_alert_says_how_urgent_it_is_and_where_to_look(rule):
    """Routing needs the labels, and people the annotations."""
    assert rule.labels["severity"] in SEVERITIES
    assert rule.labels["class"] in CLASSES
    assert rule.annotations.keys() == ANNOTATIONS
    for one in expectations()[rule.name]:
        for alert in one.alerts:
            assert alert["exp_labels"].keys() >= {"severity", "class", "scope", "scope_type"}


@pytest.mark.parametrize("rule", ALERTS.values(), ids=ALERTS)
def test_addresses_are_set_in_one_place(rule):
    """Links begin with an external label of prometheus.yml, and without it with what is there."""
    grafana, runbooks = (
        f'{{{{ or $externalLabels.{name} "{ADDRESSES[name]}"'
        for name in ("grafana_url", "runbooks_url")
    )
    assert rule.annotations["dashboard_url"].startswith(grafana)
    assert rule.annotations["runbook_url"] == f"{runbooks} }}}}#{rule.name.lower()}"


def test_addresses_do_not_become_labels_of_alerts():
    """Whoever changes an address would change every alert's identity."""
    (dropped,) = CONFIGURATION["alerting"]["alert_relabel_configs"]
    assert dropped["action"] == "labeldrop"
    assert sorted(dropped["regex"].split("|")) == sorted(ADDRESSES)


@pytest.mark.parametrize("path", RULE_FILES, ids=[path.stem for path in RULE_FILES])
def test_rules_read_only_what_exists(path):
    """A metric of the catalogue, of the exporter itself, or one that a recording rule writes."""
    ours = set(BY_NAME) | {spec.full_name for spec in (*SELF_METRICS, SERIES_DROPPED)}
    text = path.read_text(encoding="utf-8")
    names = set(OUR_METRIC.findall(RECORDED.sub("", text))) - {"llm_recording"}
    groups = {group["name"] for group in yaml.safe_load(text)["groups"]}
    assert names - groups - ours == set()
    assert set(RECORDED.findall(text)) - RECORDS.keys() == set()


def test_every_recording_rule_is_read_by_an_alert():
    """What nothing reads costs memory for nothing."""
    read = "".join(rule.expr + str(rule.annotations) + str(rule.labels) for rule in RULES)
    assert {name for name in RECORDS if name not in read} == set()


def test_no_amount_of_a_budget_is_in_a_rule():
    """Limits and levels come from the exporter's configuration, through gauges."""
    compared = re.compile(r"llm_budget_(?:limit|spent|recent_spend)_usd[^)]*\)*\s*[<>]=?\s*[1-9]")
    assert [rule.name for rule in RULES if compared.search(rule.expr)] == []
