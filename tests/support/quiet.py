"""A quiet month: simulated, scraped, recorded by the rules, and searched for alerts.

The month is November 2026, with 60 days of history before what is recorded of it. It ends at 80 %
of every budget.
"""

from __future__ import annotations

import json
import logging
import math
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import structlog

from claude_cost_exporter.clock import DAY, ManualClock
from claude_cost_exporter.records import NANO
from claude_cost_exporter.simulator import Simulator
from tests.e2e.servers import Prometheus
from tests.support.recording import Recording
from tests.support.rules import ALERTS, RECORDS, metrics_read
from tests.support.simulated import Simulated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from tests.e2e.asking import Series
    from tests.e2e.servers import PrometheusTools
    from tests.support.rules import Rule

MONTH, MONTH_END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
USED = 0.8
FIRST_POLL = timedelta(minutes=4)
SCRAPE = timedelta(minutes=5)
MINUTE = timedelta(minutes=1)
STRETCH = timedelta(days=7)
"""What is asked for at once: Prometheus answers with 11,000 points of a series at most."""
LABELS = 'job="claude-cost-exporter",instance="localhost:9853"'
WORKDAYS = "working_days: {weekdays: [monday, tuesday, wednesday, thursday, friday]}"


@dataclass(frozen=True, slots=True)
class Fired:
    """One time that an alert fired, with the labels of its series."""

    alert: str
    labels: dict[str, str]
    start: float
    end: float

    @property
    def days(self) -> frozenset[int]:
        """The days of the month on which it fired."""
        day, end = DAY.total_seconds(), min(self.end, MONTH_END.timestamp() - 1)
        month = MONTH.timestamp()
        return frozenset(range(int((self.start - month) // day), int((end - month) // day) + 1))


def record_month(seed: int, start: datetime, folder: Path, tools: PrometheusTools) -> None:
    """Write the month of a seed from `start` on, with what the rules record, into a data folder.

    It is made for a process of its own: it silences the log.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    scrapes = folder / "scrapes.om"
    with scrapes.open("w", encoding="utf-8") as file:
        recording = Recording(
            _exporter(seed, start, folder), file.write, keep=metrics_read(), labels=LABELS
        )
        recording.run(MONTH_END)
        file.write("# EOF\n")
    tools.load(scrapes, folder / "data")
    scrapes.unlink()  # hundreds of MB
    record_rules(start, folder, tools)


def _exporter(seed: int, start: datetime, folder: Path) -> Simulated:
    return Simulated(
        folder,
        start=MONTH,
        clock=ManualClock(start + FIRST_POLL),
        seed=seed,
        poll="3600s",
        history="60d",
        scrape="300s",
        api="legacy",
        source='claude_code: {users: "off"}',
        more=f"budgets:\n{_budgets(seed)}",
    )


def _budgets(seed: int) -> str:
    """Return a budget for everything and one for each workspace, of which 80 % will be used."""
    cost = Simulator("steady", seed=seed, start=MONTH).truth(MONTH, MONTH_END).cost_by_labels()
    spent = defaultdict(int)
    for labels, amount in cost.items():
        spent["workspace", labels[0]] += amount
        spent["all", "all"] += amount
    budgets = [
        f"  - {{name: {scope}, scope_type: {kind}, scope: {scope}, period: month, "
        f"amount_usd: {amount / NANO / USED:.2f}, {WORKDAYS}}}"
        for (kind, scope), amount in spent.items()
    ]
    return "\n".join(budget.replace("scope: all, ", "") for budget in budgets)


def record_rules(start: datetime, folder: Path, tools: PrometheusTools) -> None:
    """Evaluate the recording rules after every scrape; those that read others' series later."""
    left = dict(RECORDS)
    while ready := {
        name: rule for name, rule in left.items() if not rule.recorded_inputs & left.keys()
    }:
        recorded = folder / "recorded.om"
        with Prometheus(tools, folder) as prometheus, recorded.open("w", encoding="utf-8") as file:
            for name, rule in ready.items():
                for series in _ask(prometheus, rule.expr, start, SCRAPE):
                    file.writelines(_samples(name, series))
            file.write("# EOF\n")
        tools.load(recorded, folder / "data")
        recorded.unlink()
        left = {name: rule for name, rule in left.items() if name not in ready}


def _samples(name: str, series: Series) -> Iterator[str]:
    labels = ",".join(f"{label}={json.dumps(value)}" for label, value in series.labels.items())
    for time, value in series.points:
        yield f"{name}{{{labels}}} {value!r} {time:.3f}\n"


def _ask(prometheus: Prometheus, expression: str, start: datetime, step: timedelta) -> list[Series]:
    start, found = start + FIRST_POLL, []
    while start < MONTH_END:
        end = min(start + STRETCH, MONTH_END) - step / 2
        found += prometheus.query_range(expression, start, end, step.total_seconds())
        start += STRETCH
    return found


def fired(prometheus: Prometheus, start: datetime, rule: Rule) -> Iterator[Fired]:
    """Evaluate an alert at every minute from `start` on, with its `for` and `keep_firing_for`."""
    times: dict[tuple[tuple[str, str], ...], list[float]] = defaultdict(list)
    for series in _ask(prometheus, rule.expr, start, MINUTE):
        times[tuple(sorted(series.labels.items()))] += [time for time, _ in series.points]
    for labels, true in times.items():
        for began, end in firing(true, rule.lasts, rule.keeps):
            yield Fired(rule.name, dict(labels), began, end)


def firing(true: Sequence[float], lasts: timedelta, keeps: timedelta) -> list[tuple[float, float]]:
    """Return the stretches in which an alert fires that is true at these minutes.

    >>> firing([0, 60, 120, 240, 600], timedelta(minutes=1), timedelta(minutes=3))
    [(60, 420.0)]
    """
    step, needed, kept = (span.total_seconds() for span in (MINUTE, lasts, keeps))
    found: list[tuple[float, float]] = []
    began, firing_until = math.nan, -math.inf
    for previous, time in pairwise([-math.inf, *true]):
        if time - previous > step:
            began = time
        if time <= firing_until:
            found[-1] = (found[-1][0], time + kept)
        elif time - began >= needed:
            found.append((time, time + kept))
        else:
            continue
        firing_until = time + max(kept, step)
    return found


def all_fired(start: datetime, folder: Path, tools: PrometheusTools) -> list[Fired]:
    """Return every time that any alert fired."""
    with Prometheus(tools, folder) as prometheus:
        return [one for rule in ALERTS.values() for one in fired(prometheus, start, rule)]


def episodes(fired: Iterable[Fired]) -> Iterator[tuple[str, str]]:
    """Yield the (scope_type, scope) of each episode: what fires within a day of it is the same."""
    ends: dict[tuple[str, str], float] = {}
    for one in sorted(fired, key=lambda one: one.start):
        labels = one.labels
        scope = labels.get("scope_type", ""), labels.get("scope", labels.get("workspace_id", ""))
        if one.start > ends.get(scope, -math.inf) + DAY.total_seconds():
            yield scope
        ends[scope] = max(one.end, ends.get(scope, -math.inf))
