"""Units, colours and thresholds: what a value looks like and when it deserves attention."""

from __future__ import annotations

from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import units

DAY = 86400
"""Seconds."""

GOOD, ATTENTION, BAD, PLAIN, SIMULATED = "green", "orange", "red", "text", "purple"

Steps = tuple[tuple[float | None, str], ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """How numbers are written."""

    name: str
    decimals: int | None = None


MONEY = Unit("currency:financial:$", 2)
"""Amounts that people compare with an invoice: every cent, no abbreviations."""
UNIT_COST = Unit(units.Dollars, 4)
"""Prices of small things, such as a commit or a million tokens."""
TOKENS = Unit("si:tok")
SHARE = Unit(units.PercentUnit, 1)
RATIO = Unit(units.PercentUnit, 2)
COUNT = Unit(units.LocaleFormat, 0)
TIMES = Unit("suffix:x", 1)
DURATION = Unit(units.DurationSeconds)
SECONDS = Unit(units.Seconds, 2)
BYTES = Unit(units.BytesIEC)
A_MINUTE = Unit(units.RequestsPerMinute, 1)
WHEN = Unit(units.DateTimeFromNow)
"""Milliseconds since 1970, shown as "in 5 days" or "2 minutes ago"."""

TEXT = Unit(units.String)
"""What tables are made of, except for their columns of numbers."""

NEUTRAL: Steps = ((None, PLAIN),)
"""For amounts about which no number says whether they are good."""


def above(attention: float, bad: float | None = None) -> Steps:
    """Return steps for what should stay low."""
    first: Steps = ((None, GOOD), (attention, ATTENTION if bad is not None else BAD))
    return first if bad is None else (*first, (bad, BAD))


def below(bad: float, attention: float) -> Steps:
    """Return steps for what should stay high."""
    return ((None, BAD), (bad, ATTENTION), (attention, GOOD))


def around(low: float, high: float) -> Steps:
    """Return steps for what should stay between two numbers."""
    return ((None, ATTENTION), (low, GOOD), (high, ATTENTION))


OF_LIMIT = above(0.8, 1.0)
"""The default levels `warn` and `hard` of budgets."""
ON_PACE = above(1.0, 1.2)
NOT_NEGATIVE: Steps = ((None, BAD), (0, GOOD))
ENOUGH: Steps = ((None, BAD), (7, ATTENTION), (28, GOOD))
"""Days of history: fewer than 7 are a first guess, below 28 weekdays are hardly known."""
BILL_RATIO: Steps = ((None, BAD), (0.95, GOOD), (1.05, BAD))
"""Where the alert LLMBilledRatioOff draws the line."""


def thresholds(steps: Steps) -> build.ThresholdsConfig:
    """Return the steps as Grafana wants them."""
    listed = [model.Threshold(value=value, color=color) for value, color in steps]
    return build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(listed)


def words(meanings: dict[str, tuple[str, str]]) -> list[model.ValueMapping]:
    """Return what to write instead of certain values, and in which colour."""
    options = {
        value: model.ValueMappingResult(text=text, color=color, index=index)
        for index, (value, (text, color)) in enumerate(meanings.items())
    }
    return [model.ValueMap(options=options)]
