"""What can happen to an organisation and to its API, as data (floor 2).

Times are relative to the simulation's start, so a scenario means the same in live and in
simulated time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from claude_cost_exporter.simulator.traffic import Series

if TYPE_CHECKING:
    from datetime import datetime

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Restatement:
    """From `at` on, the API shows the hour that began at `hour` multiplied by `factor`."""

    at: timedelta
    hour: timedelta
    factor: float


@dataclass(frozen=True, slots=True)
class Reattribution:
    """From `at` on, one series' usage of an hour is shown under another series."""

    at: timedelta
    hour: timedelta
    source: int
    target: int


@dataclass(frozen=True, slots=True)
class Spike:
    """One series is `factor` times busier for a while: a runaway loop."""

    start: timedelta
    end: timedelta
    series: int
    factor: int


@dataclass(frozen=True, slots=True)
class Outage:
    """The API answers `status` for a while, with or without saying when to come back."""

    start: timedelta
    end: timedelta
    status: int
    retry_after: str | None = None
    every: int = 1
    """Only every n-th request fails."""


@dataclass(frozen=True, slots=True)
class Name:
    """A workspace or an API key."""

    id: str
    name: str
    workspace_id: str | None = None
    status: str = "active"
    team: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """An organisation and what happens to it."""

    name: str
    about: str
    series: tuple[Series, ...]
    workspaces: tuple[Name, ...]
    api_keys: tuple[Name, ...]
    late_share: float = 0.0
    """This share of every slot becomes visible only 10 to 70 minutes later."""
    restatements: tuple[Restatement, ...] = ()
    reattributions: tuple[Reattribution, ...] = ()
    spikes: tuple[Spike, ...] = ()
    outages: tuple[Outage, ...] = ()
    newcomers: tuple[tuple[timedelta, Series], ...] = ()
    """Series that begin after the start."""

    def series_at(self, start: datetime) -> tuple[Series, ...]:
        """Return every series, newcomers with the moment they begin."""
        late = (series._replace(begins=start + after) for after, series in self.newcomers)
        return (*self.series, *late)


PLATFORM, RESEARCH, SUPPORT = "wrkspc_01Platform", "wrkspc_01Research", "wrkspc_01Support"
DEFAULT_WORKSPACE_ID = "wrkspc_01DefaultOfTheOrg"
CI, AGENT, BATCHES, NOTEBOOK, CHAT, LEGACY = (
    "apikey_01Ci", "apikey_01Agent", "apikey_01Batches", "apikey_01Notebook", "apikey_01Chat",
    "apikey_01Legacy",
)  # fmt: skip

ORDINARY_SERIES = (
    Series(PLATFORM, AGENT, "claude-opus-5", (90_000, 60_000, 1_800_000, 120_000, 30_000, 3)),
    Series(PLATFORM, CI, "claude-sonnet-5", (400_000, 120_000, 900_000, 60_000, 0, 0)),
    Series(RESEARCH, NOTEBOOK, "claude-opus-4-8", (60_000, 40_000, 200_000, 30_000, 0, 0),
           inference_geo="us"),
    Series(RESEARCH, BATCHES, "claude-sonnet-5", (2_000_000, 300_000, 0, 0, 0, 0),
           service_tier="batch"),
    Series(SUPPORT, CHAT, "claude-haiku-4-5-20251001",
           (600_000, 250_000, 3_000_000, 90_000, 9000, 8)),
    Series(SUPPORT, CHAT, "claude-opus-5", (20_000, 20_000, 150_000, 8000, 0, 0), speed="fast"),
    Series(None, LEGACY, "claude-haiku-4-5-20251001", (150_000, 60_000, 0, 0, 0, 0)),
    Series(None, None, "claude-sonnet-5", (40_000, 15_000, 0, 0, 0, 1)),
)  # fmt: skip
ORDINARY_WORKSPACES = (
    Name(PLATFORM, "Platform", team="platform"),
    Name(RESEARCH, "Research", team="research"),
    Name(SUPPORT, "Customer support", team="support"),
)
ORDINARY_KEYS = (
    Name(CI, "ci-pipeline", PLATFORM),
    Name(AGENT, "coding-agent", PLATFORM),
    Name(NOTEBOOK, "notebooks", RESEARCH),
    Name(BATCHES, "nightly-batches", RESEARCH),
    Name(CHAT, "chat-frontend", SUPPORT),
    Name(LEGACY, "first key ever", None, status="inactive"),
)
STEADY = Scenario(
    "steady", "weekday traffic of a mid-size organisation", ORDINARY_SERIES,
    ORDINARY_WORKSPACES, ORDINARY_KEYS,
)  # fmt: skip

