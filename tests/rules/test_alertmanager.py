"""Rules and alertmanager.yml agree: what routes and inhibitions ask for is on the alerts meant.

Labels are those with which alerts fire in the promtool tests, so they are what Prometheus sends.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.support.rules import ALERTS, fired_labels, reads_increase

SHIPPED = yaml.safe_load(
    (Path(__file__).parents[2] / "alerting/alertmanager.yml").read_text(encoding="utf-8")
)
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"(.*)"')
FIRED = tuple(fired_labels())

OF_A_PERIOD = {"LLMBudgetMostlySpent", "LLMBudgetSpent"}
OF_TODAY = {"LLMBudgetDaySoft", "LLMBudgetDayHard", "LLMDaySpendNear", "LLMDaySpendOver"}
RATES = {
    *("LLMBudgetWeeklyPace", "LLMBudgetForecastOver", "LLMBudgetForecastSurelyOver"),
    *("LLMBudgetBurnFast", "LLMBudgetBurnSlow", "LLMBudgetExhaustionNear"),
}
CREDIT = {"LLMCreditLow", "LLMCreditAlmostSpent"}
NOT_TODAYS_SPEND = {name for name, rule in ALERTS.items() if rule.file in ("anomaly", "efficiency")}
OF_GROWTH = {name for name, rule in ALERTS.items() if reads_increase(rule)}
INHIBITIONS = [
    (
        {"LLMBudgetDayHard", "LLMDaySpendOver"},
        {"LLMBudgetDaySoft", "LLMDaySpendNear"},
    ),
    (
        {
            *("LLMBudgetSpent", "LLMBudgetForecastSurelyOver", "LLMBudgetBurnFast"),
            "LLMCreditAlmostSpent",
        },
        {
            *("LLMBudgetWeeklyPace", "LLMBudgetForecastOver", "LLMBudgetBurnSlow"),
            *("LLMBudgetExhaustionNear", "LLMCreditLow"),
        },
    ),
    (
        {"LLMBudgetSpent"},
        {
            *("LLMBudgetDaySoft", "LLMBudgetDayHard", "LLMBudgetMostlySpent"),
            *("LLMBudgetWeeklyPace", "LLMBudgetForecastOver", "LLMBudgetBurnSlow"),
            *("LLMBudgetExhaustionNear", "LLMCreditLow"),
        },
    ),
    (
        {"LLMBudgetSpent"},
        {"LLMBudgetForecastOver", "LLMBudgetForecastSurelyOver", "LLMBudgetExhaustionNear"},
    ),
    ({"LLMSpendAnomaly24h", "LLMSpendAnomalyWithoutBand"}, {"LLMSpendAnomaly1h"}),
    ({"LLMDataStale", "LLMExporterDown"}, RATES | CREDIT | NOT_TODAYS_SPEND),
    ({"LLMCatchingUp"}, OF_GROWTH - {"LLMSpendAnomalyWithoutBand"}),
    ({"LLMCatchingUp"}, {"LLMSpendAnomalyWithoutBand"}),
]


def matches(matchers, labels):
    """Tell whether labels fit matchers, as Alertmanager does: a missing label is empty."""
    for name, how, wanted in (MATCHER.fullmatch(text).groups() for text in matchers):
        value = labels.get(name, "")
        same = value == wanted if how in ("=", "!=") else bool(re.fullmatch(wanted, value))
        if same == how.startswith("!"):
            return False
    return True


def names(matchers):
    return {labels["alertname"] for labels in FIRED if matches(matchers, labels)}


def inhibitions():
    """Pair each rule with the alerts that it is meant to be about."""
    return list(zip(SHIPPED["inhibit_rules"], INHIBITIONS, strict=True))


@pytest.mark.parametrize(("rule", "meant"), inhibitions(), ids=range(len(INHIBITIONS)))
def test_inhibitions_are_about_the_alerts_that_are_meant(rule, meant):
    """Exactly these alerts silence, and exactly these are silenced."""
    assert (names(rule["source_matchers"]), names(rule["target_matchers"])) == meant


@pytest.mark.parametrize("rule", SHIPPED["inhibit_rules"], ids=range(len(INHIBITIONS)))
def test_what_must_be_equal_is_there(rule):
    """What an inhibition compares is on both sides, but for a budget, which only budgets have."""
    ends = (rule["source_matchers"], rule["target_matchers"])
    concerned = [labels for labels in FIRED if any(matches(end, labels) for end in ends)]
    for name in rule.get("equal", ()):
        has = [labels for labels in concerned if name != "budget" or "period" in labels]
        assert {labels["alertname"] for labels in has if not labels.get(name)} == set()


def routes(parents):
    """Yield routes and all below them."""
    for route in parents:
        yield route
        yield from routes(route.get("routes", ()))


@pytest.mark.parametrize("route", list(routes(SHIPPED["route"]["routes"])), ids=str)
def test_every_route_has_alerts(route):
    """A route that no alert takes has been forgotten."""
    assert names(route["matchers"])


def test_what_a_period_has_used_is_routed_so():
    """The route that repeats weekly, and the tier that old data leaves alone, are these alerts."""
    assert names(['class=~"budget|threshold"', 'tier="period"']) == OF_A_PERIOD
    assert names(['tier=~"soft|hard|period"']) == OF_A_PERIOD | OF_TODAY


def test_all_growth_of_usage_says_so():
    """`reads: increase` is on every alert that is built on increase() of usage, and on no other."""
    said = {name for name, rule in ALERTS.items() if rule.labels.get("reads") == "increase"}
    assert said == {name for name, rule in ALERTS.items() if reads_increase(rule)}
    assert names(['reads="increase"']) == said


def test_every_alert_has_fired_in_a_test():
    """All of the above is about the labels of all alerts."""
    assert {labels["alertname"] for labels in FIRED} == set(ALERTS)
