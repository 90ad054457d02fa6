"""Simulated days in nine variations: what the scrapes saw, and the truth.

A soak has eleven of five days each. Without it, five days are those in which everything happens
together, and every single fault has three, in which all of it has happened.
"""

from __future__ import annotations

import logging
import os
import random
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import structlog

from claude_cost_exporter.clock import DAY, HOUR, floor_hour
from claude_cost_exporter.simulator.scenarios import SCENARIOS
from tests.support.scrapes import FAMILY, ScrapedRun, Stop
from tests.support.simulated import START

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from claude_cost_exporter.simulator import Scenario, Simulator
    from tests.e2e.servers import PrometheusTools
    from tests.support.scrapes import Life

SOAK = bool(os.environ.get("SOAK"))
FIVE_DAYS = 5
DAYS = FIVE_DAYS if SOAK else 3
LAG = timedelta(minutes=5)
"""How long after a window's end it is asked about."""
FIRST_POLL = timedelta(minutes=4, seconds=10)
FIRST_SCRAPE = timedelta(minutes=4, seconds=50)
UNLUCKY_POLL = timedelta(minutes=5, seconds=1)
"""Just too late to be seen at a window's end plus LAG: those questions meet the poll before."""
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def corrupt(ledger: Path) -> None:
    """Overwrite the head of the file, as a broken disk would."""
    with ledger.open("r+b") as file:
        file.write(b"no ledger any more " * 50)


def move_aside(ledger: Path) -> None:
    """Move the ledger away, as a person would who wants to begin anew."""
    for path in ledger.parent.glob(f"{ledger.name}*"):
        path.rename(path.with_name(f"old-{path.name}"))


def _stop(day: int, clock: str, away: str, harm=None) -> Stop:
    hours, minutes, seconds = (int(part) for part in clock.split(":"))
    after = timedelta(days=day, hours=hours, minutes=minutes, seconds=seconds)
    gone, odd = (int(part) for part in away.split(":"))
    return Stop(after, timedelta(minutes=gone, seconds=odd), harm)


@dataclass(frozen=True, slots=True)
class Case:
    """One variation: what the API does, and what is done to the exporter."""

    name: str
    scenario: Scenario
    stops: tuple[Stop, ...] = ()
    days: int = DAYS
    first_poll: timedelta = FIRST_POLL
    closed_days: tuple[int, ...] = ()
    """Days that are restated after their end, and the days that absorb it."""


RESTARTS = (
    _stop(0, "10:02:00", "3:00"),
    _stop(1, "14:31:20", "3:00"),
    _stop(1, "23:57:00", "7:10"),  # over midnight
    _stop(2, "09:04:00", "20:10"),
)
LOSSES = (
    _stop(1, "12:17:00", "2:10", corrupt),
    _stop(2, "12:00:30", "3:40", move_aside),  # usage of the hour before is still on its way
)
UNSEEN_HOLD = _stop(0, "00:39:30", "4:40")
"""Ends after the poll that finds the new model and before any scrape, and outlasts its hold."""

FURTHER = (
    Case("unlucky phase", SCENARIOS["steady"], first_poll=UNLUCKY_POLL),
    Case("closed day", SCENARIOS["closed_day"], closed_days=(1, 2)),
)
"""What takes a minute more each, and only `make soak` does."""
CASES = (
    *(FURTHER if SOAK else ()),
    Case("steady", SCENARIOS["steady"]),
    Case("restarts", SCENARIOS["steady"], RESTARTS),
    Case("outage", SCENARIOS["outage"]),
    Case("late rows", SCENARIOS["late_rows"]),
    Case("restatement", SCENARIOS["restatement"]),
    Case("new model", SCENARIOS["new_model"], (UNSEEN_HOLD,)),
    Case("lost state", SCENARIOS["steady"], LOSSES),
    Case("reattribution", SCENARIOS["reattribution"]),
    Case(
        "all together",
        SCENARIOS["all"],
        tuple(sorted((UNSEEN_HOLD, *RESTARTS, *LOSSES), key=lambda stop: stop.after)),
        FIVE_DAYS,
    ),
)
BY_NAME = {case.name: case for case in CASES}


