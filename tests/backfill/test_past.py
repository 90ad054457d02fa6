"""The past of a simulated organisation, and the live exposition that goes on with it."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from claude_cost_exporter.backfill.counters import RESET_SECONDS
from claude_cost_exporter.backfill.gauges import REPLAYED
from claude_cost_exporter.catalogue import BY_NAME, COUNTERS, Kind
from claude_cost_exporter.clock import DAY, HOUR, ManualClock, floor_hour
from claude_cost_exporter.ledger.base import Settings
from claude_cost_exporter.records import NANO
from tests.support.backfilled import TARGET, before_the_reset, series_of, write
from tests.support.simulated import START, Simulated

FIRST_POLL = START + timedelta(hours=3, minutes=40)
UNTOLD = {"llm_cost_restated_usd_total", "llm_end_customer_billed_usd_total"}
"""Counters that are about polls and bills, not about hours."""
COUNTED = {metric.name for metric in COUNTERS if metric.kind is Kind.COUNTER} - UNTOLD


def lived(folder, history, **options):
    """Return an exporter that has loaded history and polled for an hour and more, and its past."""
    clock = ManualClock(FIRST_POLL)
    simulated = Simulated(folder, "steady", start=START, clock=clock, history=history, **options)
    simulated.poll()
    while simulated.poller.load_history():
        pass
    for _ in range(18):
        simulated.wait(minutes=5)
        simulated.poll()
    live = series_of(simulated.text())
    settings = Settings(series_cap=simulated.exporter.ledger._settings.series_cap)
    text = write(simulated.exporter.ledger_url, folder / "history.om", "sim", settings=settings)
    begin = simulated.exporter.ledger.progress("sim", "usage").history_start
    now = clock.now()
    end = now.replace(second=0, microsecond=0)
    truth = simulated.simulator.truth(begin, end, now, visible=True)
    simulated.close()
    written = series_of(text)
    past = before_the_reset(written)
    return SimpleNamespace(
        text=text, written=written, past=past, live=live, truth=truth, begin=begin
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An exporter and its past."""
    return lived(tmp_path_factory.mktemp("past"), "9d")


@pytest.fixture(scope="module")
def capped(tmp_path_factory):
    """The same where every family may have ten series."""
    return lived(tmp_path_factory.mktemp("capped"), "1d", more="series_cap: 10")


def of(found, family):
    """Return the last value of each series of a family, without the labels of a scrape."""
    scraped = set(TARGET._asdict().items())
    return {
        labels - scraped: points[-1][1]
        for (name, labels), points in found.items()
        if name == family
    }


def together(lives, family, unit):
    """Return past plus live in whole units, by the labels that the truth uses."""
    names = [name for name in BY_NAME[family].labels if name not in ("provider", "account")]
    sums = {}
    for found in (lives.past, lives.live):
        for labels, value in of(found, family).items():
            where = tuple(dict(labels)[name] for name in names)
            sums[where] = sums.get(where, 0) + round(value * unit)
    return {where: value for where, value in sums.items() if value}


def used(truth):
    return {labels: value for labels, value in truth.items() if value}


def test_past_and_live_counters_are_all_that_was_used(whole):
    """Past plus live is the simulator's truth: every series, to the nano-dollar and the token."""
    assert together(whole, "llm_cost_usd_total", NANO) == used(whole.truth.cost_by_labels())
    assert together(whole, "llm_tokens_total", 1) == used(whole.truth.tokens_by_labels())
    keys = used(whole.truth.cost_by_api_key())
    assert together(whole, "llm_api_key_cost_usd_total", NANO) == keys


