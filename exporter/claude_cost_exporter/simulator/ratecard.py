"""The models of the simulated organisation and what they cost, as literals.

Deliberately independent of `pricing/`: the truth of a test must not come from the code under
test. Rates are whole nano-USD per token, so that every sum of costs is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

Rates = tuple[int, int, int, int, int]
"""Nano-USD per token: input, output, cache read, 5m cache write, 1h cache write."""

NANO_PER_SEARCH = 10_000_000

_OPUS = (5_000, 25_000, 500, 6_250, 10_000)
_SONNET = (3_000, 15_000, 300, 3_750, 6_000)


@dataclass(frozen=True, slots=True)
class Model:
    """One model: its id, the exporter's label for it, and its rates from given days on."""

    id: str
    label: str
    rates: tuple[tuple[date, Rates], ...]
    has_geo: bool = True
    """False: older models report `not_available`."""
    has_fast: bool = False
    has_long_context: bool = False
    """Whether it bills the 1M window at the standard rate."""
    listed: bool = True
    """False: it is billed, but no published price list has it."""

    def rates_on(self, day: date) -> Rates | None:
        """Return the base rates of a day; None before the model had a price."""
        return next((rates for since, rates in reversed(self.rates) if since <= day), None)


class Release(NamedTuple):
    """A model and the day it came out."""

    day: date
    model: Model


HAIKU_45 = Model(
    "claude-haiku-4-5-20251001",
    "claude-haiku-4-5",
    ((date(2025, 10, 15), (1_000, 5_000, 100, 1_250, 2_000)),),
    has_geo=False,
)
OPUS_45 = Model(
    "claude-opus-4-5-20251101",
    "claude-opus-4-5",
    ((date(2025, 11, 24), _OPUS),),
    has_geo=False,
)
OPUS_46 = Model("claude-opus-4-6", "claude-opus-4-6", ((date(2026, 2, 5), _OPUS),))
OPUS_47 = Model(
    "claude-opus-4-7", "claude-opus-4-7", ((date(2026, 4, 16), _OPUS),), has_long_context=True
)
OPUS_48 = Model(
    "claude-opus-4-8", "claude-opus-4-8", ((date(2026, 5, 28), _OPUS),), has_long_context=True
)
OPUS_5 = Model(
    "claude-opus-5",
    "claude-opus-5",
    ((date(2026, 7, 24), _OPUS),),
    has_fast=True,
    has_long_context=True,
)
OPUS_55 = Model(
    "claude-opus-5-5",
    "claude-opus-5-5",
    ((date(2026, 9, 22), (4_000, 20_000, 200, 5_000, 8_000)),),
    has_fast=True,
    has_long_context=True,
)
SONNET_45 = Model(
    "claude-sonnet-4-5-20250929",
    "claude-sonnet-4-5",
    ((date(2025, 9, 29), _SONNET),),
    has_geo=False,
)
SONNET_46 = Model("claude-sonnet-4-6", "claude-sonnet-4-6", ((date(2026, 2, 17), _SONNET),))
SONNET_5 = Model(
    "claude-sonnet-5",
    "claude-sonnet-5",
    ((date(2026, 6, 30), (2_000, 10_000, 200, 2_500, 4_000)),),
    has_long_context=True,
)
SONNET_55 = Model(
    "claude-sonnet-5-5",
    "claude-sonnet-5-5",
    (
        (date(2026, 9, 28), (2_000, 10_000, 200, 2_500, 4_000)),
        (date(2026, 10, 7), (2_000, 10_000, 100, 2_500, 4_000)),
    ),
    has_long_context=True,
)
FABLE_51 = Model(
    "claude-fable-5-1",
    "claude-fable-5-1",
    ((date(2026, 9, 1), (10_000, 50_000, 250, 12_500, 20_000)),),
    has_long_context=True,
)

FABLE_5 = Model(
    "claude-fable-5",
    "claude-fable-5",
    ((date(2026, 6, 9), (10_000, 50_000, 1_000, 12_500, 20_000)),),
    has_long_context=True,
)
LYRA = Model(
    "claude-lyra-1",
    "claude-lyra-1",
    ((date(2026, 8, 1), (7_000, 34_000, 280, 8_600, 13_800)),),
    listed=False,
)
"""Its rates follow no rule, so that nobody can derive one from another."""

