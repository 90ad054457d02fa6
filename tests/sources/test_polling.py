"""Polling a simulated organisation: totals, open hours, refusals, history, request budget."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from claude_cost_exporter.simulator import (
    OpenBucket,
    SpeedGrouping,
    Switches,
    faults,
    flows,
    ratecard,
)
from claude_cost_exporter.simulator.scenarios import STORM_429
from claude_cost_exporter.views import view_all
from tests.support.simulated import START, USAGE, Simulated, counted, run


def test_counters_equal_the_truth_after_a_day(simulated):
    """After a day of polling the sum of all counters is what the API shows, to the nano-dollar."""
    run(simulated, 24)
    simulated.wait(minutes=10)
    simulated.poll()
    simulated.wait(minutes=4)
    assert simulated.counter() == pytest.approx(counted(simulated), rel=1e-3)
    simulated.poll()
    assert simulated.counter() == counted(simulated)
    assert simulated.counter("llm_api_key_cost_usd_total") == counted(simulated)


def test_an_open_hour_that_is_not_served_is_read_by_the_minute(tmp_path):
    """When 1h buckets leave the open hour out, its minutes are summed to the same row."""
    simulated = Simulated(tmp_path, switches=Switches(open_hour=OpenBucket.CLOSED_ONLY))
    run(simulated, 3.5)
    simulated.poll()
    assert simulated.counter() == counted(simulated)
    assert "the open hour is not served at 1h" in simulated.source().notes[0]
    simulated.close()


def test_a_clock_that_is_seconds_ahead_blames_nobody(tmp_path):
    """At the start of an hour that the API's clock has not reached yet, nothing is noted."""
    simulated = Simulated(tmp_path, switches=Switches(clock_skew_seconds=-2))
    simulated.wait(seconds=1)
    run(simulated, 3)
    assert simulated.source().notes == ()
    simulated.wait(minutes=5)
    simulated.poll()
    assert simulated.counter() > 0
    simulated.close()


def test_speed_refused_is_dropped_and_said_once(tmp_path):
    """When grouping by speed is refused the totals stay, priced as standard, and it is noted."""
    simulated = Simulated(tmp_path, switches=Switches(speed=SpeedGrouping.REFUSED))
    run(simulated, 2)
    assert simulated.counter("llm_tokens_total") > 0
    assert 0 < simulated.counter() < counted(simulated)  # fast usage at the standard rate
    (note,) = simulated.source().notes
    assert note.startswith("grouping by speed was refused")
    simulated.close()


def test_g10_other_dimensions_later_change_nothing_that_was_counted(simulated):
    """G10: without speed, settled hours keep their rows: nothing counts twice, nothing is lost."""
    run(simulated, 24)
    simulated.wait(minutes=10)
    simulated.poll()
    simulated.wait(minutes=3)
    before, spent = simulated.counter(), spend_of_day(simulated)
    restated = simulated.counter("llm_cost_restated_usd_total")
    fast_hours = START + timedelta(hours=22), START + timedelta(hours=25)
    fresh = simulated.simulator.truth(*fast_hours).cost
    simulated.simulator.switches = Switches(speed=SpeedGrouping.REFUSED)
    simulated.poll()
    simulated.wait(minutes=3)
    assert before <= simulated.counter() <= before + fresh
    assert abs(spend_of_day(simulated) - spent) <= fresh
    assert simulated.counter("llm_cost_restated_usd_total") == restated
    assert "grouping by speed was refused" in simulated.source().notes[-1]


def spend_of_day(simulated):
    """Return nano-USD of the first day."""
    days = simulated.snapshot().days
    return next(d for scope, d in days.items() if scope.kind == "all")[START.date()]


def test_t8_result_cap_makes_pages_smaller(tmp_path):
    """T8: a 400 about the size of the answer leads to smaller pages, not to missing rows."""
    simulated = Simulated(tmp_path, switches=Switches(max_rows_per_page=30))
    run(simulated, 5)
    simulated.poll()
    assert simulated.counter() == counted(simulated)
    assert any(note.startswith("pages of") for note in simulated.source().notes)
    simulated.close()


def test_t13_the_default_workspace_gets_its_real_id(simulated):
    """T13: usage of the default workspace and usage without a key have stable labels."""
    run(simulated, 20, step=1800)
    labels = set(simulated.snapshot().counters["llm_api_key_cost_usd_total"])
    default = {label[2:4] for label in labels if label[2] == "wrkspc_01DefAcme4Qw8RtYuPn2LkZ"}
    assert default == {
        ("wrkspc_01DefAcme4Qw8RtYuPn2LkZ", "apikey_01ExpG7nTx2KvCq9BdWjMf5"),
        ("wrkspc_01DefAcme4Qw8RtYuPn2LkZ", "none"),
    }


