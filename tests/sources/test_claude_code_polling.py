"""Claude Code and limits end to end: a simulated organisation, polled, stored and exposed."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from claude_cost_exporter.simulator import Availability, Request, Switches, faults
from tests.support.simulated import KEY, START, Simulated

NOON = START + timedelta(days=6, hours=12, minutes=20)
TODAY = NOON.date()
REPORT = "/v1/organizations/usage_report/claude_code"
ADDRESSES = tuple(f"{name}@acme.example" for name in ("maria.lopez", "jun.tanaka", "o.petrova"))
MADE_KEY = "maria.lopez_qzxw"  # what Claude Code called a key that it made
NAMES = (*ADDRESSES, "ci-review", MADE_KEY)
SAMPLE = re.compile(r"^(\w+)\{(.*)\} (\S+)$", re.MULTILINE)


@pytest.fixture
def begin(tmp_path):
    """Start exporters on one folder and read everything that there is to read."""
    begun = []

    def start(**options):
        simulated = Simulated(tmp_path, start=NOON, **{"history": "9d"} | options)
        begun.append(simulated)
        catch_up(simulated)
        return simulated

    yield start
    for simulated in begun:
        simulated.close()


def catch_up(simulated):
    simulated.poll()
    while simulated.poller.load_history():
        pass


def samples(simulated, family):
    """Return the samples of a family: labels without provider and account, and the value."""
    found = {}
    for name, inside, value in SAMPLE.findall(simulated.text()):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', inside))
        if name == family:
            key = frozenset(labels.items() - {("provider", "anthropic"), ("account", "sim")})
            found[key] = float(value)
    return found


def total(simulated, family, **labels):
    wanted = labels.items()
    return sum(v for key, v in samples(simulated, family).items() if wanted <= key)


def report(simulated, day):
    """Return the rows of one day as the API gives them."""
    target = f"{REPORT}?starting_at={day}&limit=1000"
    headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
    answer = simulated.simulator.handle(Request.parse("GET", target, headers))
    return json.loads(b"".join(answer.chunks()), parse_float=Decimal)["data"]


def days(window):
    first = {"today": TODAY, "yesterday": TODAY - timedelta(days=1)}.get(
        window, TODAY.replace(day=1)
    )
    last = first if window == "yesterday" else TODAY
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


@pytest.mark.parametrize("window", ["today", "yesterday", "month_to_date"])
def test_every_sum_is_that_of_the_report(begin, window):
    """Money to the cent, tokens and work: by user and by model, both add up to the report."""
    simulated = begin()
    expected = Counter()
    for row in [row for day in days(window) for row in report(simulated, day)]:
        expected["sessions"] += row["core_metrics"]["num_sessions"]
        expected["added"] += row["core_metrics"]["lines_of_code"]["added"]
        expected["commits"] += row["core_metrics"]["commits_by_claude_code"]
        expected["rejected"] += sum(one["rejected"] for one in row["tool_actions"].values())
        for part in row["model_breakdown"]:
            expected["cents"] += part["estimated_cost"]["amount"]
            expected["output"] += part["tokens"]["output"]
            expected["cache_write"] += part["tokens"]["cache_creation"]
    prefix, at = "llm_claude_code_", {"window": window}
    for family in ("user_cost_usd", "model_cost_usd"):
        assert total(simulated, prefix + family, **at) == pytest.approx(
            float(expected["cents"]) / 100, abs=1e-9
        )
    assert expected["cents"] > 0
    assert {
        "sessions": total(simulated, prefix + "sessions", **at),
        "added": total(simulated, prefix + "lines", change="added", **at),
        "commits": total(simulated, prefix + "commits", **at),
        "rejected": total(simulated, prefix + "edits", decision="rejected", **at),
        "output": total(simulated, prefix + "model_tokens", token_type="output", **at),
        "cache_write": total(simulated, prefix + "model_tokens", token_type="cache_write", **at),
    } == {name: float(expected[name]) for name in expected if name != "cents"}
    assert len(samples(simulated, prefix + "sessions")) == 3 * 4  # a person remote and local is one


def everything(simulated, folder, printed):
    """Return all that leaves the process: metrics, status page, log, and the ledger's files."""
    text = simulated.text().encode()
    page = simulated.exporter.publisher.current.status_page
    files = b"".join(path.read_bytes() for path in folder.iterdir())
    return text + page + printed.out.encode() + printed.err.encode() + files