SETTLED, FRESH = timedelta(hours=20), timedelta(hours=30)
RESTATED = (
    # an hour that closed five hours ago, and the hour that is open, both by -5 %; one up by 3 %
    Restatement(at=SETTLED + 6 * HOUR, hour=SETTLED, factor=0.95),
    Restatement(at=FRESH + 50 * MINUTE, hour=FRESH, factor=0.95),
    Restatement(at=timedelta(hours=60), hour=timedelta(hours=50), factor=1.03),
)
MOVED = (Reattribution(timedelta(hours=44), timedelta(hours=40), source=1, target=4),)
NEW_MODEL = Series(
    PLATFORM, AGENT, "claude-opus-4-8", (80_000, 50_000, 400_000, 20_000, 0, 0),
    speed="fast", first_slot_factor=5,
)  # fmt: skip
UNPRICED = Series(RESEARCH, NOTEBOOK, "claude-next-preview", (10_000, 4000, 0, 0, 0, 0))
NEWCOMERS = (
    (timedelta(hours=26, minutes=17), NEW_MODEL._replace(speed="standard")),
    (timedelta(hours=27), UNPRICED),
)
DOWN = (Outage(timedelta(hours=33, minutes=20), timedelta(hours=35, minutes=20), 503),)
STORM = (
    Outage(timedelta(hours=1), timedelta(hours=1, minutes=10), 429, retry_after="2"),
    Outage(timedelta(hours=2), timedelta(hours=2, minutes=10), 429, every=2),
)


def _huge() -> Scenario:
    """Return an organisation with 1,000 keys."""
    keys = tuple(Name(f"apikey_{n:04}", f"key {n}", PLATFORM) for n in range(1000))
    series = tuple(
        Series(PLATFORM, key.id, "claude-sonnet-5", (2000 + 20 * n, 800, 4000, 100, 0, 0))
        for n, key in enumerate(keys)
    )
    return replace(STEADY, name="huge", about="1,000 API keys", series=series, api_keys=keys)


def _hostile() -> Scenario:
    """Return an organisation whose names try to break terminals, pages and label syntax."""
    names = (
        '\x1b[31mred\x1b[0m "quoted" \\back\nnewline',
        "<script>alert(1)</script>&amp;",
        "x" * 10_000,
        "\u202ereversed\u202c jane.doe@example.com \U0001f4b8",
    )
    workspaces = tuple(
        replace(one, name=name, team=name[:40])
        for one, name in zip(ORDINARY_WORKSPACES, names, strict=False)
    )
    keys = tuple(replace(one, name=names[n % len(names)]) for n, one in enumerate(ORDINARY_KEYS))
    return replace(
        STEADY, name="hostile", about="names made to do harm", workspaces=workspaces, api_keys=keys
    )


def scenarios() -> dict[str, Scenario]:
    """Return every scenario by name."""
    loop = (Spike(timedelta(hours=3), timedelta(hours=5), series=0, factor=25),)
    every = (
        STEADY,
        replace(STEADY, name="spike", about="a loop burns money for two hours", spikes=loop),
        replace(STEADY, name="late_rows", about="15 % arrives 10 to 70 min late", late_share=0.15),
        replace(STEADY, name="restatement", about="hours are corrected", restatements=RESTATED),
        replace(STEADY, name="reattribution", about="spend moves", reattributions=MOVED),
        replace(STEADY, name="outage", about="two hours of 503", outages=DOWN),
        replace(STEADY, name="storm_429", about="rate limits", outages=STORM),
        replace(STEADY, name="new_model", about="models that appear later", newcomers=NEWCOMERS),
        replace(
            STEADY, name="all", about="everything at once", late_share=0.15, outages=DOWN,
            restatements=RESTATED, reattributions=MOVED, newcomers=NEWCOMERS,
        ),
        _huge(),
        _hostile(),
    )  # fmt: skip
    return {scenario.name: scenario for scenario in every}
