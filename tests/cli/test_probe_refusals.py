"""`probe` where a key may not read everything, or the API answers badly: what it says of each."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from claude_cost_exporter.cli.probe_report import examine
from claude_cost_exporter.clock import ManualClock
from claude_cost_exporter.errors import ServerError
from claude_cost_exporter.pricing.book import PriceBook
from claude_cost_exporter.simulator import Availability, OpenBucket, SpeedGrouping, Switches, faults
from claude_cost_exporter.sources.findings import Finding, Verdict
from tests.support.probed import QUESTIONS, accounts, found, verdicts


@pytest.mark.parametrize(
    ("switches", "question", "words"),
    [
        (Switches(open_hour=OpenBucket.CLOSED_ONLY), "open hour at 1h", "is read at 1m"),
        (Switches(speed=SpeedGrouping.REFUSED), "usage by speed", "cost is a lower bound"),
        (
            Switches(default_workspace_readable=False),
            "default workspace",
            "shown under the workspace_id default",
        ),
    ],
)
def test_what_can_be_done_without_is_no_failure(frozen, probe, switches, question, words):
    """The one question says no and how it goes without; the exit code stays 0."""
    result = probe(frozen(switches=switches), options=["--format=json"])

    assert result.exit_code == 0
    assert verdicts(result) == dict.fromkeys(QUESTIONS, "yes") | {question: "no"}
    assert words in found(result, question)["sentence"]


@pytest.mark.parametrize("why", [one for one in Availability if one != "served"])
def test_what_not_every_key_may_read_is_said(frozen, probe, why):
    """Claude Code and limits are refused one by one, with what follows; the exit code stays 0."""
    refused = dict.fromkeys(("Claude Code", "spend limits", "rate limits"), "no")
    switches = Switches(claude_code=why, spend_limits=why, rate_limits=why)
    result = probe(frozen(switches=switches), options=["--format=json"])

    assert result.exit_code == 0
    assert verdicts(result) == dict.fromkeys(QUESTIONS, "yes") | refused
    status = {"forbidden": 403, "not_found": 404, "gone": 410, "unsupported": 400}[why]
    assert {found(result, question)["status"] for question in refused} == {status}
    assert "claude_code: {users: off}" in found(result, "Claude Code")["sentence"]
    for question in ("spend limits", "rate limits"):
        assert found(result, question)["sentence"].endswith("; their metrics are absent")


@pytest.mark.parametrize("availability", [a for a in Availability if a != "served"])
def test_without_analytics_the_bill_comes_from_the_cost_report(frozen, probe, availability):
    """A refused analytics API is no failure: the report it will be read from instead is asked."""
    simulator = frozen(switches=Switches(analytics=availability))
    result = probe(simulator, options=["--format=json"])

    assert result.exit_code == 0
    assert found(result, "bill from analytics")["verdict"] == "no"
    assert "the bill comes from the cost report" in found(result, "bill from analytics")["sentence"]
    legacy = found(result, "bill from the cost report")
    assert legacy["verdict"] == "yes"
    assert "rows of the last closed day; the bill comes from here" in legacy["sentence"]
    assert {"amount", "cost_type", "token_type", "workspace_id"} <= set(legacy["fields"])


def test_a_workspace_key_is_refused_once(frozen, probe):
    """The refusal says which key is needed; the other questions say that they are not asked."""
    simulator = frozen()

    result = probe(simulator, options=["--format=json"], key="sk-ant-api03-canary-0123456789")

    assert result.exit_code == 1
    assert simulator.requests.total == 1
    assert [*verdicts(result).values()] == ["no"] + ["not asked"] * (len(QUESTIONS) - 1)
    assert found(result, "organisation")["status"] == 403
    assert "use an Admin API key" in found(result, "organisation")["sentence"]
    assert found(result, "API keys")["sentence"] == "not asked, because organisation failed"
    assert accounts(result)[0]["month_to_date"] is None


def test_a_missing_permission_is_one_finding(frozen, probe):
    """An Admin key that may not read one list is not told to become an Admin key."""
    simulator = frozen()
    simulator.faults.add(faults.error(403), endpoint="api_keys")

    result = probe(simulator, options=["--format=json"])

    refused = {name for name, verdict in verdicts(result).items() if verdict != "yes"}
    assert refused == {"API keys"}
    assert "not one that may read this" in found(result, "API keys")["sentence"]


def test_a_wrong_key_is_asked_for_once(frozen, probe):
    """After a 401 nothing more is asked: the other questions say so."""
    simulator = frozen()

    result = probe(simulator, key="sk-ant-wrong-canary-0123456789")

    assert result.exit_code == 1
    assert simulator.requests.total == 1
    assert "check the Admin API key of this account" in result.stdout
    assert result.stdout.count("not asked, because organisation failed") == len(QUESTIONS) - 2


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (faults.error(404), "HTTP 404"),
        (faults.html(200), "expected JSON, got a body that starts with '<!doctype html>"),
        (faults.body(b'{"data": [{"id": 5}], "has_more": false}'), "$.data[0].id"),
    ],
)
def test_one_bad_answer_is_one_finding(frozen, probe, fault, words):
    """What is broken is named with its cause, everything else is asked all the same."""
    simulator = frozen()
    simulator.faults.add(fault, endpoint="api_keys")

    result = probe(simulator, options=["--format=json"])

    assert result.exit_code == 1
    refused = {name for name, verdict in verdicts(result).items() if verdict != "yes"}
    assert refused == {"API keys"}
    assert words in found(result, "API keys")["sentence"]


def test_it_does_not_wait_for_an_api_that_limits_it(frozen, probe):
    """When retries do not help, the rest is not asked."""
    simulator = frozen()
    simulator.faults.add(faults.rate_limited(), times=100, endpoint="api_keys")

    result = probe(simulator, options=["--format=json"])

    assert result.exit_code == 1
    assert found(result, "API keys")["status"] == 429
    assert found(result, "usage by price")["sentence"] == "not asked, because API keys failed"


class Broken:
    """A probe whose month cannot be read."""

    def findings(self):
        yield Finding("everything", "/v1/x", needed=True, verdict=Verdict.YES, sentence="fine")

    def usage(self, window):
        assert window.start.day == 1
        raise ServerError("HTTP 503")


def test_a_month_that_cannot_be_read_is_a_failure():
    """The last question is whether the totals can be read; without them none are shown."""
    clock = ManualClock(datetime(2026, 11, 1, 0, 5, tzinfo=UTC))

    report = examine("acme", Broken(), PriceBook.packaged(), clock, lambda _: None)

    assert report.total is None
    assert [finding.question for finding in report.missed] == ["month to date"]
