"""Usage when its report is gone: analytics takes over, once, and each hour has one owner."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from claude_cost_exporter.clock import HOUR
from claude_cost_exporter.ledger import tables
from claude_cost_exporter.simulator import Availability, Switches, faults
from tests.support.simulated import START, Simulated

LEGACY, ANALYTICS = "usage_messages", "analytics_usage"
GONE = Switches(usage_report=Availability.GONE)


@pytest.fixture
def make(tmp_path):
    """Return a maker of steady organisations, polled every ten simulated minutes."""
    made = []

    def make(**options):
        made.append(Simulated(tmp_path, poll="600s", api="legacy", **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def simulated(make):
    """One of them, with both reports."""
    return make()


def run(simulated, hours):
    for _ in range(round(hours * 6)):
        simulated.poll()
        simulated.wait(minutes=10)


def asked(simulated, endpoint):
    return simulated.simulator.requests.by_endpoint[endpoint]


def refreshed(simulated):
    """Return how far analytics reached when it was polled last."""
    known = simulated.source().at - timedelta(hours=1)
    return known.replace(minute=known.minute // 10 * 10, second=0, microsecond=0)


def truth(simulated, end):
    return simulated.simulator.truth(START, end, end)


def owners(simulated):
    """Return by hour the query sets that have usage there."""
    table, series = tables.usage, tables.series
    query = (
        select(table.c.bucket_start, series.c.query_set)
        .join_from(table, series)
        .where(table.c.input + table.c.output > 0)
    )
    found = {}
    with simulated.exporter.ledger._engine.connect() as connection:
        for epoch, query_set in connection.execute(query):
            hour = (epoch - START.timestamp()) / 3600
            found.setdefault(int(hour), set()).add(query_set)
    return found


@pytest.mark.parametrize("gone", [Availability.NOT_FOUND, Availability.GONE])
def test_analytics_takes_over_at_the_next_full_hour(simulated, gone):
    """After a 404 or 410 no hour is lost and none counts twice: counters equal the truth."""
    run(simulated, 2.5)
    simulated.simulator.switches = Switches(usage_report=gone)
    run(simulated, 0.5)
    assert "HTTP 4" in simulated.source().error
    assert asked(simulated, ANALYTICS) == 0
    run(simulated, 3)
    simulated.poll()
    simulated.wait(minutes=5)
    reached = refreshed(simulated)
    assert simulated.source().error == ""
    expected = truth(simulated, reached)
    assert simulated.counter() == simulated.counter("llm_api_key_cost_usd_total") == expected.cost
    assert simulated.counter("llm_tokens_total") == expected.tokens
    assert owners(simulated) == {
        hour: {"probe", "attribution"} if hour < 2 else {"probe/analytics", "attribution/analytics"}
        for hour in range(-3, 5)
    }
    before = asked(simulated, LEGACY)
    run(simulated, 1)
    assert asked(simulated, LEGACY) == before


def test_g8_no_query_has_more_than_five_dimensions(make):
    """G8: analytics is asked for five at most, and refuses nothing of it."""
    simulated = make(switches=GONE)
    run(simulated, 2)
    asked_for = [one for one in simulated.simulator.requests.entries if one.endpoint == ANALYTICS]
    groups = {sum(name == "group_by[]" for name, _ in one.query) for one in asked_for}
    assert (max(groups), {one.status for one in asked_for}) == (5, {200})


def test_labels_stay_the_same(simulated):
    """The change makes no new series: ids, tiers and speeds are spelled alike in both reports."""
    run(simulated, 3)
    labels = set(simulated.snapshot().counters["llm_cost_usd_total"])
    simulated.simulator.switches = GONE
    run(simulated, 4)
    found = simulated.snapshot().counters["llm_cost_usd_total"]
    used = simulated.simulator.truth(START - 3 * HOUR, refreshed(simulated)).cost_by_labels()
    assert labels <= set(found)
    assert {label[2:] for label in found} <= set(used)


def test_it_is_said_and_shown(simulated):
    """The status page's note and llm_source_api_info tell which report usage comes from."""
    run(simulated, 2.5)
    simulated.simulator.switches = GONE
    run(simulated, 1)
    line = 'llm_source_api_info{account="sim",api="analytics",provider="anthropic",source="usage"}'
    assert line in simulated.text()
    assert "usage from 2026-11-03T02:00Z on comes from analytics" in simulated.source().notes[0]


def test_a_404_that_passes_changes_nothing(simulated):
    """A report that answers again before the next full hour keeps all hours."""
    run(simulated, 2)
    for _ in range(3):
        simulated.simulator.faults.add(faults.error(404), times=2, endpoint=LEGACY)
        run(simulated, 1)
    assert asked(simulated, ANALYTICS) == 0
    simulated.poll()
    assert simulated.source().error == ""
    assert all(sets == {"probe", "attribution"} for sets in owners(simulated).values())


def test_the_change_outlives_a_restart(simulated):
    """Who owns an hour is stored: after a restart the old report is not asked again."""
    run(simulated, 2.5)
    simulated.simulator.switches = GONE
    run(simulated, 2)
    before, hours = asked(simulated, LEGACY), owners(simulated)
    simulated.simulator.switches = Switches()
    simulated.restart()
    run(simulated, 1)
    assert asked(simulated, LEGACY) == before
    kept = owners(simulated)
    assert {hour: kept[hour] for hour in hours} == hours
    simulated.poll()
    assert simulated.counter() == truth(simulated, refreshed(simulated)).cost


def test_the_ledger_has_no_hole_at_the_change(simulated):
    """What was read before still counts as read, so no gauge of a longer window disappears."""
    run(simulated, 2.5)
    progress = simulated.exporter.ledger.progress("sim", "usage")
    simulated.simulator.switches = GONE
    run(simulated, 3)
    later = simulated.exporter.ledger.progress("sim", "usage")
    assert later.history_start == progress.history_start
    assert later.watermark == refreshed(simulated)
    assert 'llm_spend_usd{account="sim",kind="metered"' in simulated.text()


def test_when_both_are_refused_the_old_report_keeps_its_hours(simulated):
    """Nothing is written down while analytics does not answer either; the old one may return."""
    run(simulated, 2.5)
    simulated.simulator.switches = Switches(
        usage_report=Availability.NOT_FOUND, analytics=Availability.FORBIDDEN
    )
    run(simulated, 2)
    assert "analytics/usage: HTTP 403" in simulated.source().error
    simulated.simulator.switches = Switches()
    run(simulated, 1)
    simulated.poll()
    assert simulated.source().error == ""
    assert all(sets == {"probe", "attribution"} for sets in owners(simulated).values())


def test_a_new_ledger_begins_with_analytics_at_once(make):
    """Where nobody has read an hour yet, analytics has them all, history included."""
    simulated = make(history="3d", switches=GONE)
    simulated.wait(minutes=90)
    simulated.poll()
    assert simulated.source().error == ""
    while simulated.poller.load_history():
        pass
    first = refreshed(simulated)
    assert simulated.counter() == 0
    run(simulated, 4)
    simulated.poll()
    progress = simulated.exporter.ledger.progress("sim", "usage")
    assert progress.history_start == progress.history_target == START - timedelta(days=3) + HOUR
    last = refreshed(simulated)
    counted = simulated.simulator.truth(first, last, last).cost
    simulated.wait(minutes=5)
    assert simulated.counter() == counted
    days = (START - timedelta(days=1), START)
    spent = simulated.simulator.truth(*days).cost
    line = 'llm_spend_usd{account="sim",kind="metered",provider="anthropic",window="yesterday"} '
    assert f"{line}{spent / 1e9}" in simulated.text()
