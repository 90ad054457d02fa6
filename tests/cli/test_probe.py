"""`probe`: what a key may read, against a simulated API on a real socket."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest

from claude_cost_exporter.clock import floor_hour
from claude_cost_exporter.records import NANO
from claude_cost_exporter.simulator import Switches, faults
from tests.support.probed import QUESTIONS, accounts, found, verdicts


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