HAIKU = (Release(date(2025, 10, 15), HAIKU_45),)
OPUS_PINNED = (
    Release(date(2025, 11, 24), OPUS_45),
    Release(date(2026, 2, 5), OPUS_46),
    Release(date(2026, 4, 16), OPUS_47),
    Release(date(2026, 5, 28), OPUS_48),
)
OPUS = (
    *OPUS_PINNED,
    Release(date(2026, 7, 24), OPUS_5),
    Release(date(2026, 9, 22), OPUS_55),
)
SONNET_PINNED = (Release(date(2025, 9, 29), SONNET_45), Release(date(2026, 2, 17), SONNET_46))
SONNET = (
    *SONNET_PINNED,
    Release(date(2026, 6, 30), SONNET_5),
    Release(date(2026, 9, 28), SONNET_55),
)
FABLE = (Release(date(2026, 9, 1), FABLE_51),)
UNLISTED = (Release(date(2026, 8, 1), LYRA),)
SONNET_55_ONLY = (Release(date(2026, 9, 28), SONNET_55),)
TEN_LINES = tuple(
    (Release(model.rates[0][0], model),)
    for model in (
        *(HAIKU_45, OPUS_45, OPUS_46, OPUS_47, OPUS_48),
        *(OPUS_5, SONNET_45, SONNET_46, SONNET_5, FABLE_5),
    )
)
"""Ten models, each with a price since July 2026 at the latest."""

Line = tuple[Release, ...]
"""A family in order of release: the organisation moves on to each new member."""

ADOPTION = timedelta(days=3)

MODELS: dict[str, Model] = {
    release.model.id: release.model
    for line in (HAIKU, OPUS, SONNET, FABLE, UNLISTED, *TEN_LINES)
    for release in line
}

CODE_EXECUTION = "code_execution"
SESSION_USAGE = "session_usage"
SERVICES = {CODE_EXECUTION: 500, SESSION_USAGE: 800}
"""Nano-USD per 36 ms of what is billed by the hour ($0.05 and $0.08), by cost type."""
UNITS_PER_HOUR = 100_000
"""How many times 36 ms an hour has."""


def unpriced(model_id: str) -> Line:
    """Return a line of one model that no price list knows and that is not billed."""
    return (Release(date(2020, 1, 1), Model(model_id, model_id, ())),)


def service(cost_type: str) -> Line:
    """Return what stands for a line of models in the flow of a service."""
    return (Release(date(2020, 1, 1), Model(cost_type, cost_type, (), has_geo=False)),)


def model_on(line: Line, day: date) -> Model:
    """Return the member of a line that is in use on a day."""
    adopted = (release.model for release in reversed(line) if release.day + ADOPTION <= day)
    return next(adopted, line[0].model)


_PRICED_TIERS = {"standard": (1, 1), "batch": (1, 2)}
_SPEEDS = {"standard": 1, "fast": 2}
_GEOS = {"us": (11, 10), "global": (1, 1), "not_available": (1, 1)}


def rates_of(model_id: str, tier: str, geo: str, speed: str, day: date) -> Rates | None:
    """Return nano-USD per token by the published list; None: it has no price."""
    model = MODELS.get(model_id)
    if model is None or not model.listed:
        return None
    return billed_rates_of(model_id, tier, geo, speed, day)


@lru_cache(maxsize=4_096)
def billed_rates_of(model_id: str, tier: str, geo: str, speed: str, day: date) -> Rates | None:
    """Return nano-USD per token before any discount; None: it is not billed."""
    model = MODELS.get(model_id)
    base = model.rates_on(day) if model else None
    if base is None or tier not in _PRICED_TIERS:
        return None
    batch, geo_factor = _PRICED_TIERS[tier], _GEOS[geo]
    times = batch[0] * geo_factor[0] * _SPEEDS[speed]
    by = batch[1] * geo_factor[1]
    i, o, r, w5, w1 = (_exact(rate * times, by, model_id) for rate in base)
    return i, o, r, w5, w1


def _exact(numerator: int, denominator: int, model_id: str) -> int:
    """Divide without remainder, so that the truth never rounds."""
    quotient, remainder = divmod(numerator, denominator)
    if remainder:
        raise ValueError(f"{model_id}: {numerator}/{denominator} nano-USD per token is not whole")
    return quotient
