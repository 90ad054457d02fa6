"""Who uses what and how much: the streams of usage that make up an organisation's traffic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from claude_cost_exporter.simulator import ratecard
from claude_cost_exporter.simulator.organisation import DEFAULT

if TYPE_CHECKING:
    from datetime import timedelta

    from claude_cost_exporter.simulator.ratecard import Line

PerHour = tuple[int, int, int, int, int, int]
"""In a busy hour: input, output, cache read, 5m write, 1h write, web searches.

In the flow of a service the place of the web searches holds its units of 36 ms.
"""


@dataclass(frozen=True, slots=True)
class Profile:
    """Activity by UTC hour in permille of a busy hour, on weekdays and at the weekend."""

    weekday: tuple[int, ...]
    weekend: tuple[int, ...]


FLAT = Profile((1000,) * 24, (1000,) * 24)
CONSUMERS = Profile(
    (
        *(220, 160, 130, 120, 140, 210, 340, 520, 690, 800, 880, 930),
        *(960, 1000, 980, 950, 940, 960, 1000, 990, 880, 700, 500, 330),
    ),
    (
        *(240, 180, 140, 120, 120, 150, 220, 320, 420, 500, 560, 600),
        *(620, 630, 620, 600, 600, 620, 650, 640, 580, 480, 370, 280),
    ),
)
OFFICE = Profile(
    (
        *(0, 0, 0, 0, 0, 0, 60, 350, 820, 1000, 980, 900),
        *(620, 850, 1000, 960, 780, 460, 220, 120, 80, 40, 0, 0),
    ),
    (*((0,) * 9), 90, 110, 80, 60, 90, 100, 80, 50, 30, *((0,) * 6)),
)
NIGHTLY = Profile(
    (0, 600, 1000, 1000, 800, 200, *((0,) * 18)),
    (0, 300, 500, 400, *((0,) * 20)),
)


@dataclass(frozen=True, slots=True)
class Flow:
    """One stream of usage by one key with one model line."""

    name: str
    workspace: str
    api_key: str | None
    line: Line
    per_hour: PerHour
    profile: Profile = CONSUMERS
    tier: str = "standard"
    geo: str = "global"
    speed: str = "standard"
    long_context: bool = False
    odds: int = 100
    """Percent of hours with any usage at all."""
    begins: timedelta | None = None
    """Relative to the simulator's start; None: as far back as there is history."""
    lasts: timedelta | None = None
    product: str | None = "messages_api"
    user_profile: str | None = None
    """Id of the end customer on whose behalf the requests are made."""
    agent: str | None = None
    """Id of the managed agent that makes the requests."""
    blocked: bool = False
    """Every request is refused before any output."""


ACME_FLOWS = (
    Flow(
        "checkout",
        "production",
        "checkout",
        ratecard.SONNET,
        (1_150_000, 240_000, 6_000_000, 380_000, 0, 0),
    ),
    Flow(
        "support",
        "production",
        "support",
        ratecard.HAIKU,
        (1_900_000, 380_000, 8_000_000, 300_000, 0, 40),
        user_profile="uprof_01NorthwindFx7KqRm2LdWs",
    ),
    Flow(
        "support-escalations",
        "production",
        "support",
        ratecard.OPUS,
        (190_000, 55_000, 1_100_000, 30_000, 8_000, 0),
        geo="us",
    ),
    Flow(
        "batch",
        "production",
        "batch",
        ratecard.HAIKU,
        (18_000_000, 3_600_000, 2_000_000, 100_000, 0, 0),
        NIGHTLY,
        tier="batch",
        product="message_batches_api",
        user_profile="uprof_01ContosoBt9VhZc4NgJp",
    ),
    Flow(
        "evals",
        "research",
        "evals",
        ratecard.OPUS,
        (900_000, 260_000, 2_000_000, 60_000, 150_000, 0),
        OFFICE,
        odds=55,
    ),
    Flow(
        "notebooks",
        "research",
        "notebooks",
        ratecard.OPUS_PINNED,
        (190_000, 55_000, 300_000, 20_000, 0, 0),
        OFFICE,
    ),
    Flow(
        "notebooks-long",
        "research",
        "notebooks",
        ratecard.SONNET,
        (1_500_000, 30_000, 0, 0, 0, 6),
        OFFICE,
        long_context=True,
        odds=25,
    ),
    Flow(
        "experiments",
        DEFAULT,
        "experiments",
        ratecard.SONNET_PINNED,
        (140_000, 36_000, 120_000, 12_000, 0, 12),
    ),
    Flow(
        "console",
        DEFAULT,
        None,
        ratecard.OPUS,
        (60_000, 22_000, 0, 0, 0, 3),
        OFFICE,
        odds=40,
        product="claude_console",
    ),
    Flow(
        "claude-code",
        "claude_code",
        "claude_code",
        ratecard.SONNET,
        (70_000, 95_000, 10_000_000, 450_000, 110_000, 2),
        OFFICE,
        product="claude_code",
    ),
    Flow(
        "claude-code-opus",
        "claude_code",
        "claude_code",
        ratecard.OPUS,
        (15_000, 20_000, 1_800_000, 80_000, 15_000, 0),
        OFFICE,
        odds=60,
        product="claude_code",
    ),
    Flow(
        "claude-code-fast",
        "claude_code",
        "claude_code",
        ratecard.OPUS,
        (40_000, 36_000, 4_500_000, 190_000, 40_000, 0),
        OFFICE,
        speed="fast",
        odds=80,
        product="claude_code",
    ),
)

_BULK_LINES = (ratecard.HAIKU, ratecard.SONNET, ratecard.OPUS)


def bulk_flows(keys: int, workspaces: int) -> tuple[Flow, ...]:
    """Return one small flow for each of the `bulk-<n>` keys of a huge organisation."""
    return tuple(
        Flow(
            f"bulk-{n}",
            f"team-{n % workspaces}",
            f"bulk-{n}",
            _BULK_LINES[n % 3],
            (9_000 + n, 2_000 + n, 20_000, 900, n % 50, n % 4),
        )
        for n in range(keys)
    )