def test_history_is_loaded_newest_first_and_resumed(tmp_path):
    """The history load goes back in chunks, survives a restart, and ends at its target."""
    simulated = Simulated(tmp_path, history="30d")
    simulated.poll()
    assert simulated.poller.load_history()
    first = simulated.exporter.ledger.progress("sim", "usage").history_start
    assert first == START - timedelta(hours=3) - timedelta(days=7)
    simulated.restart()
    while simulated.poller.load_history():
        pass
    reached = simulated.exporter.ledger.progress("sim", "usage")
    assert reached.history_start == reached.history_target == START - timedelta(days=30)
    assert simulated.counter() == 0
    truth = simulated.simulator.truth(START - timedelta(days=1), START, START, visible=True)
    names = {s.labels[-1]: s.value for s in samples(simulated, "llm_spend_usd")}
    assert names["yesterday"] == pytest.approx(truth.cost / 1e9, abs=1e-9)
    assert "last_month" not in names
    simulated.close()


def samples(simulated, family):
    simulated.exporter.publisher.publish()
    snapshot = simulated.snapshot()
    return [s for s in view_all(snapshot, simulated.clock.now()) if s.metric == family]


BUSIEST = replace(
    STORM_429,
    flows=tuple(
        flows.Flow(
            f"slice-{speed}-{long_context}",
            *("research", "evals", ratecard.OPUS, (90_000, 9_000, 0, 0, 0, 0), flows.FLAT),
            speed=speed,
            long_context=long_context,
        )
        for speed in ("standard", "fast")
        for long_context in (True, False)
    ),
)


def test_t14_the_series_cap_holds_against_a_hostile_organisation(tmp_path):
    """T14: hostile names and ids are bounded and clean, the cap holds, and no money is lost."""
    simulated = Simulated(tmp_path, "hostile", more="series_cap: 5")
    run(simulated, 6, step=1800)
    simulated.wait(minutes=10)
    simulated.poll()
    simulated.wait(minutes=4)
    simulated.poll()
    families = simulated.snapshot().counters
    values = {value for series in families.values() for labels in series for value in labels}
    assert len(values) > 20
    assert all(value.isprintable() and len(value) <= 200 for value in values)
    assert max(map(len, families.values())) == 6  # five and `other`
    assert simulated.counter() == counted(simulated)
    assert simulated.counter("llm_api_key_cost_usd_total") == counted(simulated)
    assert 'series_dropped_total{family="llm_api_key_cost_usd_total"}' in simulated.text()
    simulated.close()


@pytest.mark.parametrize("open_hour", OpenBucket)
def test_the_request_budget_holds(tmp_path, open_hour):
    """With four slices, names, long re-reads and a storm of 429: at most 60 in any ten minutes."""
    simulated = Simulated(tmp_path, BUSIEST, poll="60s", switches=Switches(open_hour=open_hour))
    end = simulated.clock.now() + timedelta(minutes=70)
    rates = []
    while simulated.clock.now() < end:
        started = simulated.clock.now()
        simulated.poll()
        rates.append(simulated.exporter.accounts[0].limiter.per_minute())
        lasted = (simulated.clock.now() - started).total_seconds()
        assert lasted <= 600
        simulated.wait(seconds=max(0, 60 - lasted))
    moments = [entry.at for entry in simulated.simulator.requests.entries]
    assert len(moments) == simulated.simulator.requests.total
    ten = timedelta(minutes=10)
    busiest = max(sum(start <= one < start + ten for one in moments) for start in moments)
    assert busiest <= 60
    assert 5 < max(rates) <= 6
    assert simulated.source().error == ""
    simulated.close()


def test_unknown_fields_are_counted_once(simulated):
    """A field that this version does not know is tolerated and counted once."""

    def add_field(document):
        document["new_field"] = 1

    simulated.simulator.faults.add(faults.edited(add_field), times=4, endpoint=USAGE)
    simulated.poll()
    simulated.wait(minutes=5)
    simulated.poll()
    unknown = 'claude_cost_exporter_unknown_fields_total{field="new_field",source="usage"} 1.0'
    assert unknown in simulated.text()
