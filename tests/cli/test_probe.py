"""`probe`: what a key may read, against a simulated API on a real socket."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from claude_cost_exporter.cli import app
from claude_cost_exporter.cli.probe_report import examine
from claude_cost_exporter.clock import ManualClock, floor_hour
from claude_cost_exporter.errors import ServerError
from claude_cost_exporter.pricing.book import PriceBook
from claude_cost_exporter.records import NANO
from claude_cost_exporter.simulator import (
    Availability,
    OpenBucket,
    SpeedGrouping,
    Switches,
    faults,
)
from claude_cost_exporter.sources.findings import Finding, Verdict
from tests.cli.conftest import KEY

QUESTIONS = [
    "organisation",
    "workspaces",
    "default workspace",
    "API keys",
    "usage by speed",
    "usage by price",
    "usage by workspace and key",
    "open hour at 1h",
    "usage by minute",
    "bill from analytics",
    "Claude Code",
    "spend limits",
    "rate limits",
    "month to date",
]


@pytest.fixture
def frozen(api):
    """Return a function that starts an API whose usage stands still at this moment."""

    def start(scenario="steady", *, age=timedelta(0), **options):
        now = datetime.now(UTC)
        return api(scenario, clock=ManualClock(now), start=now - age, **options)

    return start


@pytest.fixture
def probe(config, tmp_path, monkeypatch):
    """Return a function that probes APIs, checks that no key shows, and gives the result."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("KEY", KEY)

    def run(*apis, options=(), key=KEY, **settings):
        monkeypatch.setenv("KEY", key)
        path = config(*[one.url for one in apis], **({"poll_interval": "2s"} | settings))
        result = CliRunner().invoke(app, ["probe", f"--config.file={path}", *options])
        assert key not in result.output
        assert not list(tmp_path.glob("**/ledger.db*"))
        return result

    return run


def accounts(result):
    """Return the accounts of a JSON report."""
    return json.loads(result.stdout)["accounts"]


def verdicts(result):
    """Return the verdict of every question about the only account."""
    (account,) = accounts(result)
    return {finding["question"]: finding["verdict"] for finding in account["findings"]}


def found(result, question):
    """Return one finding about the only account."""
    (account,) = accounts(result)
    return next(one for one in account["findings"] if one["question"] == question)


def test_a_good_key_may_do_everything(frozen, probe):
    """Every question is answered with yes, the exit code is 0, and no ledger is made."""
    result = probe(frozen(), options=["--format=json"])

    assert result.exit_code == 0
    assert verdicts(result) == dict.fromkeys(QUESTIONS, "yes")
    assert found(result, "workspaces")["fields"][:3] == [
        "archived_at",
        "compartment_id",
        "created_at",
    ]
    assert set(found(result, "usage by price")["fields"]) >= {"speed", "cache_creation", "model"}
    assert "4 buckets" in found(result, "usage by price")["sentence"]


