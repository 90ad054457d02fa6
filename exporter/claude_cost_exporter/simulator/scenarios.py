"""Named scenarios, as data. All times are relative to the simulator's start."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from claude_cost_exporter.simulator import (
    bill_scenarios,
    faults,
    flows,
    organisation,
    ratecard,
)
from claude_cost_exporter.simulator.corrections import Reattribution, Restatement
from claude_cost_exporter.simulator.crowds import Crowd
from claude_cost_exporter.simulator.organisation import ACME, DEFAULT
from claude_cost_exporter.simulator.scenario import STEADY, Disturbance, Scenario, combine

HUGE_KEYS = 1_000
HUGE_WORKSPACES = 40


def _minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def _hours(count: float) -> timedelta:
    return timedelta(hours=count)


def _spike(begins: timedelta, lasts: timedelta) -> flows.Flow:
    return flows.Flow(
        f"spike-{begins}",
        "research",
        "evals",
        ratecard.OPUS,
        (9_000_000, 1_500_000, 30_000_000, 900_000, 0, 200),
        flows.FLAT,
        begins=begins,
        lasts=lasts,
    )


SPIKE = replace(
    STEADY,
    name="spike",
    summary="A runaway loop on the evals key burns about $80 an hour, 10 min and 49 h in.",
    flows=(
        *flows.ACME_FLOWS,
        _spike(_minutes(10), _minutes(50)),
        _spike(_hours(49), _hours(2.5)),
    ),
)
LATE_ROWS = replace(
    STEADY,
    name="late_rows",
    summary="15 % of every minute arrives 10 minutes later, also across hours and midnights.",
    late_percent=15,
    late_by=_minutes(10),
)
RESTATEMENT = replace(
    STEADY,
    name="restatement",
    summary="A finished hour -5 %, the open hour -5 %, a finished hour +5 %.",
    corrections=(
        Restatement(_minutes(10), percent=-5, hours_back=3),
        Restatement(_minutes(20), percent=-5, hours_back=0),
        Restatement(_hours(10) + _minutes(20), percent=-5, hours_back=3),
        Restatement(_hours(33) + _minutes(50), percent=-5, hours_back=0),
        Restatement(_hours(39) + _minutes(10), percent=5, hours_back=2),
    ),
)
CLOSED_DAY = replace(
    STEADY,
    name="closed_day",
    summary="52 h in, a whole day's worth of hours that ended 4 h before is restated by -5 %.",
    corrections=(Restatement(_hours(52), percent=-5, hours_back=28, hours=24),),
)
OUTAGE = replace(
    STEADY,
    name="outage",
    summary="The API is down for 2 h, 1 h and 37 h in: 503 and reset connections in turn.",
    disturbances=tuple(
        Disturbance(after, _hours(2), (faults.error(503), faults.dropped()))
        for after in (_hours(1), _hours(37))
    ),
)
STORM_429 = replace(
    STEADY,
    name="storm_429",
    summary="Rate limits for 4 min, 5 min and 20 h in: with and without retry-after, stale resets.",
    disturbances=tuple(
        Disturbance(
            after,
            _minutes(4),
            (
                faults.rate_limited(),
                faults.rate_limited(retry_after=2),
                faults.rate_limited(reset_offset=_minutes(-1)),
            ),
            percent=80,
        )
        for after in (_minutes(5), _hours(20))
    ),
)


def _first_minute(begins: timedelta) -> flows.Flow:
    """Return the burst with which a new model begins: about $40 in one minute."""
    counts = (108_000_000, 27_000_000, 0, 0, 0, 0)
    return flows.Flow(
        f"new-model-first-{begins}",
        "research",
        "notebooks",
        ratecard.FABLE,
        counts,
        flows.FLAT,
        begins=begins,
        lasts=_minutes(1),
    )


NEW_MODEL = replace(
    STEADY,
    name="new_model",
    summary="30 min in, a new model begins with $40 in a minute; later one that nobody can price.",
    flows=(
        *flows.ACME_FLOWS,
        _first_minute(_minutes(30)),
        flows.Flow(
            "new-model",
            "research",
            "notebooks",
            ratecard.FABLE,
            (40_000, 12_000, 200_000, 8_000, 0, 0),
            begins=_minutes(31),
        ),
        flows.Flow(
            "unpriced-model",
            DEFAULT,
            "experiments",
            ratecard.unpriced("claude-nova-1"),
            (30_000, 9_000, 50_000, 4_000, 1_000, 0),
            begins=_minutes(35),
        ),
        flows.Flow(
            "priority",
            "production",
            "checkout",
            ratecard.SONNET,
            (30_000, 9_000, 50_000, 4_000, 0, 0),
            tier="priority",
            begins=_minutes(35),
        ),
    ),
)
REATTRIBUTION = replace(
    STEADY,
    name="reattribution",
    summary="Support's last hours turn out to be research's, 15 min and 30 h in.",
    corrections=(
        Reattribution(_minutes(15), 2, 2, "support", "research", "evals"),
        Reattribution(_hours(30), 4, 4, "support", "research", "evals", percent=40),
        Reattribution(_hours(30), 4, 4, "checkout", DEFAULT, None, percent=25),
    ),
)
HUGE = replace(
    STEADY,
    name="huge",
    summary="1,000 API keys in 45 workspaces.",
    organisation=organisation.huge(HUGE_KEYS, HUGE_WORKSPACES),
    flows=(
        *flows.ACME_FLOWS,
        *flows.bulk_flows(HUGE_KEYS - len(ACME.api_keys), HUGE_WORKSPACES),
    ),
)
HUGE_HISTORY = replace(
    STEADY,
    name="huge_history",
    summary="1,000 API keys x 10 models, each key active in 3 % of hours, and nothing else.",
    organisation=organisation.huge(HUGE_KEYS + len(ACME.api_keys), HUGE_WORKSPACES),
    flows=(),
    crowds=(Crowd(HUGE_KEYS, HUGE_WORKSPACES, ratecard.TEN_LINES, active_percent=3),),
)
HOSTILE = replace(
    STEADY,
    name="hostile",
    summary="Names and ids with escape codes, markup, newlines, 10 kB, e-mails, a hostile model.",
    organisation=organisation.hostile(),
    flows=(
        *flows.ACME_FLOWS,
        flows.Flow(
            "hostile-model",
            DEFAULT,
            "experiments",
            ratecard.unpriced('claude-"\\\n<b>{x="y"} 1'),
            (10_000, 3_000, 20_000, 1_000, 0, 0),
        ),
    ),
)

_PARTS = (
    STEADY,
    SPIKE,
    LATE_ROWS,
    RESTATEMENT,
    OUTAGE,
    STORM_429,
    NEW_MODEL,
    REATTRIBUTION,
)


ALL = combine(
    "all", "Everything above together, except closed_day, huge, huge_history, hostile.", *_PARTS
)
QUARTER = combine(
    "quarter",
    "92 days in which everything happens that makes a bill differ from an estimate.",
    LATE_ROWS,
    *bill_scenarios.PARTS,
)
SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        *_PARTS,
        *(CLOSED_DAY, HUGE, HUGE_HISTORY, HOSTILE, ALL),
        *bill_scenarios.PARTS,
        *(bill_scenarios.HALF_LANDED, bill_scenarios.CUSTOMERS, QUARTER),
    )
}


def find(names: str) -> Scenario:
    """Return the scenario of a name, or of several joined by commas.

    >>> find("spike,late_rows").name
    'spike,late_rows'
    """
    wanted = [name.strip() for name in names.split(",")]
    unknown = [name for name in wanted if name not in SCENARIOS]
    if unknown:
        known = ", ".join(SCENARIOS)
        raise ValueError(f"scenario {unknown[0]!r} is unknown; known are: {known}")
    parts = [SCENARIOS[name] for name in wanted]
    if len(parts) == 1:
        return parts[0]
    return combine(",".join(wanted), " ".join(part.summary for part in parts), *parts)
