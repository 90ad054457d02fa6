"""The backtest measures what it says, on series whose answer is known."""

from __future__ import annotations

import pytest

from backtest.__main__ import missed
from backtest.alarms import (
    Incident,
    Verdict,
    caught,
    episodes,
    exporter,
    false_per_30_days,
    median_delays,
    naive,
    try_out,
)
from backtest.forecasts import Accuracy, judge, replay
from backtest.organisations import KINDS, spend

DAYS = 120
FLAT = [1.0] * 24 * DAYS
RUNAWAY = Incident("runaway", 20, 2, begins=12, weeks=(10,))
START = 10 * 168 + 12

GOOD = {"month_end": Accuracy(0.150, 0.135, 0.80)}


def verdicts(false=0, seen=20, unseen=0):
    delays = [(0.5, 1)] * seen + [None] * unseen
    return [Verdict({"any": false}, {"4x loop": delays})]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_seed_is_one_organisation(kind):
    """A seed makes the same hours each time, another seed others, and none is negative."""
    hours = spend(kind, 1, 30)
    assert len(hours) == 30 * 24
    assert min(hours) >= 0 < sum(hours)
    assert hours == spend(kind, 1, 30) != spend(kind, 2, 30)


def test_constant_spend_is_foreseen():
    """On constant spend neither method errs and every interval holds the truth."""
    forecasts = list(replay([3.0] * 150))
    month_ends = [forecast for forecast in forecasts if forecast.horizon == "month_end"]
    found = judge(month_ends)
    assert 30 < len(month_ends) < len(forecasts)
    assert (found.run_rate, found.weekday_ewma) == pytest.approx((0, 0), abs=1e-9)
    assert found.coverage == 1


def test_a_gain_is_the_error_that_is_saved():
    """An error of 0.135 instead of 0.150 is a gain of 10 %."""
    assert GOOD["month_end"].gain == pytest.approx(0.1)


def test_alarms_within_a_day_are_one_episode():
    """A pause of 24 hours belongs to the episode, one of 25 ends it."""
    assert episodes([]) == 0
    assert episodes([10]) == 1
    assert episodes([10, 34, 35]) == 1
    assert episodes([10, 34, 59]) == 2


@pytest.mark.parametrize("detector", [exporter(), naive], ids=["exporter", "naive"])
def test_flat_spend_has_no_alarm(detector):
    """Neither detector says a word about constant spend."""
    assert detector(FLAT, 60) == {}


def test_a_runaway_is_seen_in_its_first_hour():
    """At 21 dollars an hour a bound of 7 is crossed after 20 minutes, or seen after the hour."""
    alarms = exporter()(RUNAWAY.happen(FLAT, START), START // 24)
    assert min(alarms) == START
    assert alarms[START]["1h"] == pytest.approx(1 / 3)


def test_verdict_on_a_known_series(monkeypatch):
    """Delays are from the beginning of the incident, false alarms those of the clean series."""
    monkeypatch.setattr("backtest.alarms.INCIDENTS", (RUNAWAY,))
    noisy = FLAT.copy()
    for day in (65, 66, 80):
        noisy[day * 24 + 3] = 60.0
    found = [try_out(exporter(), noisy)]
    assert found[0].episodes["1h"] == 2
    assert false_per_30_days(found, "1h") == 1
    assert caught(found, "runaway") == 1
    soon, late = median_delays(found, "runaway")
    assert 0 < soon < late == 1


def test_what_the_clean_series_alarms_too_is_no_catch(monkeypatch):
    """An alarm that was there without the incident does not count as having seen it."""
    monkeypatch.setattr("backtest.alarms.INCIDENTS", (Incident("nothing", 0, 5, 12, (10,)),))
    noisy = FLAT.copy()
    noisy[START] = 60.0
    assert caught([try_out(exporter(), noisy)], "nothing") == 0


def test_bounds():
    """Within the bounds nothing is said; each bound that is missed is named."""
    assert list(missed(GOOD, verdicts(false=3, seen=19, unseen=1))) == []
    (gain,) = missed({"month_end": Accuracy(0.150, 0.146, 0.80)}, verdicts())
    (low,) = missed({"month_end": Accuracy(0.150, 0.135, 0.69)}, verdicts())
    (high,) = missed({"month_end": Accuracy(0.150, 0.135, 0.93)}, verdicts())
    (false,) = missed(GOOD, verdicts(false=4))
    (blind,) = missed(GOOD, verdicts(seen=18, unseen=2))
    assert "gain" in gain
    assert "coverage" in low
    assert "coverage" in high
    assert "false" in false
    assert "4x loops" in blind


def test_an_incident_changes_only_its_own_hours():
    """What was spent before is as it was; the extra is so many times the mean hour."""
    before = [float(hour % 3) for hour in range(24 * DAYS)]
    after = RUNAWAY.happen(before, START)
    assert after[:START] == before[:START]
    assert after[START:] == pytest.approx([before[START] + 20, before[START + 1] + 20])
