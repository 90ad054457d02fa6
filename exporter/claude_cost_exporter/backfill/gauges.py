"""Gauges that say of every past hour what they would have said in it (floor 4).

The views that make them live make them here, once for each hour: of what the hours before it cost,
five minutes after it has begun, which is when live gauges count the hour before as complete. That
value stands at every step of the hour. What an hour itself cost is part of the next one's value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_cost_exporter.assemble import Fits
from claude_cost_exporter.catalogue import BY_NAME
from claude_cost_exporter.clock import HOUR, floor_hour
from claude_cost_exporter.snapshot import LATE
from claude_cost_exporter.views import (
    anomalies,
    budgets,
    burn,
    credit,
    forecast,
    names,
    spend,
    subscriptions,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from claude_cost_exporter.backfill.replay import Replay
    from claude_cost_exporter.backfill.spool import Spool
    from claude_cost_exporter.ledger.hourly import ScopeSum
    from claude_cost_exporter.samples import Sample
    from claude_cost_exporter.views import View

REPLAYED: tuple[View, ...] = (
    spend.spend,
    spend.unattributed,
    subscriptions.subscription_spend,
    subscriptions.monthly_fees,
    burn.burn_rates,
    forecast.forecasts,
    forecast.forecast_quality,
    budgets.budgets,
    credit.credit,
    anomalies.anomaly_bands,
    names.workspaces,
    names.api_keys,
    names.first_seen,
)
"""What follows from the sums of hours. Names, plans and caps are those of now. Bills, prices,
caches and sources are left out: of them the ledger knows how they are, not how they were."""


def replayed(
    replay: Replay, sums: Iterable[tuple[datetime, list[ScopeSum]]], start: datetime, end: datetime
) -> Iterator[tuple[datetime, list[Sample]]]:
    """Yield every hour, and what the gauges said in it."""
    fits, coming = Fits(), iter(sums)
    following = next(coming, None)
    hour = floor_hour(start) + HOUR
    while hour <= end:
        while following is not None and following[0] < hour:
            replay.add(*following)
            following = next(coming, None)
        now = hour + LATE
        snapshot = fits.fill(replay.at(now))
        yield hour, [sample for view in REPLAYED for sample in view(snapshot, now)]
        hour += HOUR


class GaugeLines:
    """Writes gauges, hour after hour, up to the end."""

    def __init__(self, spool: Spool, step: int, end: int) -> None:
        self._spool, self._step, self._end = spool, step, end
        self._starts: dict[tuple[str, tuple[str, ...]], str] = {}

    def write(self, start: int, samples: Iterable[Sample]) -> None:
        """Write what every series is at each step of an hour."""
        seconds = range(start, min(start + 3600, self._end + 1), self._step)
        ends = ["", *(f"{at}\n" for at in seconds)]
        for name, labels, value in samples:
            if (begin := self._starts.get((name, labels))) is None:
                begin = self._spool.start_of_line(BY_NAME[name], labels)
                self._starts[name, labels] = begin
            self._spool.file(name).write(f"{begin}{float(value)!r} ".join(ends))
            self._spool.samples += len(seconds)