def test_each_question_is_one_request(frozen, probe):
    """Beside the pages of this month, it asks 12 times in all, and every answer was a 200."""
    simulator = frozen()

    probe(simulator)

    days = simulator.clock.now().day
    usage = simulator.requests.by_endpoint.pop("usage_messages")
    once = ("organization", "api_keys", "analytics_cost", "claude_code", "spend_limits")
    others = {"workspaces": 2, "rate_limits": 1} | dict.fromkeys(once, 1)
    assert simulator.requests.by_endpoint == others
    assert usage == 4 + -(-days // 7)
    assert simulator.requests.by_status == {200: 8 + usage}


def test_the_month_is_what_the_api_shows(frozen, probe):
    """Tokens of every type and model are exact, and the cost is that of the simulator's truth."""
    simulator = frozen()
    now = simulator.clock.now()
    month = floor_hour(now).replace(day=1, hour=0)

    result = probe(simulator, options=["--format=json"])

    (account,) = accounts(result)
    shown = account["month_to_date"]
    truth = simulator.truth(month, floor_hour(now) + timedelta(hours=1), now, visible=True)
    by_type = Counter()
    for labels, tokens in truth.tokens_by_labels().items():
        by_type[labels[-1]] += tokens
    assert shown["total"]["tokens"] == by_type
    assert shown["since"] == month.isoformat()
    assert shown["time_zone"] == "UTC"
    assert set(shown["models"]) == {name for name, cost in truth.cost_by_model().items() if cost}
    cost = Decimal(shown["total"]["estimated_cost_usd"])
    assert abs(cost - Decimal(truth.cost) / NANO) < Decimal("0.00001")
    parts = [Decimal(one["estimated_cost_usd"]) for one in shown["models"].values()]
    assert sum(parts) == cost


def test_tokens_without_a_price_are_named(frozen, probe):
    """They are not priced as 0 in silence: model, count and reason stand below the table."""
    simulator = frozen("new_model", age=timedelta(hours=2))

    lines = probe(simulator).stdout.splitlines()

    unpriced = [line for line in lines if line.startswith("without a price")]
    assert [line.split(":")[0] for line in sorted(unpriced)] == [
        "without a price (priority_tier)",
        "without a price (unknown_model)",
    ]
    assert "tokens of claude-nova-1" in "".join(unpriced)


def test_people_get_a_tidy_table(frozen, probe):
    """The table has every question, the totals, and says what to compare them with."""
    result = probe(frozen())

    assert result.exit_code == 0
    for question in QUESTIONS:
        assert f"\n  {question} " in result.stdout
    assert "Compare these with the Console for the same UTC days" in result.stdout
    assert "The cost here is estimated: tokens x prices." in result.stdout
    assert "cache_write_1h" in result.stdout
    assert result.stdout.endswith("all that is needed can be read\n")


@pytest.mark.parametrize("form", ["table", "json"])
def test_names_are_shown_only_on_request(frozen, probe, form):
    """Without --names no name or id of the customer is printed; with it they are."""
    simulator = frozen()
    organisation = simulator.scenario.organisation
    names = [organisation.name, organisation.id]
    names += [w.id for w in organisation.workspaces] + [k.id for k in organisation.api_keys]

    quiet = probe(simulator, options=[f"--format={form}"]).stdout
    full = probe(simulator, options=[f"--format={form}", "--names"]).stdout

    assert [name for name in names if name in quiet] == []
    assert [name for name in names if name not in full] == []


def test_hostile_names_stay_text(frozen, probe):
    """Escape codes and markup in names do nothing to a terminal."""
    result = probe(frozen("hostile"), options=["--names"])

    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert all(character.isprintable() or character == "\n" for character in result.stdout)


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


def test_claude_code_that_is_off_is_not_asked_about(frozen, probe):
    """With `users: off` the probe leaves the report alone, as the exporter will."""
    simulator = frozen()
    result = probe(simulator, options=["--format=json"], claude_code={"users": "off"})

    assert result.exit_code == 0
    assert verdicts(result) == dict.fromkeys(QUESTIONS, "yes") | {"Claude Code": "not asked"}
    assert simulator.requests.by_endpoint["claude_code"] == 0


@pytest.mark.parametrize("form", ["table", "json"])
def test_no_user_of_claude_code_is_named(frozen, probe, form):
    """People are counted, never named, not even where names are asked for."""
    shown = probe(frozen(), options=[f"--format={form}", "--names"]).stdout

    assert "Claude Code" in shown
    assert "@acme.example" not in shown


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


@pytest.mark.parametrize(
    ("chosen", "asked", "missing"),
    [("legacy", "cost_report", "analytics_cost"), ("analytics", "analytics_cost", "cost_report")],
)
def test_the_api_that_is_configured_is_asked(frozen, probe, chosen, asked, missing):
    """With legacy or analytics in the configuration only that one is asked, and it is needed."""
    simulator = frozen()
    assert probe(simulator, api=chosen).exit_code == 0
    assert simulator.requests.by_endpoint[asked] == 1
    assert simulator.requests.by_endpoint[missing] == 0
    simulator.faults.add(faults.error(403), times=9, endpoint=asked)
    assert probe(simulator, api=chosen).exit_code == 1
    assert simulator.requests.by_endpoint[missing] == 0


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


def test_fields_that_this_version_does_not_know_are_shown(frozen, probe):
    """They are part of the shape: an early sign that the API has changed."""

    def edit(document):
        document["data"][0]["results"] = [{**row(), "colour": "blue"}]

    def row():
        return {
            "uncached_input_tokens": 1,
            "cache_read_input_tokens": 0,
            "output_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "server_tool_use": {"web_search_requests": 0},
        }

    simulator = frozen()
    simulator.faults.add(faults.edited(edit), endpoint="usage_messages")

    result = probe(simulator, options=["--format=json"])

    assert result.exit_code == 0
    finding = found(result, "usage by speed")
    assert "fields unknown to this version: data[].results[].colour" in finding["sentence"]
    assert "blue" not in result.stdout


def test_every_account_is_probed_unless_one_is_chosen(frozen, probe):
    """One bad account makes the exit code 1; --account asks about one only."""
    good, bad = frozen(), frozen(switches=Switches(key_kinds=("sk-other",)))

    both = probe(good, bad, options=["--format=json"])
    one = probe(good, bad, options=["--format=json", "--account=acme-0"])

    assert [account["ok"] for account in accounts(both)] == [True, False]
    assert [account["account"] for account in accounts(one)] == ["acme-0"]
    assert (both.exit_code, one.exit_code) == (1, 0)


def test_an_unknown_account_is_a_wrong_command_line(frozen, probe):
    """The sentence has the known ones; exit code 2, and nothing was asked."""
    simulator = frozen()

    result = probe(simulator, options=["--account=acme"])

    assert result.exit_code == 2
    assert "'acme' is no account of the configuration; known: acme-0" in result.output
    assert simulator.requests.total == 0


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
