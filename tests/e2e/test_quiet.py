"""A month in which nothing goes wrong: alerts are as rare as they are said to be.

Simulated days of an organisation, scraped every five minutes and loaded into a real Prometheus;
every alert's expression is evaluated at each minute of them, with its `for` and `keep_firing_for`.
The month ends at 80 % of its budgets: one of everything, one of each workspace. The documented
rates are means over many organisations, so means over all budgets and seeds are held against them,
and may be twice as high. Alone the last ten days of one month are looked at, in which most of a
budget is used; `make quiet` takes whole months of three seeds, which is minutes of work each, and
QUIET_SEEDS chooses others.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat

import pytest

from claude_cost_exporter.clock import DAY
from tests.e2e.servers import MissingServerError, PrometheusTools
from tests.support.quiet import MONTH, MONTH_END, all_fired, episodes, record_month
from tests.support.rules import ALERTS
from tests.support.telling import say

WHOLE = "QUIET_SEEDS" in os.environ
SEEDS = [int(seed) for seed in os.environ.get("QUIET_SEEDS", "1").split()]
START = MONTH if WHOLE else MONTH_END - 10 * DAY
BUDGETS = 5
"""Everything, and the four workspaces that spend."""
MOST = 2
"""Times what is documented."""

DAYS_A_MONTH = {
    "LLMBudgetDaySoft": 8.2,
    "LLMBudgetDayHard": 2.4,
    "LLMBudgetWeeklyPace": 1.4,
    "LLMBudgetForecastOver": 1.1,
    "LLMBudgetExhaustionNear": 1.1,
    "LLMBudgetMostlySpent": 0.8,
}
"""Days on which it fires, of a budget that ends at 80 %."""
SLOW_BURN_MONTHS = 0.14
"""Share of months in which it fires: 9 % by the day, 5 % by three days."""
ANOMALIES_OF_ALL, ANOMALIES_OF_PARTS = 1.4, 5.3
"""Episodes in 30 days: of everything together, and of all workspaces and models."""
ANOMALIES = {name for name, rule in ALERTS.items() if rule.file == "anomaly"}
EFFICIENCY = {name for name, rule in ALERTS.items() if rule.file == "efficiency"}
EFFICIENCY_EPISODES = 1
"""In a month, of all workspaces."""


@pytest.fixture(scope="module")
def month(request, tmp_path_factory):
    """What fired in the month of each seed, which are made side by side."""
    if not WHOLE:
        say(request.config, "left out: the quiet month before its last ten days: `make quiet`")
    try:
        tools = PrometheusTools.find(3)
    except MissingServerError as error:
        pytest.fail(str(error), pytrace=False)
    folders = [tmp_path_factory.mktemp(f"quiet-{seed}") for seed in SEEDS]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as processes:
        list(processes.map(record_month, SEEDS, repeat(START), folders, repeat(tools)))
    return [all_fired(START, folder, tools) for folder in folders]


def test_nothing_critical(month):
    """A month that ends at 80 % of its budget wakes nobody."""
    urgent = {name for name, rule in ALERTS.items() if rule.labels["severity"] == "critical"}
    assert [one for fired in month for one in fired if one.alert in urgent] == []


@pytest.mark.parametrize(("alert", "documented"), DAYS_A_MONTH.items())
def test_budget_alerts_are_as_rare_as_documented(month, alert, documented):
    """Days of a month on which a budget alert fires, in the mean of all budgets."""
    days = {
        (seed, one.labels["budget"], day)
        for seed, fired in zip(SEEDS, month, strict=True)
        for one in fired
        if one.alert == alert
        for day in one.days
    }
    assert len(days) / BUDGETS / len(SEEDS) <= MOST * documented


def test_a_slow_burn_is_rare(month):
    """The share of budgets' months in which it fires."""
    months = {
        (seed, one.labels["budget"])
        for seed, fired in zip(SEEDS, month, strict=True)
        for one in fired
        if one.alert == "LLMBudgetBurnSlow"
    }
    assert len(months) / BUDGETS / len(SEEDS) <= MOST * SLOW_BURN_MONTHS


def test_anomalies_are_as_rare_as_documented(month):
    """Episodes of a scope are merged over all windows and over a day."""
    count = Counter(
        scope[0] == "all"
        for fired in month
        for scope in episodes(one for one in fired if one.alert in ANOMALIES)
    )
    assert count[True] / len(SEEDS) <= MOST * ANOMALIES_OF_ALL
    assert count[False] / len(SEEDS) <= MOST * ANOMALIES_OF_PARTS


def test_everything_else_is_quiet(month):
    """Caches and prices alarm once a month at most in the mean; truth and health not at all."""
    told = DAYS_A_MONTH.keys() | ANOMALIES | EFFICIENCY | {"LLMBudgetBurnSlow"}
    assert [one for fired in month for one in fired if one.alert not in told] == []
    efficiency = [one for fired in month for one in fired if one.alert in EFFICIENCY]
    assert len(list(episodes(efficiency))) / len(SEEDS) <= MOST * EFFICIENCY_EPISODES


def test_the_month_was_judged(month):
    """Were nothing recorded, nothing would fire: days that use most of an allowance are seen."""
    for fired in month:
        assert "LLMBudgetDaySoft" in {one.alert for one in fired}
