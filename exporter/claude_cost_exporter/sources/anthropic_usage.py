"""Anthropic's usage report: tokens by hour, as the probe and the attribution queries see them.

The report groups by at most five dimensions. The probe spends them on what decides the price, so
its sum is the organisation's exact total. The attribution queries ask who: they turn two price
dimensions into filters and group by workspace and key instead.
https://platform.claude.com/docs/en/api/admin/usage_report/retrieve_messages (2026-08)
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from claude_cost_exporter.clock import HOUR
from claude_cost_exporter.errors import BadRequestError
from claude_cost_exporter.records import ATTRIBUTION, PROBE, UsageRecord, Window
from claude_cost_exporter.sources.anthropic_usage_page import Bucket, askable, usage_records
from claude_cost_exporter.sources.anthropic_usage_report import SOURCE, Query, UsageReport
from claude_cost_exporter.sources.base import Cadence, FieldObserver, Notes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.sources.http import ApiClient

PRICE_DIMENSIONS = ("model", "service_tier", "context_window", "inference_geo", "speed")
WHO_DIMENSIONS = ("workspace_id", "api_key_id", "model", "service_tier", "inference_geo")
FILTERS = ("context_window[]", "speeds[]")


class AnthropicUsage:
    """Reads `usage_report/messages` of one organisation."""

    name = SOURCE
    cadences: Sequence[Cadence] = (
        Cadence(timedelta(0), 3 * HOUR),
        Cadence(HOUR, 48 * HOUR),
        Cadence(timedelta(days=1), timedelta(days=31)),
    )
    align = HOUR
    reads_open = True
    history_chunk: timedelta | None = timedelta(days=7)  # one page of hours
    query_sets: tuple[str, ...] = ()
    api = "legacy"

    def __init__(self, client: ApiClient, clock: Clock, fields: FieldObserver) -> None:
        self._notes = Notes(self.name)
        self._report = UsageReport(client, clock, fields, self._notes)
        self._speed = True

    def notes(self) -> tuple[str, ...]:
        """Say what was found out about this key and organisation."""
        return self._notes.sentences()

    def history_from(self, wanted: datetime) -> datetime:
        """Return `wanted`: no end of the report is documented."""
        return wanted

    def fetch(self, window: Window, *, history: bool = False) -> Iterator[UsageRecord]:
        """Yield the probe's rows of the window, then the attribution rows that explain them."""
        probe = self._probe(window, history=history)
        suffix = "" if self._speed else "/nospeed"
        yield from usage_records(PROBE + suffix, probe, None)
        for one in askable(probe, self._notes):
            query = Query(WHO_DIMENSIONS, one.filters(FILTERS), history)
            buckets = self._report.read(query, window)
            yield from usage_records(ATTRIBUTION + suffix, buckets, one)

    def totals(self, window: Window) -> Iterator[UsageRecord]:
        """Yield the probe's rows only: what was used, without who used it."""
        buckets = self._probe(window, history=False)
        yield from usage_records(PROBE if self._speed else f"{PROBE}/nospeed", buckets, None)

    def _probe(self, window: Window, *, history: bool) -> list[Bucket]:
        """Read the exact totals; without speed when grouping by it is refused for good."""
        with_speed = Query(PRICE_DIMENSIONS, history=history)
        without_speed = Query(PRICE_DIMENSIONS[:-1], history=history)
        if not self._speed:
            return self._report.read(without_speed, window)
        try:
            return self._report.read(with_speed, window)
        except BadRequestError:
            buckets = self._report.read(without_speed, window)
        try:
            return self._report.read(with_speed, window)
        except BadRequestError as refused:  # twice, and only with speed: speed is the reason
            self._speed = False
            self._notes.add(
                "speed",
                "grouping by speed was refused; fast-mode usage is priced as standard, so cost "
                f"is a lower bound ({refused})",
            )
        return buckets
