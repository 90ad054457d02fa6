"""The truth behind the simulated API: who used what in every five minutes (floor 2).

Usage is a pure function of seed, series and time, so any stretch can be computed at any moment,
and what the API shows (late, restated) never changes what really happened.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

SLOT = timedelta(minutes=5)
SLOT_SECONDS = 300
SLOTS_PER_HOUR = 12
UNIT = 2**32

Counts = tuple[int, int, int, int, int, int]
"""Input, output, cache read, cache write 5m, cache write 1h, web searches."""

NOTHING: Counts = (0, 0, 0, 0, 0, 0)


class Series(NamedTuple):
    """One stream of usage and its mean volume in an hour of a working day.

    `workspace_id` and `api_key_id` are None as the reports have them: the default workspace, and
    usage without a key.
    """

    workspace_id: str | None
    api_key_id: str | None
    model: str
    per_hour: Counts
    service_tier: str = "standard"
    context_window: str = "0-200k"
    inference_geo: str = "global"
    speed: str = "standard"
    begins: datetime | None = None
    first_slot_factor: int = 1
    """The first slot of a series that begins late is this many times larger."""


NANO_PER_TOKEN: dict[str, tuple[int, int, int, int, int]] = {
    "claude-opus-5": (5000, 25_000, 500, 6250, 10_000),
    "claude-opus-4-8": (5000, 25_000, 500, 6250, 10_000),
    "claude-sonnet-5": (2000, 10_000, 200, 2500, 4000),
    "claude-haiku-4-5-20251001": (1000, 5000, 100, 1250, 2000),
    "claude-haiku-4-5": (1000, 5000, 100, 1250, 2000),
}
"""The simulator's own rate card: literals, so that it can contradict a wrong price book."""

NANO_PER_SEARCH = 10_000_000


def cost_nano(series: Series, counts: Counts) -> tuple[int, int] | None:
    """Return the exact nano-USD of tokens and of searches; None for a model without a price."""
    rates = NANO_PER_TOKEN.get(series.model)
    if rates is None:
        return None
    tokens = sum(rate * count for rate, count in zip(rates, counts, strict=False))
    if series.service_tier == "batch":
        tokens //= 2
    if series.inference_geo == "us":
        tokens = tokens * 11 // 10
    if series.speed == "fast":
        tokens *= 2
    return tokens, counts[5] * NANO_PER_SEARCH


def noise(seed: int, series: Series, slot: int, what: str) -> float:
    """Return a number in [0, 1) that depends on nothing else."""
    text = f"{seed}|{series[:3]}|{series[4:8]}|{slot}|{what}"
    return zlib.crc32(text.encode()) / UNIT


@lru_cache(maxsize=4096)
def activity(slot: int) -> float:
    """Return how busy the organisation is: working hours, quieter nights and weekends."""
    moment = datetime.fromtimestamp(slot * SLOT_SECONDS, UTC)
    hour = moment.hour + moment.minute / 60
    day = max(0.0, 1.0 - ((hour - 14.0) / 7.0) ** 2)
    weekend = 0.25 if moment.weekday() >= 5 else 1.0  # noqa: PLR2004 - Saturday
    return weekend * (0.15 + 1.6 * day)


def used(seed: int, series: Series, slot: int) -> Counts:
    """Return what a series really used in one slot."""
    if series.begins is not None:
        first = -(-int(series.begins.timestamp()) // SLOT_SECONDS)
        if slot < first:
            return NOTHING
        if slot == first:
            return _scaled(series.per_hour, float(series.first_slot_factor))
    burst = 0.4 + 1.2 * noise(seed, series, slot, "volume")
    return _scaled(series.per_hour, activity(slot) * burst / SLOTS_PER_HOUR)


def _scaled(counts: Counts, factor: float) -> Counts:
    """Scale; token counts are multiples of 20, so that every cost is a whole nano-dollar."""
    a, b, c, d, e = (int(count * factor / 20) * 20 for count in counts[:5])
    return a, b, c, d, e, int(counts[5] * factor + 0.5)


def add(left: Counts, right: Counts) -> Counts:
    """Return the sum of two counts."""
    a, b, c, d, e, f = (x + y for x, y in zip(left, right, strict=True))
    return a, b, c, d, e, f
