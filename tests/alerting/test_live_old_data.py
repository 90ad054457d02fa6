"""Data that are old, and then catch up: what is told meanwhile, on the older servers.

Everything is real but the provider, which is simulated, and patience (tests/alerting/live.py). It
needs a week that is a few minutes old: before that nothing of it has been reported.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from claude_cost_exporter.clock import HOUR, ManualClock
from claude_cost_exporter.simulator import Simulator, faults, flows, ratecard
from claude_cost_exporter.simulator.scenarios import STEADY
from tests.alerting.live import BACKFILLED, Stack
from tests.alerting.messages import (
    PATIENCE,
    PERCENT,
    RESEARCH,
    SPENT,
    SPENT_TOLD,
    SPIKE,
    SPIKE_TOLD,
    Message,
    find_tools,
    flow,
    inhibited,
    told,
)
from tests.alerting.servers import wait_until
from tests.support.simulated import Simulated

WASTE_COUNTS = (0, 1_000, 0, 2_000_000, 0, 0)
WASTE = flow("waste", "research", "notebooks", ratecard.HAIKU, WASTE_COUNTS)

OLD = replace(STEADY, name="old", flows=(*flows.ACME_FLOWS, SPIKE, WASTE))

STALE_TOLD = Message(
    "LLMDataStale",
    "critical",
    "health",
    "account sim",
    r"The usage of sim has not been read for more than an hour\.",
    r"The last good poll was 2h \d+m [\d.]+s ago\. Amounts of the period are known up to then "
    r"only, and alerts on recent spend are silent\.",
    "account sim · provider anthropic · scope sim · scope_type account · severity critical",
    "llm-cost-health?var-account=sim",
)
WEEK_TOLD = replace(SPENT_TOLD, summary=rf"Budget spent is spent: {PERCENT} of its week\.")
WASTE_SUMMARY = "Caching of claude-haiku-4-5 in"


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """A ledger that was last written two hours ago, before a spike; then the API answers again."""
    prometheus, alertmanager = find_tools(2, "old")
    now, folder = datetime.now(UTC), tmp_path_factory.mktemp("old")
    start = now - timedelta(minutes=90)
    before = Simulated(
        folder,
        OLD,
        start=start,
        clock=ManualClock(now - 2 * HOUR),
        history=f"{BACKFILLED.days}d",
        api="legacy",
        source='claude_code: {users: "off"}',
    )
    before.poll()
    while before.poller.load_history():
        pass
    before.close()
    simulator = Simulator(OLD, seed=7, start=start)
    simulator.faults.add(faults.error(503), times=10_000, endpoint="usage_messages")
    more = "budgets:\n" + SPENT.format(spent=20, period="week")
    with Stack(folder, simulator, prometheus, more=more) as stack:
        stack.watch(alertmanager)
        for message in (STALE_TOLD, WEEK_TOLD):
            wait_until(
                lambda message=message: told(stack, message), f"{message.alert} is told", PATIENCE
            )
        waste = ("LLMCachingLosesMoney", RESEARCH)
        wait_until(lambda: waste in inhibited(stack), "waste is held back", PATIENCE)
        stack.while_old = inhibited(stack), [one["title"] for one in stack.slack.attachments]
        simulator.faults.clear()
        wait_until(lambda: told(stack, STALE_TOLD, resolved=True), "data are new", PATIENCE)
        wait_until(lambda: told(stack, SPIKE_TOLD), "the spike is told", PATIENCE)
        wait_until(lambda: waste in inhibited(stack), "waste is held back again", PATIENCE)
        stack.while_catching_up = inhibited(stack)
        yield stack


def test_old_data_silence_what_they_cannot_know(old):
    """That data are old is told, and what the week has used at least; nothing else of cost."""
    held_back, titles = old.while_old
    _, block = told(old, STALE_TOLD)
    assert re.fullmatch(STALE_TOLD.description, block["description"]), block["description"]
    assert block["labels"] == STALE_TOLD.labels
    assert ("LLMCachingLosesMoney", RESEARCH) in held_back
    assert ("LLMBudgetSpent", "all") not in held_back
    assert [title for title in titles if "Caching" in title or "Unusual" in title] == []


def test_catching_up_silences_growth_of_counters_only(old):
    """The spike is told by its gauge; what is built on increase() still waits."""
    assert {name for name, _ in old.while_catching_up} >= {"LLMCachingLosesMoney"}
    assert "LLMSpendAnomaly24h" not in {name for name, _ in old.while_catching_up}
    assert [one for one in old.slack.attachments if WASTE_SUMMARY in one["text"]] == []
