"""Anomaly bands of 50 scopes and forecasts of an account, over a ledger of 400 days."""

from __future__ import annotations

import time
from datetime import date
from random import Random
from typing import TYPE_CHECKING

from benchmarks.figures import Figure
from claude_cost_exporter.views.bands import bands, track
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
    """Measure one poll, as if nothing were remembered of the poll before."""
    random = Random(1)  # noqa: S311 - a simulation, not a secret
    scopes = [[random.expovariate(1) for _ in range(DAYS * 24)] for _ in range(SCOPES)]
    begin = time.process_time()
    for hours in scopes:
        _bands(hours)
    _forecasts([sum(scopes[0][start : start + 24]) for start in range(0, DAYS * 24, 24)])
    yield Figure("bands_of_50_scopes_and_forecasts", time.process_time() - begin, "s", 0.3)


def _bands(hours: Sequence[float]) -> None:
    baseline = track(hours, NOON.today.weekday()).baseline()
    if baseline is not None:
        bands(baseline, hours, hours[:12], 1.0)


def _forecasts(days: Sequence[float]) -> None:
    if (fitted := fit(days)) is not None:
        month_end(fitted, 1.0, NOON)
        next_month(fitted, NOON)
    replayed_errors(days, NOON.today)
