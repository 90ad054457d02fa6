"""Which API the bill comes from: as configured, or as the key turns out to be allowed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from claude_cost_exporter.errors import ConfigError, SourceError
from claude_cost_exporter.simulator import Availability, Switches, faults
from claude_cost_exporter.snapshot import Scope
from claude_cost_exporter.sources.api_choice import ApiChoice
from tests.support.api import Bench, Book, refused
from tests.support.simulated import Simulated

REFUSALS = {
    Availability.FORBIDDEN: "HTTP 403",
    Availability.NOT_FOUND: "HTTP 404",
    Availability.GONE: "HTTP 410",
    Availability.UNSUPPORTED: "HTTP 400",
}


@pytest.fixture
def simulated(tmp_path):
    """Return a maker of simulated organisations; each is closed in the end."""
    made = []

    def make(availability=Availability.SERVED, **options):
        switches = Switches(analytics=availability)
        made.append(Simulated(tmp_path, switches=switches, poll="3600s", **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def run(simulated, polls):
    for _ in range(polls):
        simulated.poll()
        simulated.wait(hours=1)


def asked(simulated, endpoint):
    """Return how often an endpoint was asked."""
    return simulated.simulator.requests.by_endpoint[endpoint]


def info(simulated):
    """Return the source and API of every llm_source_api_info line."""
    lines = [line for line in simulated.text().splitlines() if "api_info{" in line]
    assert all(line.endswith(" 1.0") for line in lines)
    labels = [dict(part.split("=") for part in line[20:-5].split(",")) for line in lines]
    return {label["source"].strip('"'): label["api"].strip('"') for label in labels}


def test_auto_reads_analytics_where_it_may(simulated):
    """With auto a key that may read analytics never asks the legacy report, and it is said."""
    one = simulated()
    run(one, 3)
    assert info(one) == {"usage": "legacy", "analytics": "analytics"}
    assert asked(one, "cost_report") == 0
    assert one.source("analytics").notes == (
        "the bill comes from the analytics API, which this key may read",
    )


@pytest.mark.parametrize("availability", REFUSALS)
def test_auto_falls_back_when_analytics_is_refused(simulated, availability, capsys):
    """403, 404, 410 and a 400 that says why mean legacy from the next poll on, with a note."""
    one = simulated(availability)
    run(one, 5)
    assert info(one) == {"usage": "legacy", "cost": "legacy"}
    assert asked(one, "analytics_cost") == 1
    assert asked(one, "cost_report") >= 4
    (note,) = one.source("cost").notes
    assert REFUSALS[availability] in note
    assert "legacy API until the next start" in note
    assert "legacy API until the next start" in capsys.readouterr().out
    assert 'source="analytics"' not in "".join(
        line for line in one.text().splitlines() if line.startswith("llm_source")
    )


@pytest.mark.parametrize("status", [400, 402, 429, 500, 503, 529])
def test_what_passes_does_not_change_the_api(simulated, status):
    """A busy or broken API, or one that refuses one request, is asked again, and no other."""
    one = simulated()
    fault = faults.rate_limited() if status == 429 else faults.error(status)
    one.simulator.faults.add(fault, times=100_000, endpoint="analytics_cost")
    run(one, 3)
    assert one.source("analytics").error
    one.simulator.faults.clear()
    run(one, 2)
    assert one.source("analytics").error == ""
    assert asked(one, "cost_report") == 0


@pytest.mark.parametrize(("api", "source"), [("legacy", "cost"), ("analytics", "analytics")])
def test_a_configured_api_is_the_only_one(simulated, api, source):
    """With legacy or analytics in the configuration the other one is never asked."""
    one = simulated(api=api)
    run(one, 3)
    assert info(one) == {"usage": "legacy", source: api}
    assert asked(one, "analytics_cost" if api == "legacy" else "cost_report") == 0
    assert one.source(source).notes == (f"the bill comes from the {api} API, as configured",)


def test_another_word_is_a_problem_of_the_configuration(tmp_path):
    """What is none of the three is named with its YAML path."""
    with pytest.raises(ConfigError, match=r"sources\[0\]\.api: .*'newest'"):
        Simulated(tmp_path, api="newest")


def test_a_configured_api_that_is_refused_is_down(simulated):
    """Who asks for analytics and may not read it is told so, and gets no other bill."""
    one = simulated(Availability.FORBIDDEN, api="analytics")
    run(one, 3)
    assert "HTTP 403" in one.source("analytics").error
    assert asked(one, "cost_report") == 0


def test_auto_looks_anew_at_every_start(simulated):
    """What a key may do is tried again after a restart: it may have been allowed more."""
    one = simulated(Availability.FORBIDDEN)
    run(one, 2)
    one.simulator.switches = Switches()
    one.restart()
    run(one, 2)
    assert info(one)["analytics"] == "analytics"


def refusal(choice_api="auto"):
    bench = Bench()
    bench.api.will(refused(403))
    with pytest.raises(SourceError) as caught:
        bench.get()
    return bench, ApiChoice(choice_api, bench.clock, Book()), caught.value


def test_a_sudden_refusal_must_last_for_a_day():
    """Once analytics has worked, a refusal is a failure for a day, and then it is believed."""
    bench, choice, error = refusal()
    choice.worked()
    assert not choice.falls_back(error)
    bench.clock.advance(timedelta(hours=23))
    assert not choice.falls_back(error)
    assert choice.api == "analytics"
    bench.clock.advance(timedelta(hours=1))
    assert choice.falls_back(error)
    assert choice.api == "legacy"


def test_every_success_starts_the_day_anew():
    """A refusal now and then, with successes in between, changes nothing."""
    bench, choice, error = refusal()
    for _ in range(5):
        choice.worked()
        bench.clock.advance(timedelta(hours=20))
        assert not choice.falls_back(error)


def test_a_restart_does_not_shorten_the_day():
    """How long a refusal has lasted is remembered; before any success it is believed at once."""
    bench, choice, error = refusal()
    book = Book()

    def restarted():
        return ApiChoice("auto", bench.clock, book)

    assert restarted().falls_back(error)
    restarted().worked()
    for hours in (0, 12, 11):
        bench.clock.advance(timedelta(hours=hours))
        choice = restarted()
        assert not choice.falls_back(error)
        assert choice.api == "analytics"
    bench.clock.advance(timedelta(hours=1))
    assert restarted().falls_back(error)


def test_g2_a_slow_legacy_report_does_not_shrink_the_month(simulated):
    """G2: analytics is refused and the other report is 22 h behind: what was billed stays."""
    one = simulated(scenario="discount", history="2d", start=datetime(2026, 11, 3, tzinfo=UTC))
    total = Scope("sim", "all", "all")

    def closed():
        one.poll()
        while one.poller.load_history():
            pass
        today = one.clock.now().date()
        return {day: nano for day, nano in one.snapshot().days[total].items() if day != today}

    for _ in range(10):
        closed()
        one.wait(hours=6)
    one.wait(hours=1)
    before = closed()
    assert len(one.snapshot().billed_days["sim"]) == 5
    one.simulator.switches = Switches(analytics=Availability.FORBIDDEN, cost_delay_hours=22)
    one.restart()
    for _ in range(30):
        assert closed().items() >= before.items()
        one.wait(hours=1)
    assert info(one)["cost"] == "legacy"


def test_an_empty_bill_leaves_the_estimates_in_force(simulated):
    """Analytics that answers without rows, day after day, makes no day free, and a note says so."""
    one = simulated(history="3d")

    def emptied(body):
        body["data"] = []
        return body

    one.simulator.faults.add(faults.edited(emptied), times=100_000, endpoint="analytics_cost")
    for _ in range(6):
        one.poll()
        one.wait(hours=12)
    snapshot = one.snapshot()
    total = Scope("sim", "all", "all")
    assert snapshot.days[total] == snapshot.estimated_days[total]
    assert not any(snapshot.billed_days.values())
    assert "the bill is empty for days with usage" in one.source("analytics").notes[-1]
