"""Exact answers to what really was used and what it cost, for tests and for the demo."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.simulator.corrections import Counts, Series, plus
from claude_cost_exporter.simulator.ratecard import MODELS, NANO_PER_SEARCH, rates_of
from claude_cost_exporter.simulator.traffic import Knowledge, Moment, epoch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claude_cost_exporter.simulator.traffic import Traffic

TOKEN_TYPES = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
TOKENS = "tokens"
WEB_SEARCH = "web_search"
NO_TOKENS = "none"
NO_KEY = "none"


class Spend(NamedTuple):
    """One series' usage and its cost in nano-USD at list price, place by place."""

    counts: Counts
    nano: Counts
    priced: bool

    @property
    def tokens(self) -> tuple[int, ...]:
        """Return the counts of the five token types."""
        return self.counts[:5]

    @property
    def web_searches(self) -> int:
        """Return the web searches."""
        return self.counts[5]

    @property
    def cost(self) -> int:
        """Return everything that has a price, in nano-USD."""
        return sum(self.nano)


@dataclass(frozen=True, slots=True)
class Truth:
    """Usage and cost of a stretch of time by series; sums are exact integers."""

    by_series: Mapping[Series, Spend]
    default_workspace: str
    """What the exporter calls the workspace that reports call null."""

    @property
    def cost(self) -> int:
        """Return the cost of everything in nano-USD."""
        return sum(spend.cost for spend in self.by_series.values())

    @property
    def tokens(self) -> int:
        """Return all tokens of the five types."""
        return sum(sum(spend.tokens) for spend in self.by_series.values())

    @property
    def unpriced_tokens(self) -> int:
        """Return the tokens that have no price."""
        return sum(sum(s.tokens) for s in self.by_series.values() if not s.priced)

    def cost_by_labels(self) -> dict[tuple[str, str, str, str, str, str], int]:
        """Return nano-USD by workspace, model, tier, speed, cost type and token type.

        A priced series has all its token types, unused ones as 0; web searches only if any.
        """
        sums: Counter[tuple[str, str, str, str, str, str]] = Counter()
        for series, spend in self.by_series.items():
            labels = self._labels(series)
            if spend.priced:
                for token_type, nano in zip(TOKEN_TYPES, spend.nano, strict=False):
                    sums[(*labels, TOKENS, token_type)] += nano
            if spend.web_searches:
                sums[(*labels, WEB_SEARCH, NO_TOKENS)] += spend.nano[5]
        return dict(sums)

    def tokens_by_labels(self) -> dict[tuple[str, str, str, str, str], int]:
        """Return tokens by workspace, model, service tier, speed and token type."""
        sums: Counter[tuple[str, str, str, str, str]] = Counter()
        for series, spend in self.by_series.items():
            for token_type, tokens in zip(TOKEN_TYPES, spend.tokens, strict=True):
                sums[(*self._labels(series), token_type)] += tokens
        return dict(sums)

    def cost_by_api_key(self) -> dict[tuple[str, str, str], int]:
        """Return nano-USD by workspace, key (`none` without one) and model label."""
        sums: Counter[tuple[str, str, str]] = Counter()
        for series, spend in self.by_series.items():
            workspace, model, _, _ = self._labels(series)
            sums[workspace, series.api_key_id or NO_KEY, model] += spend.cost
        return dict(sums)

    def cost_by_model(self) -> dict[str, int]:
        """Return nano-USD by model label."""
        sums: Counter[str] = Counter()
        for series, spend in self.by_series.items():
            sums[label_of(series.model)] += spend.cost
        return dict(sums)

    def _labels(self, series: Series) -> tuple[str, str, str, str]:
        """Return workspace, model, service tier and speed as the exporter labels them."""
        workspace = series.workspace_id or self.default_workspace
        return workspace, label_of(series.model), series.service_tier, series.speed


def label_of(model_id: str) -> str:
    """Return the exporter's label of a model of this simulation."""
    model = MODELS.get(model_id)
    return model.label if model else model_id


def truth_of(
    traffic: Traffic, default_workspace: str, start: datetime, end: datetime, moment: Moment
) -> Truth:
    """Return the truth of `[start, end)`, which must be full minutes."""
    for bound in (start, end):
        if epoch(bound) % 60 or bound.microsecond:
            raise ValueError(f"{bound.isoformat()} is not a full minute")
    by_series: dict[Series, Spend] = {}
    for day_start, day_end in _days(start, end):
        usage = traffic.usage(epoch(day_start) // 60, epoch(day_end) // 60, moment)
        for series, counts in usage.items():
            spend = _priced(series, counts, day_start)
            old = by_series.get(series)
            by_series[series] = _sum(old, spend) if old else spend
    return Truth(by_series, default_workspace)


def moment_of(as_of: datetime | None, *, visible: bool) -> Moment:
    """Return the knowledge of `as_of`: None is final."""
    if as_of is None:
        return Moment(Knowledge.FINAL)
    return Moment(Knowledge.VISIBLE if visible else Knowledge.HAPPENED, epoch(as_of))


def _days(start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Return `[start, end)` cut at UTC midnights: prices are those of the UTC day."""
    pieces = []
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    while start < end:
        midnight = start.replace(hour=0, minute=0) + timedelta(days=1)
        pieces.append((start, min(midnight, end)))
        start = midnight
    return pieces


def _priced(series: Series, counts: Counts, day: datetime) -> Spend:
    rates = rates_of(
        series.model, series.service_tier, series.inference_geo, series.speed, day.date()
    )
    searches = counts[5] * NANO_PER_SEARCH
    if rates is None:
        return Spend(counts, (0, 0, 0, 0, 0, searches, 0), priced=False)
    i, o, r, w5, w1 = (n * rate for n, rate in zip(counts, rates, strict=False))
    return Spend(counts, (i, o, r, w5, w1, searches, 0), priced=True)


def _sum(one: Spend, two: Spend) -> Spend:
    counts, nano = plus(one.counts, two.counts), plus(one.nano, two.nano)
    return Spend(counts, nano, one.priced and two.priced)
