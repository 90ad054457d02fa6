"""What people must be told of an alert, and where to find it in what they were sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

import pytest

from claude_cost_exporter.simulator import flows, ratecard
from tests.alerting.receivers import texts
from tests.alerting.servers import AlertmanagerTools
from tests.e2e.servers import MissingServerError, PrometheusTools

PATIENCE = 120.0
RESEARCH = "wrkspc_01Rsch2MxTq6WpDzRu5YhBv"
USD = r"\$-?\d+\.\d\d"
PERCENT = r"[\d.e+]+%"
TOP = rf"Most of the last 24 hours: [\w-]+, {USD}\."
PAGE = "http://alertmanager.test/#/"
GRAFANA = "http://localhost:3000/d/"
RUNBOOK = "https://runbooks.example.com/runbooks.md#"
BLOCK = re.compile(
    r"\*(?:Resolved: )?(?P<summary>.*)\*\n(?P<description>.*)\n"
    r"_(?P<labels>.*) · since (?P<since>\w+ \d+ \w+ \d\d:\d\d UTC)(?P<until> until .* UTC)?_"
    r"(?:\n<(?P<dashboard>.*)\|Dashboard>\n<(?P<runbook>.*)\|Runbook>\n<(?P<query>.*)\|Query>)?"
)


def flow(name, workspace, key, line, per_hour, **when):
    return flows.Flow(name, workspace, key, line, per_hour, flows.FLAT, **when)


FROM_START = {"begins": timedelta(0)}
SPIKE_COUNTS = (27_000_000, 4_500_000, 90_000_000, 2_700_000, 0, 0)
SPIKE = flow("spike", "research", "evals", ratecard.OPUS, SPIKE_COUNTS, **FROM_START)
SPENT = "  - {{name: spent, amount_usd: {spent}, period: {period}}}\n"


@dataclass(frozen=True, slots=True)
class Message:
    """What must be told of one alert; texts are patterns, with the amount in a group."""

    alert: str
    severity: str
    kind: str
    scope: str
    summary: str
    description: str
    labels: str
    dashboard: str
    amount: str = ""
    """What the amount is, as a query."""


SPIKE_TOLD = Message(
    "LLMSpendAnomaly24h",
    "warning",
    "anomaly",
    f"workspace {RESEARCH}",
    rf"Unusual spend of Research within 24h: {USD}\.",
    rf"The workspace Research has spent \$(?P<amount>[\d.]+) in the last 24h, where {USD} was "
    rf"expected and up to {USD} is normal\. That is {USD} more than expected\. {TOP}",
    f"scope {RESEARCH} · scope_type workspace · severity warning · team research · window 24h",
    f"llm-cost-forecast?var-scope_type=workspace&var-scope={RESEARCH}",
    f'llm_window_spend_usd{{scope="{RESEARCH}",window="24h"}}',
)
SPENT_TOLD = Message(
    "LLMBudgetSpent",
    "critical",
    "budget",
    "all",
    rf"Budget spent is spent: {PERCENT} of its month\.",
    rf"Everything together has spent \$(?P<amount>[\d.]+) of \$20\.00 this month, {USD} of it "
    rf"today\. The month will end at about {USD} \({USD} to {USD}\)\. {TOP}",
    "budget spent · period month · scope all · scope_type all · severity critical · tier period",
    "llm-cost-overview?var-budget=spent&var-scope_type=all&var-scope=all",
    'llm_budget_spent_usd{budget="spent"}',
)


def find_tools(prometheus, alertmanager):
    try:
        return PrometheusTools.find(prometheus), AlertmanagerTools.find(alertmanager)
    except MissingServerError as error:
        pytest.fail(str(error), pytrace=False)


def blocks(attachment):
    """Return what a Slack message says of each alert; the links of a single one are buttons."""
    buttons = {action["text"].lower(): action["url"] for action in attachment["actions"]}
    found = [match.groupdict() for match in BLOCK.finditer(attachment["text"])]
    return [{**block, **({} if block["query"] else buttons)} for block in found]


def told(stack, message, *, resolved=False):
    """Return the first Slack message about an alert and its block in it, or nothing."""
    for attachment in list(stack.slack.attachments):
        if attachment["fields"][0]["value"] == message.scope:
            for block in blocks(attachment):
                if bool(block["until"]) == resolved and is_about(block["summary"], message):
                    return attachment, block
    return None


def is_about(summary, message):
    return re.fullmatch(message.summary, summary)


def mailed(stack, message, *, resolved=False):
    """Return the first mail about an alert, or nothing."""
    line = re.compile(f"^{'Resolved: ' if resolved else ''}{message.summary}$", re.MULTILINE)
    about = (mail for mail in list(stack.mail.messages) if line.search(texts(mail)["plain"]))
    return next((mail for mail in about if mail["Subject"].endswith(f"· {message.scope}")), None)


def inhibited(stack):
    """Return (alert, scope) of what Alertmanager holds back."""
    return {
        (alert["labels"]["alertname"], alert["labels"]["scope"])
        for alert in stack.alertmanager.alerts()
        if alert["status"]["inhibitedBy"]
    }
