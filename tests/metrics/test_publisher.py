"""Publishing: whole or not at all, kept when something fails, ready when it should be."""

from __future__ import annotations

import re
from collections import defaultdict
from threading import Event, Thread

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain_text
from structlog.testing import capture_logs

from claude_cost_exporter.errors import LedgerError
from claude_cost_exporter.records import MAX_LABEL_LENGTH
from claude_cost_exporter.samples import Sample
from claude_cost_exporter.simulator import faults
from tests.support.simulated import Simulated


@pytest.fixture
def simulated(tmp_path):
    """A steady organisation that has not been polled yet."""
    simulated = Simulated(tmp_path, rendered=True)
    yield simulated
    simulated.close()


def parsed(exposition):
    """Return the samples of both formats, read by prometheus_client's parsers."""
    text = exposition.text.plain.decode()
    families = [*plain_text(text), *openmetrics(exposition.openmetrics.plain.decode())]
    return [sample for family in families for sample in family.samples]


def test_a_publication_is_what_parsers_expect(simulated):
    """After a poll both formats can be parsed, and hold the same samples."""
    simulated.poll()
    exposition = simulated.exporter.publisher.current.exposition
    text = list(plain_text(exposition.text.plain.decode()))
    strict = list(openmetrics(exposition.openmetrics.plain.decode()))
    assert {family.name for family in text} >= {"llm_cost_usd", "claude_cost_exporter_polls"}
    assert [f.name for f in text] == [f.name for f in strict]
    assert [f.samples for f in text] == [f.samples for f in strict]


def test_a_budget_of_nothing_known_is_told(tmp_path):
    """A misspelt workspace is said once in the log, and on the status page as long as it holds."""
    one = "{name: typo, amount_usd: 5, scope_type: workspace, scope: Reserach}"
    simulated = Simulated(tmp_path, rendered=True, more=f"budgets: [{one}]")
    sentence = "Budget typo: no workspace Reserach has been seen, or it is counted in other."
    with capture_logs() as logs:
        simulated.poll()
        simulated.poll()
    assert [line["event"] for line in logs].count(sentence) == 1
    assert sentence in simulated.exporter.publisher.current.status_page.decode()
    simulated.close()


def test_t14_hostile_names_are_bounded_and_printable(tmp_path):
    """T14: escape codes, markup, newlines and 10 kB names end as short printable label values."""
    simulated = Simulated(tmp_path, "hostile", rendered=True)
    for _ in range(3):
        simulated.poll()
        simulated.wait(minutes=30)
    samples = parsed(simulated.exporter.publisher.current.exposition)
    values = {value for sample in samples for value in sample.labels.values()}
    longest = max(map(len, values))
    assert longest == MAX_LABEL_LENGTH
    assert [value for value in values if not re.fullmatch(r"[^\x00-\x1f\x7f-\x9f]*", value)] == []
    page = simulated.exporter.publisher.current.status_page.decode()
    assert len(page) < 100_000
    simulated.close()


def test_t14_the_series_cap_holds(tmp_path):
    """T14: beyond the cap label sets go to `other`, which is counted and said."""
    simulated = Simulated(tmp_path, "hostile", rendered=True, more="series_cap: 4")
    for _ in range(2):
        simulated.poll()
        simulated.wait(hours=1)
    simulated.restart()
    simulated.poll()
    simulated.text()
    samples = parsed(simulated.exporter.publisher.current.exposition)
    members = defaultdict(set)
    for sample in samples:
        members[sample.name].add(tuple(sample.labels.values()))
    assert len(members["llm_cost_usd_total"]) == 4 + 1
    assert len(members["llm_workspace_info"]) == 4 + 1
    assert len(members["llm_api_key_info"]) == 4 + 1 + 1  # usage without a key has a name too
    with_other = {name for name, labels in members.items() if any("other" in one for one in labels)}
    dropped = {
        sample.labels["family"]: sample.value
        for sample in samples
        if sample.name == "claude_cost_exporter_series_dropped_total"
    }
    assert with_other == dropped.keys() & members.keys()
    assert {"llm_cost_usd_total", "llm_api_key_spend_usd", "llm_api_key_info"} < with_other
    assert min(dropped.values()) > 0
    simulated.close()


