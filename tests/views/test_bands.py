"""Anomaly bands: the formulas on hand-made hours to the cent, and what always holds."""

from __future__ import annotations

from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_cost_exporter.config.anomalies import LEAST
from claude_cost_exporter.plans import GATES, Gate
from claude_cost_exporter.views.bands import bands
from claude_cost_exporter.views.baselines import Track, baseline, track

MONDAY, SATURDAY = 0, 5
FLAT_DAY = [1.0] * 24
OFFICE_DAY = [0.0] * 9 + [10.0] * 8 + [0.0] * 7


def cents(*amounts):
    return pytest.approx(amounts, abs=0.005)


def of(hours, weekday=MONDAY, today=(), open_usd=0.0, **how):
    """The bands of a scope with these complete days, on a day that begins now."""
    return bands(baseline(hours, weekday), hours, today, open_usd, **how)


def test_flat_spend_to_the_cent():
    """A dollar an hour for four weeks: each window's own one of the three gates decides."""
    seen = of(FLAT_DAY * 28, open_usd=0.5)
    assert seen["1h"] == cents(1.00, 1.00, 7.00)  # 1 + a quarter of a day
    assert seen["24h"] == cents(23.50, 24.00, 38.40)  # 24 + 3 x 0.2 x 24
    assert seen["7d"] == cents(167.50, 168.00, 256.78)  # 168 x e^(2.5 x 1.2 x 0.1414)


def test_impact_is_what_was_not_expected():
    """The impact is spend minus expectation, also where it is negative."""
    seen = of(FLAT_DAY * 28, today=[1.0, 1.0], open_usd=31.0)
    assert seen["1h"].impact == pytest.approx(30.0)
    assert seen["24h"].impact == pytest.approx(30.0)
    assert of(FLAT_DAY * 28, open_usd=0.5)["24h"].impact == pytest.approx(-0.5)


def test_absent_until_seven_complete_days():
    """Six days and 23 hours are no baseline; seven days are one."""
    assert baseline(FLAT_DAY * 6, MONDAY) is None
    assert baseline([], MONDAY) is None
    seen = of(FLAT_DAY * 7)
    # Nothing was foreseen yet: only the cautious beginning of each sigma.
    assert seen["24h"] == cents(23.00, 24.00, 24 + 3 * 0.4 * 24)
    assert seen["1h"].upper == pytest.approx(1 + 8 * 1.0)


def test_an_open_hour_counts_as_soon_as_it_is_too_much():
    """A runaway shows while its first hour is open, against the band of the full hour."""
    quiet = of(FLAT_DAY * 28, today=[1.0] * 3, open_usd=6.9)["1h"]
    loud = of(FLAT_DAY * 28, today=[1.0] * 3, open_usd=7.1)["1h"]
    assert quiet.spend < quiet.upper == loud.upper < loud.spend


def test_the_hour_that_stands_out_more_is_shown():
    """The last complete hour stays in sight until the open one stands out more."""
    assert of(FLAT_DAY * 28, today=[1.0, 50.0], open_usd=0.1)["1h"].spend == 50.0
    assert of(FLAT_DAY * 28, today=[50.0, 1.0], open_usd=0.1)["1h"].spend == 1.0
    yesterday = FLAT_DAY * 27 + [1.0] * 23 + [50.0]
    assert of(yesterday)["1h"].spend == 50.0


def test_longer_windows_are_complete_hours_and_the_open_one():
    """24 hours are 23 complete ones and the open one; 7 days are 167 and the open one."""
    hours = [float(hour % 2) for hour in range(24 * 28)]
    seen = of(hours, today=[5.0, 6.0], open_usd=7.0)
    assert seen["24h"].spend == sum(hours[-21:]) + 18
    assert seen["7d"].spend == sum(hours[-165:]) + 18


def test_the_hour_of_the_day_is_expected():
    """Noon of a workday expects much, midnight nothing, and a weekend day its own shape."""
    weeks = (OFFICE_DAY * 5 + [0.0] * 48) * 4
    noon = of(weeks, today=OFFICE_DAY[:12], open_usd=10.0)["1h"]
    assert noon.expected == pytest.approx(8.714, abs=0.0005)  # 55.04 x 1.267 / 8
    night = of(weeks, today=[0.0], open_usd=10.0)["1h"]
    assert night.expected < 0.01 < noon.expected
    assert night.upper < noon.upper


def test_small_amounts_are_no_anomaly():
    """Below five dollars nothing is an anomaly, however many times the usual it is."""
    hours = [0.001] * 24 * 28
    seen = of(hours, open_usd=4.99)
    assert all(band.spend < band.upper for band in seen.values())
    assert of(hours, open_usd=5.01)["1h"].spend > seen["1h"].upper


def test_a_part_is_measured_by_the_whole():
    """A scope's floor is also 15 % of what the organisation spends on a day."""
    alone, within = of(FLAT_DAY * 28), of(FLAT_DAY * 28, organisation_level=1000.0)
    assert alone["1h"].upper == pytest.approx(7.0)
    assert within["1h"].upper == pytest.approx(151.0)
    assert within["24h"].upper == pytest.approx(174.0)
    assert within["7d"].upper == pytest.approx(168 + 7 * 150)