def test_canary_no_name_leaves_the_source_when_hashed(begin, tmp_path, capfd):
    """Nothing that the exporter exposes, logs or stores holds an address or a key's name."""
    simulated = begin()
    half = json.dumps({"data": report(simulated, TODAY)})[:250].encode()
    assert b"acme.example" in half
    simulated.simulator.faults.add(faults.body(half), times=1, endpoint="claude_code")
    simulated.wait(hours=1)
    simulated.poll()
    assert "broken JSON" in simulated.source("claude_code").error
    found = everything(simulated, tmp_path, capfd.readouterr())
    assert [name for name in NAMES if name.encode() in found] == []
    assert b"@acme" not in found


def test_names_are_shown_on_request(begin, tmp_path, capfd):
    """With `users: shown` the same check finds every name: the canary can sing."""
    simulated = begin(source="claude_code: {users: shown}")
    found = everything(simulated, tmp_path, capfd.readouterr())
    assert [name for name in NAMES if name.encode() not in found] == []
    users = {dict(key)["user"] for key in samples(simulated, "llm_claude_code_sessions")}
    assert "jun.tanaka@acme.example" in users
    assert "api_key:ci-review" in users


def test_names_that_were_shown_are_forgotten(begin, tmp_path):
    """After `shown` was taken back no file has a name, and a month later nothing is missing."""
    simulated = begin(source="claude_code: {users: shown}")
    before = total(simulated, "llm_claude_code_user_cost_usd", window="month_to_date")
    simulated.options["source"] = ""
    simulated.restart()
    assert not samples(simulated, "llm_claude_code_sessions")
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert [name for name in ("acme.example", MADE_KEY) if name.encode() in kept] == []
    catch_up(simulated)
    assert total(
        simulated, "llm_claude_code_user_cost_usd", window="month_to_date"
    ) == pytest.approx(before)


def test_hashes_survive_a_restart(begin):
    """The same people have the same hashes after a restart, so their series go on."""
    simulated = begin()
    before = samples(simulated, "llm_claude_code_sessions").keys()
    simulated.restart()
    simulated.poll()
    assert samples(simulated, "llm_claude_code_sessions").keys() == before


def test_off_reads_nothing(begin):
    """With `users: off` the report is never asked for, and there is no such source."""
    simulated = begin(source="claude_code: {users: off}")
    assert simulated.simulator.requests.by_endpoint["claude_code"] == 0
    assert "llm_claude_code_sessions{" not in simulated.text()
    assert 'source="claude_code"' not in simulated.text()


def test_t14_the_cap_keeps_the_sum(begin):
    """T14: two users have names, the rest is `other`; sums do not change, and it is counted."""
    simulated = begin(source="claude_code: {max_users: 2}")
    money = samples(simulated, "llm_claude_code_user_cost_usd")
    users = {dict(key)["user"] for key in money}
    assert len(users) == 3
    assert "other" in users
    assert total(simulated, "llm_claude_code_user_cost_usd", window="yesterday") == pytest.approx(
        total(simulated, "llm_claude_code_model_cost_usd", window="yesterday")
    )
    family = 'family="llm_claude_code_user_cost_usd"'
    assert f"claude_cost_exporter_series_dropped_total{{{family}}} 2.0" in simulated.text()


