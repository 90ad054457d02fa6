"""Replays the anomaly bands: how often they alarm for nothing, how soon they see a runaway.

An alarm is noted by the hour, with the part of the hour that had passed when the open hour crossed
the band, if it spends evenly. The whole hour is seen at its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from math import sqrt
from statistics import fmean, median
from typing import TYPE_CHECKING

from claude_cost_exporter.plans import GATES
from claude_cost_exporter.views.bands import bands
from claude_cost_exporter.views.baselines import track

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from claude_cost_exporter.plans import Gate

    Alarms = dict[int, dict[str, float]]
    Detector = Callable[[Sequence[float], int], Alarms]

HOURS = 24
WEEK = 7 * HOURS
WARM_DAYS, JUDGED_DAYS = 60, 60
EPISODE_GAP_HOURS = 24
FRIDAY_EVENING = 4 * HOURS + 18
WEDNESDAY_NOON = 2 * HOURS + 12


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that must be seen: extra spend of so many mean hours, for a while."""

    name: str
    mean_hours: float
    lasts_hours: int
    begins: int  # hour of the week
    weeks: tuple[int, ...] = (10, 13)

    def starts(self) -> list[int]:
        """Return the hours of a series at which it begins, each in a copy of its own."""
        return [week * WEEK + self.begins for week in self.weeks]

    def happen(self, hours: Sequence[float], start: int) -> list[float]:
        """Return the spend with the incident, up to its end."""
        extra = self.mean_hours * fmean(hours[start - 4 * WEEK : start])
        end = start + self.lasts_hours
        return [*hours[:start], *(spend + extra for spend in hours[start:end])]


LOOP = Incident("4x loop", 4, 60, FRIDAY_EVENING)
INCIDENTS = (
    LOOP,
    Incident("2x loop", 2, 60, FRIDAY_EVENING),
    Incident("10x hour", 10, 1, WEDNESDAY_NOON),
    Incident("20x hour", 20, 1, WEDNESDAY_NOON),
)


def exporter(gates: Mapping[str, Gate] = GATES) -> Detector:
    """Return the detector of the exporter itself, with these gates."""

    def detect(hours: Sequence[float], first_day: int) -> Alarms:
        followed, alarms = track(hours[: first_day * HOURS], first_day % 7), {}
        for start in range(first_day * HOURS, len(hours), HOURS):
            today = hours[start : start + HOURS]
            if (baseline := followed.baseline()) is None:
                continue
            for at, spend in enumerate(today):
                seen = bands(baseline, hours[start - WEEK : start], today[:at], spend, gates=gates)
                crossed = {
                    window: _crossing(band.spend - band.upper, spend)
                    for window, band in seen.items()
                    # The last complete hour was noted when it was the open one.
                    if band.spend > band.upper and (window != "1h" or band.spend == spend)
                }
                if crossed:
                    alarms[start + at] = crossed
            if len(today) == HOURS:  # a copy with an incident ends within a day
                followed.close(today)
        return alarms

    return detect


def naive(hours: Sequence[float], first_day: int) -> Alarms:
    """Return when an hour was above mean + 3 sigma of the week before."""
    sums = list(accumulate(hours, initial=0.0))
    squares = list(accumulate((spend * spend for spend in hours), initial=0.0))
    alarms = {}
    for at in range(first_day * HOURS, len(hours)):
        mean = (sums[at] - sums[at - WEEK]) / WEEK
        variance = (squares[at] - squares[at - WEEK]) / WEEK - mean * mean
        excess = hours[at] - mean - 3 * sqrt(max(variance, 0.0))
        if excess > 0:
            alarms[at] = {"1h": _crossing(excess, hours[at])}
    return alarms


def _crossing(excess: float, spend: float) -> float:
    return max(1 - excess / spend, 0.0) if spend else 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a detector did on one series: episodes of each window and of all, delays or None."""

    episodes: Mapping[str, int]
    delays: Mapping[str, Sequence[tuple[float, int] | None]]


def try_out(detector: Detector, hours: Sequence[float]) -> Verdict:
    """Run a detector over a clean series and over its copies with incidents."""
    clean = detector(hours, WARM_DAYS)
    windows = {window: [at for at in clean if window in clean[at]] for window in GATES}
    counted = {window: episodes(at) for window, at in windows.items()}
    delays = {
        incident.name: [
            _delay(detector(incident.happen(hours, start), start // HOURS), clean, start)
            for start in incident.starts()
        ]
        for incident in INCIDENTS
    }
    return Verdict({**counted, "any": episodes(list(clean))}, delays)


def episodes(alarms: Sequence[int]) -> int:
    """Count alarms, those that follow within a day as one."""
    return sum(
        now - before > EPISODE_GAP_HOURS
        for before, now in zip([-WEEK, *alarms], alarms, strict=False)
    )


def _delay(alarms: Alarms, clean: Alarms, start: int) -> tuple[float, int] | None:
    """Return hours to the first alarm that the clean series lacks: open hour, complete hours."""
    for at in range(start, max(alarms, default=start) + 1):
        new = [
            part for window, part in alarms.get(at, {}).items() if window not in clean.get(at, {})
        ]
        if new:
            return at - start + min(new), at - start + 1
    return None


def false_per_30_days(verdicts: Sequence[Verdict], window: str) -> float:
    """Return the mean number of episodes on clean series."""
    return fmean(verdict.episodes[window] for verdict in verdicts) * 30 / JUDGED_DAYS


def caught(verdicts: Sequence[Verdict], incident: str) -> float:
    """Return the share of incidents that were seen before they ended."""
    return fmean(delay is not None for verdict in verdicts for delay in verdict.delays[incident])


def median_delays(verdicts: Sequence[Verdict], incident: str) -> tuple[float, float]:
    """Return the median hours to an alarm: with the open hour, and with complete hours only."""
    seen = [delay for verdict in verdicts for delay in verdict.delays[incident] if delay]
    return median(part for part, _ in seen), median(whole for _, whole in seen)
