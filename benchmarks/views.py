"""Anomaly bands of 50 scopes and forecasts of an account, over a ledger of 400 days."""

from __future__ import annotations

import time
from datetime import date
from random import Random
from typing import TYPE_CHECKING

from benchmarks.figures import Figure
from claude_cost_exporter.views.bands import bands
from claude_cost_exporter.views.baselines import baseline
from claude_cost_exporter.views.forecasting import (
    Moment,
    fit,
    month_end,
    next_month,
    replayed_errors,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SCOPES = 50
DAYS = 400
NOON = Moment(date(2026, 11, 25), 0.5)


def figures() -> Iterator[Figure]:
    """Measure the first poll after midnight, and one that follows."""
    random = Random(1)  # noqa: S311 - a simulation, not a secret
    scopes = [[random.expovariate(1) for _ in range(DAYS * 24)] for _ in range(SCOPES)]
    yield Figure("first_bands_of_50_scopes_and_forecasts_of_a_day", _poll(scopes), "s", 0.3)
    yield Figure("bands_of_50_scopes_and_forecasts", _poll(scopes), "s", 0.1)


def _poll(scopes: Sequence[Sequence[float]]) -> float:
    begin = time.process_time()
    for hours in scopes:
        fitted = baseline(hours, NOON.today.weekday())
        if fitted is not None:
            bands(fitted, hours, hours[:12], 1.0)
    _forecasts([sum(scopes[0][start : start + 24]) for start in range(0, DAYS * 24, 24)])
    return time.process_time() - begin


def _forecasts(days: Sequence[float]) -> None:
    if (fitted := fit(days)) is not None:
        month_end(fitted, 1.0, NOON)
        next_month(fitted, NOON)
    replayed_errors(days, NOON.today)
