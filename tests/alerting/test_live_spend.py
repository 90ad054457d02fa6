"""From what is used to what people read: exporter, Prometheus, Alertmanager, Slack and e-mail.

Everything is real but the provider, which is simulated, and patience (tests/alerting/live.py). It
needs a month that is a few minutes old: before that nothing of it has been reported.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from claude_cost_exporter.clock import HOUR
from claude_cost_exporter.simulator import Simulator, flows, ratecard
from claude_cost_exporter.simulator.organisation import DEFAULT
from claude_cost_exporter.simulator.scenarios import STEADY
from tests.alerting.live import BACKFILLED, Stack
from tests.alerting.messages import (
    FROM_START,
    GRAFANA,
    PAGE,
    PATIENCE,
    PERCENT,
    RESEARCH,
    RUNBOOK,
    SPENT,
    SPENT_TOLD,
    SPIKE,
    SPIKE_TOLD,
    TOP,
    USD,
    Message,
    blocks,
    find_tools,
    flow,
    inhibited,
    mailed,
    told,
)
from tests.alerting.receivers import texts
from tests.alerting.servers import wait_until

DEFAULT_WORKSPACE = "wrkspc_01DefAcme4Qw8RtYuPn2LkZ"
LOOP_COUNTS = (20_000_000, 0, 0, 0, 0, 0)
LOOP = flow("loop", DEFAULT, "experiments", ratecard.HAIKU, LOOP_COUNTS, **FROM_START)
NOVA = ratecard.unpriced("claude-nova-1")
UNPRICED_COUNTS = (3_000_000, 900_000, 0, 0, 0, 0)
UNPRICED = flow("unpriced", "production", "checkout", NOVA, UNPRICED_COUNTS, **FROM_START)
WRONG = replace(STEADY, name="wrong", flows=(*flows.ACME_FLOWS, SPIKE, LOOP, UNPRICED))
BURST = (
    "  - {{name: burst, amount_usd: {burst}, period: month, scope_type: workspace, "
    "scope: Research, account: sim}}\n"
)
QUIET_BANDS = "anomalies: {1h: {floor_usd: 1e6}, 24h: {floor_usd: 1e6}, 7d: {floor_usd: 1e6}}\n"


LOOP_TOLD = Message(
    "LLMOutputRatioStep",
    "warning",
    "efficiency",
    f"workspace {DEFAULT_WORKSPACE}",
    rf"Prompts of Default get {PERCENT} of the usual output: something may be retrying\.",
    r"The workspace Default has sent (?P<amount>[\d.]+)M prompt tokens in the last hour, and got "
    rf"{PERCENT} of the output that such prompts got in the week before\. {TOP}",
    f"account sim · provider anthropic · reads increase · scope {DEFAULT_WORKSPACE} · "
    f"scope_type workspace · severity warning · workspace_id {DEFAULT_WORKSPACE}",
    f"llm-cost-models?var-workspace={DEFAULT_WORKSPACE}",
    f'workspace:llm_prompt_tokens:increase1h{{workspace_id="{DEFAULT_WORKSPACE}"}} / 1e6',
)
BURST_TOLD = Message(
    "LLMBudgetBurnFast",
    "critical",
    "budget",
    f"workspace {RESEARCH}",
    rf"Budget burst lost {PERCENT} of its month within 1h\.",
    rf"The workspace Research has spent \$(?P<amount>[\d.]+) of \$3000\.00 this month, {USD} of "
    rf"it today\. The month will end at about {USD} \({USD} to {USD}\)\.(?: At this rate the limit "
    rf"is reached on .* UTC\.)? {TOP}",
    f"budget burst · period month · scope {RESEARCH} · scope_type workspace · severity critical · "
    "tier burn · window 1h",
    f"llm-cost-overview?var-budget=burst&var-scope_type=workspace&var-scope={RESEARCH}",
    'llm_budget_spent_usd{budget="burst"}',
)
UNPRICED_TOLD = Message(
    "LLMUnpricedTokens",
    "warning",
    "truth",
    "model claude-nova-1",
    r"Tokens of claude-nova-1 have no price: budget alerts are blind to them\.",
    r"(?P<amount>[\d.]+)M tokens of claude-nova-1 were used in sim in the last hour, and their "
    r"cost is missing from every amount and every budget\. The reason is unknown_model\.",
    "account sim · model claude-nova-1 · provider anthropic · reads increase · reason "
    "unknown_model · scope claude-nova-1 · scope_type model · severity warning",
    "llm-cost-reconciliation?var-account=sim",
    "sum(increase(llm_unpriced_tokens_total[1h])) / 1e6",
)
REFUSED_TOLD = Message(
    "LLMKeyRefused",
    "critical",
    "health",
    "account sim",
    r"The provider refuses the Admin API key of sim\.",
    r"The usage of sim was refused in the last 15 minutes\. Spend of that account stands "
    r"still until the key is replaced\.",
    "account sim · provider anthropic · scope sim · scope_type account · severity critical · "
    "source usage",
    "llm-cost-health?var-account=sim",
)
TOLD = (SPIKE_TOLD, LOOP_TOLD, SPENT_TOLD, BURST_TOLD, UNPRICED_TOLD, REFUSED_TOLD)
HELD_BACK = {
    ("LLMSpendAnomaly1h", RESEARCH),
    ("LLMBudgetBurnSlow", RESEARCH),
    ("LLMBudgetDaySoft", RESEARCH),
    ("LLMBudgetMostlySpent", "all"),
    ("LLMBudgetDayHard", "all"),
}


def alert_labels(message):
    return dict(pair.rsplit(" ", 1) for pair in message.labels.split(" · "))


def in_range(stack, message, amount):
    """Tell whether an amount is what its query has answered since the start, to the last digit."""
    now = datetime.now(UTC)
    low, high = (
        stack.prometheus.value(f"max({extreme}_over_time(({message.amount})[10m:2s]))", now)
        for extreme in ("min", "max")
    )
    return low - 0.01 * abs(low) - 0.01 <= amount <= high + 0.01 * abs(high) + 0.01


@pytest.fixture(scope="module")
def wrong(tmp_path_factory):
    """Spend that runs away, budgets that are spent, a model without a price, a key revoked."""
    prometheus, alertmanager = find_tools(3, "new")
    now = datetime.now(UTC)
    simulator = Simulator(WRONG, seed=7, start=now - 2 * HOUR, history_days=45)
    more = "budgets:\n" + (SPENT + BURST).format(spent=20, burst=3000, period="month")
    month = max(BACKFILLED.days, now.day) + 1
    folder = tmp_path_factory.mktemp("wrong")
    with Stack(folder, simulator, prometheus, more=more, more_history=month) as stack:
        stack.watch(alertmanager)
        wait_until(lambda: told(stack, UNPRICED_TOLD), "it is running", PATIENCE)
        accepted = simulator.switches
        simulator.switches = replace(accepted, admin_key="sk-ant-admin01-another")
        for message in TOLD:
            wait_until(
                lambda message=message: told(stack, message) and mailed(stack, message),
                f"{message.alert} is told",
                PATIENCE,
            )
        wait_until(lambda: inhibited(stack) >= HELD_BACK, "the rest is silent", PATIENCE)
        stack.held_back = inhibited(stack)
        simulator.switches = accepted
        quiet = (SPENT + BURST).format(spent=1e6, burst=1e6, period="month")
        wait_until(lambda: told(stack, REFUSED_TOLD, resolved=True), "the key is good", PATIENCE)
        stack.restart(more=f"{QUIET_BANDS}budgets:\n{quiet}")
        for message in (REFUSED_TOLD, BURST_TOLD, SPIKE_TOLD):
            wait_until(
                lambda message=message: (
                    told(stack, message, resolved=True) and mailed(stack, message, resolved=True)
                ),
                f"{message.alert} is over",
                PATIENCE,
            )
        yield stack


@pytest.mark.parametrize("message", TOLD, ids=[message.alert for message in TOLD])
def test_slack_says_what_how_much_and_what_to_do(wrong, message):
    """Every field of the first message, with amounts that Prometheus had."""
    attachment, block = told(wrong, message)
    found = re.fullmatch(message.description, block["description"])
    assert found, block["description"]
    if message.amount:
        assert in_range(wrong, message, float(found["amount"]))
    assert block["labels"] == message.labels
    assert block["dashboard"] == GRAFANA + message.dashboard
    assert block["runbook"] == RUNBOOK + message.alert.lower()
    assert re.fullmatch(r"http://\S+/graph\?g0\.expr=\S+&g0\.tab=1", block["query"])
    color = {"critical": "danger", "warning": "warning"}[message.severity]
    assert attachment["color"] == color
    assert attachment["title"] == attachment["fallback"]
    assert attachment["title"].startswith(f"[{message.severity}] ")
    receiver = "people-once" if message is SPENT_TOLD else "people"
    assert attachment["title_link"] == f"{PAGE}alerts?receiver={receiver}"
    fields = {field["title"]: field["value"] for field in attachment["fields"]}
    assert fields.pop("Alerts").startswith(f"{len(blocks(attachment))} firing")
    assert fields == {"Scope": message.scope, "Class": message.kind, "Severity": message.severity}
    silence = next(a["url"] for a in attachment["actions"] if a["text"] == "Silence")
    assert silence.startswith(f"{PAGE}silences/new?filter=%7B")
    assert f"class%3D%22{message.kind}%22" in silence
    assert wrong.slack.messages[0]["username"] == "Claude cost"


@pytest.mark.parametrize("message", TOLD, ids=[message.alert for message in TOLD])
def test_mail_says_the_same(wrong, message):
    """Sender, subject, text and HTML of the first mail."""
    mail = mailed(wrong, message)
    said = texts(mail)
    assert mail["From"] == mail["To"] == "claude-cost@example.com"
    assert mail["Subject"].startswith(f"[{message.severity}] ")
    assert re.search(f"^{message.description}$", said["plain"], re.MULTILINE)
    for name, value in alert_labels(message).items():
        assert f"  {name}: {value}\n" in said["plain"]
        assert f"<td>{value}</td>" in said["html"]
    assert f"  Dashboard: {GRAFANA}{message.dashboard}\n" in said["plain"]
    assert f"  Runbook:   {RUNBOOK}{message.alert.lower()}\n" in said["plain"]
    assert f'<a href="{RUNBOOK}{message.alert.lower()}">Runbook</a>' in said["html"]
    assert re.search(r"^  since: \w+ \d+ \w+ \d\d:\d\d UTC$", said["plain"], re.MULTILINE)


@pytest.mark.parametrize(
    "message", [REFUSED_TOLD, BURST_TOLD, SPIKE_TOLD], ids=["key", "budget", "anomaly"]
)
def test_that_it_is_over_is_told(wrong, message):
    """A key that is good again, a budget that was raised, a band that was widened."""
    attachment, block = told(wrong, message, resolved=True)
    assert f"*Resolved: {block['summary']}*" in attachment["text"]
    assert block["labels"] == message.labels
    assert mailed(wrong, message, resolved=True)["From"] == "claude-cost@example.com"
    if attachment["title"].startswith("[resolved]"):
        assert attachment["color"] == "good"


def test_what_a_period_has_used_is_never_over(wrong):
    """A limit that was raised, as a month that begins, is no message."""
    assert told(wrong, SPENT_TOLD, resolved=True) is None


def test_what_explains_silences_what_it_explains(wrong):
    """The day over its hour, the whole budget over its part, fast over slow, hard over soft."""
    assert wrong.held_back >= HELD_BACK
    assert {name for name, _ in wrong.held_back} & {message.alert for message in TOLD} == set()
