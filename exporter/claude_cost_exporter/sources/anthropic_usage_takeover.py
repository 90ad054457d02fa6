"""Usage from the legacy report for as long as there is one, then from analytics (floor 2).

Each hour belongs to one of the two. Which hour the change was at is written down before any row
of it counts, so that it stays where it was after a restart.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from claude_cost_exporter.clock import HOUR, floor_hour
from claude_cost_exporter.errors import NotFoundError
from claude_cost_exporter.records import Window
from claude_cost_exporter.sources.anthropic_analytics_usage import AnthropicAnalyticsUsage
from claude_cost_exporter.sources.anthropic_usage import AnthropicUsage
from claude_cost_exporter.sources.base import Cadence, FieldObserver, Notebook, Notes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.records import Record
    from claude_cost_exporter.sources.http import ApiClient

FACT = "first hour of usage from analytics"
EVER = datetime(1, 1, 1, tzinfo=UTC)


class UsageWithSuccessor:
    """The source `usage`, whichever report it is read from."""

    name = AnthropicUsage.name
    cadences: Sequence[Cadence] = AnthropicUsage.cadences
    align = AnthropicUsage.align
    reads_open = AnthropicUsage.reads_open
    history_chunk: timedelta | None = AnthropicUsage.history_chunk
    query_sets: tuple[str, ...] = ()

    def __init__(
        self, client: ApiClient, clock: Clock, fields: FieldObserver, notebook: Notebook
    ) -> None:
        self._clock, self._notebook = clock, notebook
        self._notes = Notes(self.name)
        self._legacy = AnthropicUsage(client, clock, fields)
        self._analytics = AnthropicAnalyticsUsage(client, clock, fields, self._notes)
        self._gone_since: datetime | None = None
        found = notebook.get(FACT)
        self._first_hour = datetime.fromisoformat(found) if found else None
        if self._first_hour:
            self._say(self._first_hour)

    @property
    def api(self) -> str:
        """Return which report is read now."""
        return "analytics" if self._first_hour else "legacy"

    def notes(self) -> tuple[str, ...]:
        """Say what was found out about this key and organisation."""
        return (*self._legacy.notes(), *self._notes.sentences())

    def history_from(self, wanted: datetime) -> datetime:
        """Return where history begins in the report that is read now."""
        source = self._analytics if self._first_hour else self._legacy
        return source.history_from(wanted)

    def fetch(self, window: Window, *, history: bool = False) -> Sequence[Record]:
        """Return the rows of the window that belong to the report that is read now."""
        if self._first_hour:
            return self._from_analytics(window, self._first_hour, history=history)
        try:
            records = list(self._legacy.fetch(window, history=history))
        except NotFoundError as gone:
            first_hour = None if history else self._takeover(gone)
            if first_hour is None:
                raise
            if window.end <= first_hour:
                return [Window(window.start, window.start)]
        else:
            self._gone_since = None
            return records
        found = self._from_analytics(window, first_hour, history=False)
        self._notebook.set(FACT, first_hour.isoformat())
        self._first_hour = first_hour
        self._say(first_hour)
        return found

    def _takeover(self, gone: NotFoundError) -> datetime | None:
        """Return from which hour on analytics takes over, None while it is too early to tell.

        It takes over at the next full hour, which gives a passing 404 the time to pass, and
        begins with the hour that the legacy report was last read in: nobody else will complete it.
        """
        read_to = self._notebook.read_to(self.name)
        if read_to is None:
            return EVER
        now = self._clock.now()
        self._gone_since = self._gone_since or now
        due = floor_hour(self._gone_since) + HOUR
        if now < due:
            structlog.get_logger().warning(
                "the usage report is gone; analytics takes over",
                at=f"{due:%Y-%m-%dT%H:%MZ}", unless="it answers again", said=str(gone),
            )  # fmt: skip
            return None
        return floor_hour(read_to)

    def _from_analytics(
        self, window: Window, first_hour: datetime, *, history: bool
    ) -> Sequence[Record]:
        """Read from the first hour on; history is hours that nobody has read yet."""
        start = window.start if history else max(window.start, first_hour)
        if start >= window.end:
            return [Window(start, start)]
        return self._analytics.fetch(Window(start, window.end), history=history)

    def _say(self, first_hour: datetime) -> None:
        since = "" if first_hour == EVER else f" from {first_hour:%Y-%m-%dT%H:%MZ} on"
        self._notes.add(
            "takeover", f"usage_report is gone; usage{since} comes from analytics/usage"
        )