def test_subscriptions_are_no_spend(begin):
    """What subscriptions used has a label of its own, and changes no other metric."""

    def subscribe(document):
        for row in document["data"]:
            row["customer_type"] = "subscription"
            row["subscription_type"] = "team"

    simulated = begin()
    simulated.restart()
    simulated.poll()
    others = {
        family: samples(simulated, family) for family in ("llm_spend_usd", "llm_model_spend_usd")
    }
    simulated.simulator.faults.add(faults.edited(subscribe), times=4, endpoint="claude_code")
    simulated.restart()
    simulated.poll()
    money = samples(simulated, "llm_claude_code_user_cost_usd")
    kinds = {dict(key)["customer_type"] for key in money if ("window", "yesterday") in key}
    assert kinds == {"subscription"}
    assert {family: samples(simulated, family) for family in others} == others


def test_requests_of_a_day(begin):
    """Two days an hour, four once a day, and history by the day: as few requests as that."""
    simulated = begin(history="40d")
    log = simulated.simulator.requests
    assert log.by_endpoint["claude_code"] == 2 + 30
    log.clear()
    for _ in range(24):
        simulated.wait(hours=1)
        simulated.poll()
    asked = [entry for entry in log.entries if entry.endpoint == "claude_code"]
    assert len(asked) == 23 * 2 + 4
    assert log.by_endpoint["rate_limits"] == log.by_endpoint["spend_limits"] == 24
    ages = Counter(
        (entry.at.date() - datetime.fromisoformat(dict(entry.query)["starting_at"]).date()).days
        for entry in asked
    )
    assert ages == {0: 24, 1: 24, 2: 1, 3: 1}


def test_windows_stay_over_midnight(begin):
    """The month does not vanish at midnight, and yesterday is whole soon after."""
    simulated = begin()
    simulated.wait(hours=10, minutes=20)
    for _ in range(20):
        simulated.wait(minutes=15)
        simulated.poll()
        family = "llm_claude_code_model_cost_usd"
        shown = {dict(key)["window"] for key in samples(simulated, family)}
        assert {"yesterday", "month_to_date"} <= shown, simulated.clock.now()


@pytest.mark.parametrize("why", [Availability.FORBIDDEN, Availability.NOT_FOUND,
                                 Availability.GONE, Availability.UNSUPPORTED])  # fmt: skip
def test_limits_that_may_not_be_read(begin, why, capfd):
    """The source is up and says what is missing; there is no series and no failure."""
    simulated = begin(switches=Switches(spend_limits=why, rate_limits=why), history="0d")
    text = simulated.text()
    assert 'llm_source_up{account="sim",provider="anthropic",source="limits"} 1.0' in text
    assert "llm_provider_spend_limit_usd{" not in text
    assert "llm_provider_rate_limit{" not in text
    assert 'poll_failures_total{account="sim",kind="forbidden",source="limits"' not in text
    notes = simulated.source("limits").notes
    assert [note.partition(" cannot")[0] for note in notes] == ["spend limits", "rate limits"]
    page = simulated.exporter.publisher.current.status_page.decode()
    assert "spend limits cannot be read and are absent" in page


def test_limits_are_shown(begin):
    """The organisation's and the workspaces' caps arrive with their scope."""
    simulated = begin(history="0d")
    spend = samples(simulated, "llm_provider_spend_limit_usd")
    assert {(dict(key)["scope_type"], dict(key)["scope"]): usd for key, usd in spend.items()} == {
        ("usage_tier", "sim"): 200_000,
        ("account", "sim"): 15_000,
        ("workspace", "wrkspc_01Prod7HsNf3VbGmKe9XcJa"): 10_000,
        ("workspace", "wrkspc_01Rsch2MxTq6WpDzRu5YhBv"): 2_500,
    }
    research = {("workspace_id", "wrkspc_01Rsch2MxTq6WpDzRu5YhBv"), ("models", "claude-opus-5-5")}
    rates = samples(simulated, "llm_provider_rate_limit")
    assert {dict(key)["limiter"]: cap for key, cap in rates.items() if research <= key} == {
        "requests_per_minute": 500,
        "output_tokens_per_minute": 100_000,
    }
    assert simulated.snapshot().spend_limits["sim"][0].scope_type == "account"
