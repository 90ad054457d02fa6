"""Reading a window of Anthropic's usage report completely, hour by hour (floor 2).

https://platform.claude.com/docs/en/api/admin/usage_report/retrieve_messages (2026-08)
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.clock import HOUR
from claude_cost_exporter.errors import BadRequestError, BodyTooLargeError, SourceError
from claude_cost_exporter.records import Window
from claude_cost_exporter.sources.anthropic_usage_page import Bucket, Page
from claude_cost_exporter.sources.buckets import (
    MINUTE,
    WIDTHS,
    hole,
    missing,
    rfc3339,
    start_of,
)
from claude_cost_exporter.sources.http import MAX_SKEW_SECONDS
from claude_cost_exporter.sources.pages import NEXT_PAGE, pages
from claude_cost_exporter.sources.unknown import UnknownFields

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.sources.base import FieldObserver, Notes
    from claude_cost_exporter.sources.http import ApiClient

PATH = "/v1/organizations/usage_report/messages"
SOURCE = "usage"
BETA = {"anthropic-beta": "fast-mode-2026-02-01"}  # grouping and filtering by speed need it
SKEW = timedelta(seconds=MAX_SKEW_SECONDS)
MAX_BUCKETS = {HOUR: 168, MINUTE: 1440}
ABOUT_SIZE = re.compile(r"\b(results?|rows?|buckets?|limit|large|many|size|smaller|maximum)\b")


class Query(NamedTuple):
    """What to ask, whatever the window."""

    group_by: tuple[str, ...]
    filters: tuple[tuple[str, str], ...] = ()
    history: bool = False

    def parameters(self, window: Window, step: timedelta, limit: int) -> list[tuple[str, str]]:
        """Return the query string's pairs."""
        return [
            ("starting_at", rfc3339(window.start)),
            ("ending_at", rfc3339(window.end)),
            ("bucket_width", WIDTHS[step]),
            *(("group_by[]", name) for name in self.group_by),
            *self.filters,
            ("limit", str(limit)),
        ]

    @property
    def headers(self) -> dict[str, str]:
        """Return the beta header, where it is needed: a beta that has ended would be refused."""
        asks_for_speed = "speed" in self.group_by or "speeds[]" in dict(self.filters)
        return BETA if asks_for_speed else {}


class UsageReport:
    """The report of one organisation; remembers how large its pages may be."""

    def __init__(
        self, client: ApiClient, clock: Clock, fields: FieldObserver, notes: Notes
    ) -> None:
        self._client, self._clock = client, clock
        self._notes = notes
        self._limits = dict(MAX_BUCKETS)
        self._capped: set[timedelta] = set()
        self._unknown = UnknownFields(SOURCE, PATH, fields)

    def read(self, query: Query, window: Window) -> list[Bucket]:
        """Return one bucket for every hour of the window, the open hour included."""
        buckets = self._buckets(query, window, HOUR)
        lacking = _lacking(buckets, window, HOUR)
        last = window.end - HOUR
        if lacking == [last] and self._clock.now() < window.end + HOUR:
            self._note_open_hour(last, served=False)
            buckets.append(self._by_minute(query, last))
        elif lacking:
            raise hole(PATH, lacking, window)
        else:
            self._note_open_hour(last, served=True)
        return buckets

    def _note_open_hour(self, hour: datetime, *, served: bool) -> None:
        """Learn how the open hour is served, from an hour that is open by any tolerated clock."""
        if not hour + SKEW <= self._clock.now() < hour + HOUR - SKEW:
            return
        if served:
            self._notes.drop("open_hour")
        else:
            self._notes.add("open_hour", "the open hour is not served at 1h; it is read at 1m")

    def _by_minute(self, query: Query, hour: datetime) -> Bucket:
        """Return an hour as the sum of the minutes that are served of it so far."""
        end = min(self._clock.now().replace(second=0, microsecond=0), hour + HOUR)
        if end <= hour:
            return Bucket(hour, hour + HOUR, [])
        window = Window(hour, end)
        minutes = self._buckets(query, window, MINUTE)
        lacking = _lacking(minutes, window, MINUTE)
        if lacking and minutes and lacking[0] < max(minute.starting_at for minute in minutes):
            raise hole(PATH, lacking, window)
        return Bucket(hour, hour + HOUR, [row for minute in minutes for row in minute.results])

    def _buckets(self, query: Query, window: Window, step: timedelta) -> list[Bucket]:
        while True:
            limit = min(self._limits[step], int((window.end - window.start) / step))
            try:
                return list(self._pages(query, window, step, limit))
            except (BodyTooLargeError, BadRequestError) as error:
                if limit == 1 or not self._is_too_much(error, query, window, step):
                    self._limits[step] = MAX_BUCKETS[step]  # smaller pages did not help
                    raise
                self._limits[step] = limit // 2
                self._notes.add("page_limit", f"pages of {limit} buckets were too large: {error}")

    def _is_too_much(
        self, error: SourceError, query: Query, window: Window, step: timedelta
    ) -> bool:
        """Tell a cap on the size of an answer from other refusals.

        The wording is not documented, and other refusals have been mistaken for it. What sounds
        like it is believed when a single bucket is then served (PostHog#70812, 2026-07).
        """
        if isinstance(error, BodyTooLargeError) or step in self._capped:
            return True
        if not ABOUT_SIZE.search(str(error).lower()):
            return False
        try:
            next(self._pages(query, Window(window.start, window.start + step), step, 1), None)
        except BadRequestError:
            return False
        self._capped.add(step)
        return True

    def _pages(self, query: Query, window: Window, step: timedelta, limit: int) -> Iterator[Bucket]:
        seen: set[datetime] = set()
        walk = pages(
            self._client,
            PATH,
            query.parameters(window, step, limit),
            Page,
            NEXT_PAGE,
            headers=query.headers,
            history=query.history,
        )
        for page, body in walk:
            self._unknown.look(body, Page)
            for index, bucket in enumerate(page.data):
                where = f"{PATH}: $.data[{index}]"
                bucket.starting_at = start_of(bucket, where, window, step, seen)
                seen.add(bucket.starting_at)
                yield bucket


def _lacking(buckets: Collection[Bucket], window: Window, step: timedelta) -> list[datetime]:
    return missing({bucket.starting_at for bucket in buckets}, window, step)
