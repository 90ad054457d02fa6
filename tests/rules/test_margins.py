"""That the promtool tests are sharp: they notice a minute, and a line that is a little lower."""

from __future__ import annotations

import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.rules.promtool import needs_promtool, run
from tests.support.rules import ALERTS, PROMETHEUS, TEST_FILES, load_rules
from tests.support.telling import say

MARGIN = 0.07
COMPARISON = re.compile(
    r"([<>]=?)(\s+(?:on \([^)]*\)\s+(?:group_left \([^)]*\)\s+)?)?)(?!\s|on\b|0(?![.\d]))"
)
"""But with 0, which is nearer to nothing."""
WAITS = re.compile(r"^( +for: )(\d+)([mh])$", re.MULTILINE)
ALERT = re.compile(r"^      - alert:.*?(?=^      - |\Z)", re.MULTILINE | re.DOTALL)
EXPRESSION = re.compile(r"^        expr:.*?(?=^        \w)", re.MULTILINE | re.DOTALL)
STEPS_OF_HALF_HOURS = {"LLMSpendAnomalyWithoutBand"}
"""It needs sixteen days; by minutes its test would take longer than all others together."""
OF_ALL_RULES = {"edge_cases", "addresses"}


def sooner(text):
    """Return rules in which every alert waits a minute less."""

    def minutes(match):
        return int(match[2]) * (60 if match[3] == "h" else 1)

    return WAITS.sub(lambda match: f"{match[1]}{minutes(match) - 1}m", text)


def laxer(text):
    """Return rules in which every line that an alert compares with is 7 % nearer."""

    def nearer(match):
        return f"{match[1]}{match[2]}{1 - MARGIN if match[1][0] == '>' else 1 + MARGIN} * "

    def in_alert(match):
        return EXPRESSION.sub(lambda expr: COMPARISON.sub(nearer, expr[0]), match[0])

    return ALERT.sub(in_alert, text)


def complaints(tools, folder, change):
    """Return what promtool says of our tests when the rules are changed."""
    shutil.copytree(PROMETHEUS, folder)
    for path in folder.glob("rules/*.yml"):
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    tests = [folder / "tests" / path.name for path in TEST_FILES if path.stem not in OF_ALL_RULES]
    with ThreadPoolExecutor(2) as threads:
        return "".join(threads.map(lambda path: run(tools, "test", "rules", path)[1], tests))


def changed(folder):
    """Return the alerts whose expression or wait differs from ours."""
    rules = load_rules(sorted(folder.glob("rules/*.yml")))
    found = {rule.name: rule for rule in rules if rule.is_alert}
    return {
        name
        for name, rule in ALERTS.items()
        if (found[name].lasts, found[name].expr) != (rule.lasts, rule.expr)
    }


@pytest.fixture
def unhurried(request):
    """Leave a test out, and say so, unless there is time: each runs all tests of the rules."""
    if not os.environ.get("SOAK"):
        reason = "`make soak` changes each rule, and looks whether a test notices"
        say(request.config, f"left out: {request.node.name}: {reason}")
        pytest.skip(reason)


@needs_promtool
@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("tools", [3], indirect=True, ids=["3.x"])
@pytest.mark.parametrize("change", [sooner, laxer])
def test_a_minute_and_a_near_miss_are_noticed(tools, tmp_path, change):
    """An alert that fires a minute early, or for what is within 7 % of its line, fails a test."""
    folder = tmp_path / "prometheus"
    told = complaints(tools, folder, change)
    unnoticed = {name for name in changed(folder) if name not in told}
    assert unnoticed <= (STEPS_OF_HALF_HOURS if change is sooner else set())


def test_changes_reach_the_alerts(tmp_path):
    """Were nothing changed, nothing could go unnoticed; the rest does not wait, or knows only 0."""
    at_once = {"LLMCatchingUp", "LLMLedgerStateLost"}
    zero = {
        *("LLMExporterDown", "LLMExporterInstanceDown", "LLMKeyRefused", "LLMSourceRefused"),
        *("LLMNeverRead", "LLMUnpricedTokens", "LLMRuleFails", "LLMAlertmanagerCannotNotify"),
    }
    for change, unchanged in ((sooner, at_once), (laxer, at_once | zero)):
        folder = tmp_path / change.__name__
        shutil.copytree(PROMETHEUS, folder)
        for path in folder.glob("rules/*.yml"):
            path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
        assert changed(folder) == set(ALERTS) - unchanged
