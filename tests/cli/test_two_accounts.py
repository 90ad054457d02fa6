"""Two accounts: each organisation is counted under one name, whatever the configuration says."""

from __future__ import annotations

import re
from dataclasses import replace
from threading import Event

import httpx
import pytest
from structlog.testing import capture_logs

from claude_cost_exporter.cli.wiring import SOURCE_TYPES, Exporter
from claude_cost_exporter.clock import ManualClock
from claude_cost_exporter.config.load import load
from claude_cost_exporter.errors import LedgerError, OrganizationError
from claude_cost_exporter.pricing.overrides import Override
from claude_cost_exporter.simulator import Simulator, faults
from claude_cost_exporter.simulator.organisation import ACME
from claude_cost_exporter.simulator.scenarios import STEADY
from tests.support.simulated import START, InProcess

FIRST, SECOND = "sk-ant-admin01-first-key", "sk-ant-admin01-second-key"
ZETA = replace(STEADY, organisation=replace(ACME, id="b1946ac9-zeta", name="Zeta"))
BLOCK = '{{type: anthropic, account: {name}, admin_key_env: {key}, base_url: "{url}", history: 0d}}'
TWINS = (
    f"accounts first and second both belong to organisation {ACME.id}: its usage would count "
    "twice; remove one of them"
)


class ByKey(httpx.BaseTransport):
    """Hands each key's requests to its own simulator."""

    def __init__(self, simulators) -> None:
        self._behind = {key: InProcess(simulator) for key, simulator in simulators.items()}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._behind[request.headers["x-api-key"]].handle_request(request)


class Two:
    """An exporter with two accounts, each with a simulator of its own."""

    def __init__(self, folder, *scenarios, names=("first", "second")) -> None:
        self.clock = ManualClock(START)
        self.simulators = [Simulator(scenario, clock=self.clock) for scenario in scenarios]
        keys = dict(zip((FIRST, SECOND), self.simulators, strict=False))
        blocks = [
            BLOCK.format(name=name, key=variable, url="http://127.0.0.1:9")
            for name, variable in zip(names, ("ONE", "TWO"), strict=False)
        ]
        document = (
            f'sources: [{", ".join(blocks)}]\nledger: {{url: "sqlite:///{folder}/ledger.db"}}'
        )
        self.exporter = Exporter(
            load(document, SOURCE_TYPES, Override),
            clock=self.clock,
            stop=Event(),
            environment={"ONE": FIRST, "TWO": SECOND},
            transport=ByKey(keys),
        )

    def poll(self, **later):
        for poller in self.exporter.pollers:
            poller.poll()

    def lines(self, account):
        """Return the samples about an account, as a scrape gets them."""
        self.exporter.publisher.publish()
        text = self.exporter.publisher.current.exposition.text.plain.decode()
        return {line for line in text.splitlines() if f'account="{account}"' in line}

    def error(self, name):
        (poller,) = [one for one in self.exporter.pollers if one.account == name]
        return poller.attempts["usage"].error

    def rows(self):
        """Return the accounts that have sums in the ledger."""
        return {scope.account for scope in self.exporter.ledger.snapshot(self.clock.now()).days}


@pytest.fixture
def two(tmp_path):
    """Make exporters with two accounts, one at a time on the same ledger."""
    made = []

    def make(*scenarios, **options):
        if made:
            made[-1].exporter.close()
        made.append(Two(tmp_path, *scenarios, **options))
        return made[-1]

    yield make
    made[-1].exporter.close()


def test_two_organisations_are_two_accounts(two):
    """Different organisations start, and both are counted."""
    both = two(STEADY, ZETA)
    both.exporter.identify()
    both.poll()
    assert both.exporter.ledger.owners() == {"first": ACME.id, "second": "b1946ac9-zeta"}
    assert both.rows() == {"first", "second"}
    assert [one.requests.by_endpoint["organization"] for one in both.simulators] == [2, 2]


def test_two_accounts_of_one_organisation_end_the_start(two):
    """Each is asked once; the error names both accounts and the organisation."""
    both = two(STEADY, STEADY)
    with pytest.raises(OrganizationError) as caught:
        both.exporter.identify()
    assert str(caught.value) == TWINS
    assert [one.requests.total for one in both.simulators] == [1, 1]