def test_the_past_ends_when_the_live_counters_begin(whole):
    """No series has a sample after the first poll, and counters have one at that second.

    A moment later each begins anew with 0, also those that are live only.
    """
    end = int(FIRST_POLL.timestamp())
    last = {series: points[-1][0] for series, points in whole.past.items()}
    assert max(last.values()) == end
    assert {last[series] for series in last if series[0] in COUNTED} == {end}
    live = of(whole.live, "llm_counting_since_timestamp_seconds")
    assert set(live.values()) == {end}
    anew = {series: whole.written[series][-1] for series in whole.written if series[0] in COUNTED}
    assert set(anew.values()) == {(end + RESET_SECONDS, 0)}
    scraped = frozenset(TARGET._asdict().items())
    assert {(name, labels - scraped) for name, labels in anew} == {
        series for series in whole.live if series[0] in COUNTED
    }


def test_counters_begin_at_zero_and_never_fall(whole):
    """Each begins at 0 at the start of its first hour, and samples are five minutes apart."""
    counters = {series: points for series, points in whole.past.items() if series[0] in COUNTED}
    assert min(points[0][0] for points in counters.values()) == whole.begin.timestamp()
    for points in counters.values():
        times, values = zip(*points, strict=True)
        assert values[0] == 0
        assert list(values) == sorted(values)
        assert {later - earlier for earlier, later in pairwise(times)} == {300}


def families(found):
    return {name for name, _ in found}


def test_labels_are_those_of_the_live_series(whole):
    """Every counter that goes on has the labels that /metrics has, with job and instance."""
    assert families(whole.past) & COUNTED == families(whole.live) & COUNTED
    for family in families(whole.past) & COUNTED:
        assert set(of(whole.past, family)) == set(of(whole.live, family)), family
    for _, labels in whole.past:
        assert set(TARGET._asdict().items()) <= labels


def test_gauges_are_those_of_the_live_exposition(whole):
    """Every gauge that stands at the end of the past stands in /metrics, with the same labels."""
    end = int(floor_hour(FIRST_POLL).timestamp())
    gauges = [s for s, points in whole.past.items() if s[0] not in COUNTED and points[-1][0] > end]
    scraped = set(TARGET._asdict().items())
    assert {(name, labels - scraped) for name, labels in gauges} <= set(whole.live)
    assert len(REPLAYED) < len({name for name, _ in gauges})


def test_beyond_the_cap_the_past_is_other_too(capped):
    """Series that go on as `other` have their past there, and nothing is lost."""
    for family in families(capped.past) & COUNTED:
        assert set(of(capped.past, family)) == set(of(capped.live, family)), family
        assert len(of(capped.past, family)) <= 11
    assert sum(together(capped, "llm_cost_usd_total", NANO).values()) == capped.truth.cost
    assert sum(together(capped, "llm_tokens_total", 1).values()) == capped.truth.tokens


def test_the_text_is_openmetrics(whole):
    """A strict parser reads every moment of it, and each family is in one piece."""
    assert whole.text.endswith("\n# EOF\n")
    one_moment = f" {int((START - HOUR).timestamp())}\n"
    short = "".join(
        line
        for line in whole.text.splitlines(keepends=True)
        if line.startswith("#") or line.endswith(one_moment)
    )
    parsed = list(text_string_to_metric_families(short))
    assert len(parsed) == len({family.name for family in parsed}) > 20
    assert {family.type for family in parsed} == {"counter", "gauge"}


def test_what_a_day_cost_is_what_its_hours_cost(whole):
    """The gauge of yesterday equals what the counters have counted of that day."""
    midnight = START.replace(hour=0) - 5 * DAY
    counted = 0.0
    for (name, _), points in whole.past.items():
        if name == "llm_cost_usd_total":
            at = dict(points)
            day = (midnight, midnight + DAY)
            before, after = (at.get(int(one.timestamp()), 0.0) for one in day)
            counted += after - before
    noon = int((midnight + DAY + 12 * HOUR).timestamp())
    (yesterday,) = [
        dict(points)[noon]
        for (name, labels), points in whole.past.items()
        if name == "llm_spend_usd" and ("window", "yesterday") in labels
    ]
    assert yesterday > 1
    assert counted == pytest.approx(yesterday)