def test_gates_can_be_set():
    """Another N moves the bound that N decides."""
    gates = {**GATES, "24h": Gate(4.0, 1.5, 0.25)}
    assert of(FLAT_DAY * 28, gates=gates)["24h"].upper == pytest.approx(24 + 4 * 0.2 * 24)


def test_an_anomaly_does_not_become_normal():
    """A day at twenty times the usual is capped: a week later it has not hidden the next one."""
    hours = FLAT_DAY * 27 + [20.0] * 24 + FLAT_DAY * 6
    before, after = of(FLAT_DAY * 34), of(hours, weekday=(MONDAY + 6) % 7)
    assert after["24h"].expected == pytest.approx(before["24h"].expected, rel=0.15)
    assert after["24h"].upper < 24 * 4


def test_the_hour_under_test_is_not_its_own_baseline():
    """What is spent today and in the open hour changes no expectation of today."""
    calm = of(FLAT_DAY * 28, today=[1.0], open_usd=1.0)
    wild = of(FLAT_DAY * 28, today=[1.0], open_usd=500.0)
    for window in GATES:
        assert (calm[window].expected, calm[window].upper) == wild[window][1:]


def test_a_scope_without_spend_has_a_floor():
    """After weeks of zeros the bands are the dollar floor, and no division fails."""
    seen = of([0.0] * 24 * 60)
    assert [tuple(band) for band in seen.values()] == [(0, 0, 5), (0, 0, 5), (0, 0, 35)]


@pytest.mark.parametrize("spent", [0.0, 3.0])
def test_thresholds_may_all_be_at_their_least(spent):
    """Without any floor an idle scope's bands are zero, and whatever it spends is above them."""
    gates = dict.fromkeys(GATES, Gate(0.0, 1.0, 0.0, 0.0))
    seen = of([0.0] * 24 * 28, open_usd=spent, gates=gates)
    assert [tuple(band) for band in seen.values()] == [(spent, 0, 0)] * 3


def test_a_long_ledger_and_a_track_agree():
    """Looking back over the last days only gives what following every day gives."""
    days = [[(day * 7 % 11 + 1) * (hour % 5 + 1) / 3 for hour in range(24)] for day in range(200)]
    followed = Track(SATURDAY)
    for day in days:
        followed.close(day)
    hours = [hour for day in days for hour in day]
    looked_back = track(hours, (SATURDAY + 200) % 7).baseline()
    for ours, theirs in zip(looked_back, followed.baseline(), strict=True):
        if isinstance(ours, float):
            assert ours == pytest.approx(theirs)
    assert looked_back.today.hours == pytest.approx(followed.baseline().today.hours)


some_days = st.lists(
    st.tuples(st.floats(10, 500), st.floats(0, 3), st.integers(0, 23)), min_size=7, max_size=30
)


def ledger(days):
    """Hours that are never tiny, with one that stands out each day."""
    return [base * (1 + extra * (hour == peak)) for base, extra, peak in days for hour in range(24)]


@given(some_days, st.integers(0, 6), st.floats(0, 1e6))
def test_the_upper_bound_is_above_the_expectation(days, weekday, open_usd):
    """An alarm always means at least the floor above what was expected, and its ratio."""
    for window, band in of(ledger(days), weekday, open_usd=open_usd).items():
        assert band.upper >= band.expected + 5
        assert band.upper >= GATES[window].ratio * band.expected


@given(some_days, st.floats(0, 1e5), st.sampled_from([2.0, 1000.0]))
def test_scaling_every_cost_scales_every_band(days, open_usd, factor):
    """Far above the dollar floor, bands are in the currency of the spend."""
    hours = ledger(days)
    bare = of(hours, open_usd=open_usd)
    scaled = of([hour * factor for hour in hours], open_usd=open_usd * factor)
    for window, band in bare.items():
        assert scaled[window] == pytest.approx([value * factor for value in band])


MOST = 1_000_000  # of every threshold
gates = st.builds(
    Gate,
    *(
        st.sampled_from([least, MOST]) | st.floats(least, 10)
        for least in (LEAST["sigma"], LEAST["ratio"], LEAST["floor_share"], LEAST["floor_usd"])
    ),
)
idle_or_not = st.sampled_from([[0.0] * 24, [*[0.0] * 23, 4.0], FLAT_DAY])


@given(
    st.lists(idle_or_not, min_size=7, max_size=30),
    st.integers(0, 6),
    st.lists(st.sampled_from([0.0, 2.0]), max_size=23),
    st.fixed_dictionaries(dict.fromkeys(GATES, gates)),
)
def test_no_threshold_that_a_configuration_may_have_breaks_a_band(days, weekday, today, chosen):
    """Whatever is allowed, of busy and idle days alike each window has a band that is a number."""
    hours = [hour for day in days for hour in day]
    for band in of(hours, weekday, today, 1.0, gates=chosen).values():
        assert isfinite(band.expected)
        assert isfinite(band.upper)
        assert band.upper >= band.expected >= 0