def test_one_account_is_not_asked_at_its_start(two):
    """A single account of a new ledger starts without waiting for the API."""
    one = two(STEADY, names=("first",))
    one.exporter.identify()
    assert one.simulators[0].requests.total == 0


def test_when_the_api_is_down_at_start_the_second_account_still_does_not_count(two):
    """An API that cannot be reached delays the question; the usage waits for its answer."""
    both = two(STEADY, STEADY)
    for simulator in both.simulators:
        simulator.faults.add(faults.dropped(), times=1)
    with capture_logs() as logged:
        both.exporter.identify()
    waiting = [line["account"] for line in logged if "is not known yet" in line["event"]]
    assert sorted(waiting) == ["first", "second"]
    both.poll()
    assert both.error("first") == ""
    assert both.error("second") == TWINS
    assert both.rows() == {"first"}
    both.exporter.publisher.publish()
    text = both.exporter.publisher.current.exposition.text.plain.decode()
    kind = 'account="second",kind="duplicate_organization",source="usage"'
    assert f"claude_cost_exporter_poll_failures_total{{{kind}}} 1.0" in text
    assert 'llm_source_up{account="second",provider="anthropic",source="usage"} 0.0' in text


def test_a_ledger_that_cannot_be_written_at_start_is_a_source_down(two, monkeypatch):
    """A full disk at the first question is logged and shown, and over when there is room again."""
    both = two(STEADY, ZETA)

    def full(*_):
        raise LedgerError("cannot write ledger.db: the disk is full")

    with monkeypatch.context() as failing, capture_logs() as logged:
        failing.setattr(both.exporter.ledger, "claim", full)
        both.exporter.identify()
        both.poll()
        assert "the disk is full" in both.error("first")
    said = {(line["account"], line["error"]) for line in logged if "not known yet" in line["event"]}
    full_disk = "cannot write ledger.db: the disk is full"
    assert said == {("first", full_disk), ("second", full_disk)}
    both.exporter.publisher.publish()
    text = both.exporter.publisher.current.exposition.text.plain.decode()
    assert 'llm_source_up{account="first",provider="anthropic",source="usage"} 0.0' in text
    both.poll()
    assert both.error("first") == both.error("second") == ""
    assert both.rows() == {"first", "second"}


def test_a_defect_at_start_ends_the_start(two, monkeypatch):
    """What nobody expected in a thread that asks is raised, not lost with the thread."""
    both = two(STEADY, ZETA)
    monkeypatch.setattr(both.exporter.ledger, "claim", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        both.exporter.identify()


def test_a_twin_that_gets_its_own_key_counts(two):
    """Once the second account has a key of another organisation, everything is read."""
    both = two(STEADY, STEADY)
    both.poll()
    again = two(STEADY, ZETA)
    again.exporter.identify()
    again.poll()
    assert again.error("second") == ""
    assert again.rows() == {"first", "second"}


def test_a_renamed_account_ends_the_start(two):
    """The ledger knows the organisation under a name that is not configured any more."""
    two(STEADY, ZETA).poll()
    renamed = two(STEADY, ZETA, names=("first", "zeta"))
    with pytest.raises(OrganizationError, match="knows as account second: use the old name again"):
        renamed.exporter.identify()


def test_an_account_that_is_gone_keeps_its_counters_and_ends_its_gauges(two):
    """Out of the configuration: counters and names as before, and nothing about how it is now."""
    both = two(STEADY, ZETA)
    both.poll()
    before = both.lines("second")
    stays = re.compile(r"llm_(\w+_total|(api_key|workspace)_info|counting_since\w+)\{")
    kept = {line for line in before if stays.match(line)}
    assert {line.partition("{")[0] for line in before - kept} > {
        "llm_price_usd_per_million_tokens",
        "llm_source_up",
        "llm_spend_usd",
    }
    one = two(STEADY, names=("first",))
    one.poll()
    assert one.lines("second") == kept
    assert "No longer in the configuration" in one.exporter.publisher.current.status_page.decode()