@dataclass(frozen=True, slots=True)
class Truth:
    """What a run was really about, in nano-USD. Hours and days are by event time, and final."""

    hours: list[int]
    total: int
    """Everything, without what the very first poll already saw: that never counts."""
    shown: list[int]
    """What the API showed beyond the first poll's, five minutes after the end of each hour."""
    last_shown: int
    """The same at the last poll."""
    missed: dict[int, int]
    """By day: what neither the lost ledger nor the new one has counted."""
    restated_down: int
    """All that corrections took away from any series."""

    @property
    def days(self) -> list[int]:
        starts = range(0, len(self.hours), 24)
        return [sum(self.hours[start : start + 24]) for start in starts]


def record(case: Case, folder: Path, stores: dict[Path, PrometheusTools]) -> Truth:
    """Run a case, load what its scrapes saw into Prometheus data folders, return the truth.

    It is made for a process of its own: it silences the log and fixes the jitter of retries.
    """
    history = folder / "history.om"
    run = _write(case, folder, history)
    for data, tools in stores.items():
        tools.load(history, data)
    history.unlink()  # 100 MB
    return _truth(case, run.simulated.simulator, run.lives)


def _write(case: Case, folder: Path, history: Path) -> ScrapedRun:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    random.seed(case.name)
    with history.open("w", encoding="utf-8") as file:
        file.write(f"# TYPE {FAMILY.removesuffix('_total')} counter\n")
        run = ScrapedRun(
            folder,
            case.scenario,
            start=START,
            first_poll=case.first_poll,
            first_scrape=FIRST_SCRAPE,
            sink=file.write,
            label=f'scenario="{case.name}",',
        )
        run.run(case.days * DAY + LAG, case.stops)
        file.write("# EOF\n")
    return run


def _truth(case: Case, simulator: Simulator, lives: list[Life]) -> Truth:
    starts = [START + hour * HOUR for hour in range(24 * case.days)]
    hours = [simulator.truth(start, start + HOUR).cost for start in starts]
    baseline = _shown(simulator, lives[0].counting_since)
    return Truth(
        hours=hours,
        total=sum(hours) - baseline,
        shown=[_shown(simulator, start + HOUR + LAG) - baseline for start in starts],
        last_shown=_shown(simulator, lives[-1].last_poll) - baseline,
        missed=dict(_missed(simulator, lives)),
        restated_down=sum(_restated_down(simulator)),
    )


def _shown(simulator: Simulator, at: datetime) -> int:
    """Return what the API shows at a moment of what was used since START."""
    return simulator.truth(START, at.replace(second=0), at, visible=True).cost


def _missed(simulator: Simulator, lives: list[Life]) -> Iterator[tuple[int, int]]:
    """Yield what a new ledger's first poll already saw and the old one had not exposed.

    With it goes the rest of the hour before, which is no longer counted when it arrives.
    """
    for before, after in pairwise(lives):
        begins = after.counting_since
        if begins != before.counting_since:
            hour = floor_hour(begins)
            past = simulator.truth(START, hour).cost
            seen = simulator.truth(hour, begins.replace(second=0), begins, visible=True).cost
            yield (begins - START).days, past + seen - _shown(simulator, before.last_poll)


def _restated_down(simulator: Simulator) -> Iterator[int]:
    """Yield what each moment of corrections takes from the series that lose."""
    for after in {correction.after for correction in simulator.scenario.corrections}:
        at = START + after
        before, now = (
            simulator.truth(START, at - MINUTE, moment).cost_by_labels()
            for moment in (at - SECOND, at)
        )
        yield sum(max(0, cost - now.get(labels, 0)) for labels, cost in before.items())
