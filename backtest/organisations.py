"""Eight kinds of organisation and the hourly spend that a seed makes of them.

The parameters were fixed before any setting was tuned: by what such organisations are like, and so
that the two simplest methods (run rate, mean + 3 sigma) err about as much as they were found to
err elsewhere, 0.12 to 0.15 of a month and six false alarms in 30 days.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from random import Random

HOURS = 24
WEEKDAYS = 7

OFFICE = (*(0.02,) * 7, 0.2, 0.6, 1, 1.2, 1.1, 0.8, 1, 1.2, 1.2, 1, 0.7, 0.4, 0.2, *(0.08,) * 4)
EVENINGS = (
    0.6,
    0.4,
    0.3,
    *(0.2,) * 3,
    0.3,
    0.5,
    *(0.8,) * 4,
    *(1.0,) * 5,
    1.2,
    *(1.5,) * 4,
    1.2,
    0.9,
)
NIGHTS = (0.5, 2.5, 3, 3, 2, 0.8, *(0.15,) * 16, 0.2, 0.3)
ALWAYS = (1.0,) * HOURS


@dataclass(frozen=True, slots=True)
class Kind:
    """How an organisation spends. Rates are per 30 days, deviations are of logarithms."""

    name: str
    shape: tuple[float, ...]
    usd_a_day: tuple[float, float]
    weekend: float  # its level beside a workday's
    hour_noise: float
    day_noise: float
    idle_hours: float = 0.0  # share of hours without a request
    growth: tuple[float, float] = (0.0, 0.1)  # mean and deviation
    shifts: float = 0.3
    shift_size: float = 0.35
    bursts: float = 0.5
    holidays: float = 0.7
    outages: float = 0.3
    pauses: float = 0.0
    zero_days: float = 0.0


KINDS = (
    Kind("office developers", OFFICE, (60, 900), 0.08, 0.35, 0.25, growth=(0.05, 0.1)),
    Kind(
        name="CI agents",
        shape=OFFICE,
        usd_a_day=(80, 1500),
        weekend=0.25,
        hour_noise=0.8,
        day_noise=0.45,
        idle_hours=0.15,
        growth=(0.05, 0.15),
        shifts=0.5,
        bursts=1.5,
    ),
    Kind(
        name="consumer app",
        shape=EVENINGS,
        usd_a_day=(200, 3000),
        weekend=1.15,
        hour_noise=0.2,
        day_noise=0.12,
        growth=(0.15, 0.1),
        holidays=0.0,
    ),
    Kind("B2B service", OFFICE, (100, 2000), 0.35, 0.3, 0.18, growth=(0.06, 0.06)),
    Kind(
        name="nightly batch",
        shape=NIGHTS,
        usd_a_day=(50, 800),
        weekend=0.5,
        hour_noise=0.9,
        day_noise=0.5,
        idle_hours=0.3,
        bursts=2.0,
        holidays=0.3,
        pauses=0.15,
        zero_days=0.06,
    ),
    Kind(
        name="small team",
        shape=OFFICE,
        usd_a_day=(15, 120),
        weekend=0.15,
        hour_noise=0.9,
        day_noise=0.6,
        idle_hours=0.35,
        bursts=2.0,
        pauses=0.2,
        zero_days=0.08,
    ),
    Kind(
        name="flat 24x7",
        shape=ALWAYS,
        usd_a_day=(100, 1500),
        weekend=1.0,
        hour_noise=0.25,
        day_noise=0.1,
        growth=(0.02, 0.05),
        bursts=0.3,
        holidays=0.0,
    ),
    Kind(
        name="new project",
        shape=OFFICE,
        usd_a_day=(20, 300),
        weekend=0.3,
        hour_noise=0.6,
        day_noise=0.35,
        growth=(0.4, 0.3),
        shifts=0.6,
        shift_size=0.45,
        bursts=1.0,
    ),
)


def spend(kind: Kind, seed: int, days: int) -> list[float]:
    """Return USD for every hour of so many days; the first day is a Monday."""
    random = Random(f"{kind.name}/{seed}")  # noqa: S311 - a simulation, not a secret
    low, high = kind.usd_a_day
    base = low * (high / low) ** random.random()
    hours: list[float] = []
    for day, level in enumerate(_levels(kind, random, days)):
        hours += _day(kind, random, day % WEEKDAYS, base * level)
    _disturb(kind, random, hours, base)
    return hours


def _levels(kind: Kind, random: Random, days: int) -> list[float]:
    """Return each day's level: growth that wanders, shifts that stay, days off, pauses."""
    growth, log_level, paused = random.gauss(*kind.growth), 0.0, 0
    levels = []
    for _ in range(days):
        log_level += growth / 30
        if random.random() < kind.shifts / 30:
            log_level += random.gauss(0, kind.shift_size)
        if random.random() < kind.pauses / 30:
            paused = random.randint(3, 8)
        factor = exp(random.gauss(0, kind.day_noise))
        if random.random() < kind.holidays / 30:
            factor *= random.uniform(0.05, 0.3)
        if paused or random.random() < kind.zero_days:
            factor = 0.0
        paused = max(paused - 1, 0)
        levels.append(exp(log_level) * factor)
    return levels


def _day(kind: Kind, random: Random, weekday: int, usd: float) -> list[float]:
    weekend = weekday >= 5  # noqa: PLR2004 - Saturday
    usd *= (kind.weekend if weekend else 1.0) / sum(kind.shape) / (1 - kind.idle_hours)
    return [
        0.0
        if random.random() < kind.idle_hours
        else usd * share * exp(random.gauss(0, kind.hour_noise))
        for share in kind.shape
    ]


def _disturb(kind: Kind, random: Random, hours: list[float], base: float) -> None:
    """Add bursts that are nobody's fault, and hours in which nothing works."""
    for hour in range(len(hours)):
        if random.random() < kind.bursts / 30 / HOURS:
            extra = base / HOURS * random.uniform(1, 6)
            for at in range(hour, min(hour + random.randint(1, 6), len(hours))):
                hours[at] += extra * exp(random.gauss(0, 0.3))
        if random.random() < kind.outages / 30 / HOURS:
            for at in range(hour, min(hour + random.randint(2, 8), len(hours))):
                hours[at] = 0.0