def test_t15_a_scrape_never_sees_a_half_filled_set(simulated, monkeypatch):
    """T15: while a refresh runs the old set is served, and then the new one as a whole."""
    publisher, rounds = simulated.exporter.publisher, iter(range(1, 10**6))
    seen_while_rendering = []

    def view(snapshot, now):
        value = next(rounds)
        for n in range(300):
            if n == 150:
                seen_while_rendering.append(publisher.current)
            yield Sample("llm_source_up", ("anthropic", "acme", str(n)), value)

    monkeypatch.setattr("claude_cost_exporter.metrics.publisher.view_all", view)
    publisher.publish()
    first, stop, mixed = publisher.current, Event(), []

    def scrape():
        while not stop.is_set():
            lines = publisher.current.exposition.text.plain.decode().splitlines()
            values = {line.split()[-1] for line in lines if line.startswith("llm_source_up{")}
            mixed.extend([values] if len(values) != 1 else [])

    scraper = Thread(target=scrape)
    scraper.start()
    for _ in range(50):
        publisher.publish()
    stop.set()
    scraper.join()
    assert mixed == []
    assert seen_while_rendering[:2] == [None, first]
    assert publisher.current is not first


USAGE_UP = 'llm_source_up{account="sim",provider="anthropic",source="usage"}'


def test_a_failing_ledger_is_seen_and_its_counters_stay(simulated, monkeypatch, capsys):
    """When the ledger cannot be written its sources are down, and the counters stay."""
    simulated.poll()
    before = _samples(simulated, "llm_cost_usd_total")
    assert _samples(simulated, "llm_source_up{") == {1.0}

    def full(*_, **__):
        raise LedgerError("cannot write ledger.db: the disk is full")

    ledger = simulated.exporter.ledger
    with monkeypatch.context() as failing:
        for name in ("snapshot", "upsert", "bill", "name"):
            failing.setattr(ledger, name, full)
        simulated.wait(hours=2)
        simulated.poll()
        assert _samples(simulated, USAGE_UP) == {0.0}
        assert _samples(simulated, "llm_cost_usd_total") == before
    assert "the disk is full" in "".join(capsys.readouterr())
    simulated.wait(minutes=10)
    simulated.poll()
    assert _samples(simulated, USAGE_UP) == {1.0}


def _samples(simulated, beginning):
    """Return the values of the lines of what is published now that begin like that."""
    text = simulated.exporter.publisher.current.exposition.text.plain.decode()
    return {float(line.split()[-1]) for line in text.splitlines() if line.startswith(beginning)}


def test_a_defect_while_rendering_does_not_end_the_poller(simulated, monkeypatch, capsys):
    """A view that breaks the contract leaves the last publication, a log line and the poller."""
    simulated.poll()
    publisher = simulated.exporter.publisher
    before = publisher.current
    nonsense = [Sample("llm_nonsense", (), 1)]
    monkeypatch.setattr("claude_cost_exporter.metrics.publisher.view_all", lambda *_: nonsense)
    simulated.wait(hours=1)
    simulated.poll()
    assert simulated.poller.attempts["usage"].at == simulated.clock.now()
    assert publisher.current is before
    assert "llm_nonsense is not in the catalogue" in "".join(capsys.readouterr())


def test_ready_once_every_source_was_tried(simulated, monkeypatch):
    """On an empty ledger: not ready at first, nor after one source, but after all of them."""
    publisher = simulated.exporter.publisher
    publisher.publish()
    assert publisher.current.ready is False
    seen, attempt = [], simulated.poller._attempt

    def looked_at(*what):
        attempt(*what)
        seen.append(_ready(publisher))

    monkeypatch.setattr(simulated.poller, "_attempt", looked_at)
    simulated.poll()
    assert seen == [False] * (len(simulated.poller.attempts) - 1) + [True]


def _ready(publisher):
    publisher.publish()
    return publisher.current.ready


def test_ready_after_failed_attempts_too(simulated):
    """A source that was tried in vain counts: being down is for alerts, not for readiness."""
    simulated.simulator.faults.add(faults.error(401), times=100)
    simulated.poll()
    assert simulated.exporter.publisher.current.ready is True
    assert 'source="usage"} 0.0' in simulated.text()


def test_ready_at_once_with_a_loaded_ledger(simulated):
    """After a restart the counters of the ledger are there, so it is ready before any poll."""
    simulated.poll()
    simulated.wait(seconds=60)
    simulated.restart()
    simulated.exporter.publisher.publish()
    assert simulated.exporter.publisher.current.ready is True


def test_gauges_move_although_nothing_is_polled(simulated):
    """A new rendering without a poll follows the clock: today becomes yesterday at midnight."""
    simulated.poll()
    simulated.wait(hours=12)
    simulated.poll()
    line = re.compile(r'llm_spend_usd\{.*window="today"\} (\S+)')
    assert float(line.search(simulated.text())[1]) > 0
    simulated.wait(hours=12)
    assert line.search(simulated.text()) is None  # the new day has not been read
