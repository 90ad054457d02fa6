"""Anthropic's usage report: tokens by hour, as the probe and the attribution queries see them.

The report groups by at most five dimensions. The probe spends them on what decides the price, so
its sum is the organisation's exact total. The attribution queries ask who: they turn two price
dimensions into filters and group by workspace and key instead.
https://platform.claude.com/docs/en/api/admin/usage_report/retrieve_messages (2026-08)
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from claude_cost_exporter.clock import HOUR, floor_hour
from claude_cost_exporter.errors import BadRequestError, BodyTooLargeError, ParseError
from claude_cost_exporter.records import ATTRIBUTION, PROBE, UsageRecord, Window
from claude_cost_exporter.sources.anthropic_usage_page import (
    Bucket,
    Page,
    Row,
    Slice,
    usage_records,
)
from claude_cost_exporter.sources.base import Cadence, FieldObserver
from claude_cost_exporter.sources.pages import bucket_pages, unknown_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.sources.http import ApiClient

PATH = "/v1/organizations/usage_report/messages"
BETA = {"anthropic-beta": "fast-mode-2026-02-01"}  # grouping by speed needs it
PRICE_DIMENSIONS = ("model", "service_tier", "context_window", "inference_geo", "speed")
WHO_DIMENSIONS = ("workspace_id", "api_key_id", "model", "service_tier", "inference_geo")
MAX_BUCKETS = {"1h": 168, "1m": 1440}
MAX_PAGES = 1000
MINUTE = timedelta(minutes=1)


class AnthropicUsage:
    """Reads `usage_report/messages` of one organisation."""

    name = "usage"
    cadences: Sequence[Cadence] = (
        Cadence(timedelta(0), 3 * HOUR),
        Cadence(HOUR, 48 * HOUR),
        Cadence(timedelta(days=1), timedelta(days=31)),
    )
    has_history = True

    def __init__(self, client: ApiClient, clock: Clock, fields: FieldObserver) -> None:
        self._client = client
        self._clock = clock
        self._fields = fields
        self._known_unknown: set[str] = set()
        self._speed = True
        self._page_limit = dict(MAX_BUCKETS)
        self._notes: dict[str, str] = {}

    def notes(self) -> tuple[str, ...]:
        """Say what was found out about this key and organisation."""
        return tuple(self._notes.values())

    def fetch(self, window: Window, *, history: bool = False) -> Iterator[UsageRecord]:
        """Yield the probe's rows of the window, then the attribution rows that explain them."""
        probe = self._probe(window, history=history)
        slices = {
            Slice(row.context_window, row.speed) for bucket in probe for row in bucket.results
        }
        suffix = "" if self._speed else "/nospeed"
        yield from usage_records(PROBE + suffix, probe, None)
        for one in self._askable(slices):
            filters = [
                (name, value)
                for name, value in (("context_window[]", one.context_window),
                                    ("speeds[]", one.speed))
                if value is not None
            ]  # fmt: skip
            buckets = self._read(WHO_DIMENSIONS, filters, window, history=history)
            yield from usage_records(ATTRIBUTION + suffix, buckets, one)

    def totals(self, window: Window) -> Iterator[UsageRecord]:
        """Yield the probe's rows only: what was used, without who used it."""
        buckets = self._probe(window, history=False)
        yield from usage_records(PROBE if self._speed else f"{PROBE}/nospeed", buckets, None)

    def _probe(self, window: Window, *, history: bool) -> list[Bucket]:
        dimensions = PRICE_DIMENSIONS if self._speed else PRICE_DIMENSIONS[:-1]
        try:
            return self._read(dimensions, [], window, history=history)
        except BadRequestError as error:
            if not self._speed:
                raise
            refused = error
        buckets = self._read(PRICE_DIMENSIONS[:-1], [], window, history=history)
        self._speed = False  # only now is it sure that speed was the reason
        self._note(
            "speed",
            "grouping by speed was refused; fast-mode usage is priced as standard, so cost is a "
            f"lower bound ({refused})",
        )
        return buckets

    def _askable(self, slices: set[Slice]) -> Iterable[Slice]:
        """Leave out what no filter can name, unless it is all there is."""
        named = {one for one in slices if one.context_window and (one.speed or not self._speed)}
        if slices - named and len(slices) > 1:
            self._note(
                "null_slices",
                "some rows have no context_window or speed; they are in the totals, but no "
                "workspace or key can be named for them",
            )
            slices = named
        return sorted(slices, key=lambda one: (one.context_window or "", one.speed or ""))

    def _read(
        self,
        dimensions: Sequence[str],
        filters: Sequence[tuple[str, str]],
        window: Window,
        *,
        history: bool,
    ) -> list[Bucket]:
        """Return one bucket for every hour of the window, the open hour included."""
        buckets = self._buckets("1h", dimensions, filters, window, history=history)
        found = {bucket.starting_at for bucket in buckets}
        hours = int((window.end - window.start) / HOUR)
        missing = {window.start + HOUR * index for index in range(hours)} - found
        open_hour = floor_hour(self._clock.now())
        if missing == {open_hour}:
            self._note("open_hour", "the open hour is not served at 1h; it is read at 1m")
            buckets.append(self._open_hour(dimensions, filters, open_hour, history=history))
        elif missing:
            raise ParseError(
                f"{PATH}: the bucket of {min(missing):%Y-%m-%dT%H:%MZ} is missing from the answer "
                f"for {window.start:%Y-%m-%dT%H:%MZ} to {window.end:%Y-%m-%dT%H:%MZ}; "
                f"{len(missing)} of {hours} are missing"
            )
        return buckets

    def _open_hour(
        self,
        dimensions: Sequence[str],
        filters: Sequence[tuple[str, str]],
        hour: datetime,
        *,
        history: bool,
    ) -> Bucket:
        """Read the open hour minute by minute and return its rows as one bucket."""
        rows: list[Row] = []
        end = self._clock.now().replace(second=0, microsecond=0)
        if end > hour:
            window = Window(hour, end)
            minutes = self._buckets("1m", dimensions, filters, window, history=history)
            rows = [row for minute in minutes for row in minute.results]
        return Bucket(hour, hour + HOUR, rows)

    def _buckets(
        self,
        width: str,
        dimensions: Sequence[str],
        filters: Sequence[tuple[str, str]],
        window: Window,
        *,
        history: bool,
    ) -> list[Bucket]:
        params = [
            ("starting_at", _rfc3339(window.start)),
            ("ending_at", _rfc3339(window.end)),
            ("bucket_width", width),
            *(("group_by[]", name) for name in dimensions),
            *filters,
        ]
        while True:
            limit = self._page_limit[width]
            try:
                return self._pages([*params, ("limit", str(limit))], window, history=history)
            except (BodyTooLargeError, BadRequestError) as error:
                if limit == 1 or not _wants_smaller_pages(error):
                    raise
                self._page_limit[width] = limit // 2
                self._note("page_limit", f"pages of {limit} buckets were too large: {error}")

    def _pages(
        self, params: list[tuple[str, str]], window: Window, *, history: bool
    ) -> list[Bucket]:
        headers = BETA if ("group_by[]", "speed") in params or self._speed else {}
        buckets: dict[datetime, Bucket] = {}
        for page, body in bucket_pages(
            self._client, PATH, params, Page, MAX_PAGES, headers=headers, history=history
        ):
            self._count_unknown(body)
            for index, bucket in enumerate(page.data):
                start = bucket.starting_at.astimezone(UTC)
                if not window.start <= start < window.end or start in buckets:
                    raise ParseError(
                        f"{PATH}: $.data[{index}].starting_at is {start:%Y-%m-%dT%H:%MZ}, twice or "
                        f"outside {window.start:%Y-%m-%dT%H:%MZ} to {window.end:%Y-%m-%dT%H:%MZ}"
                    )
                bucket.starting_at = start
                buckets[start] = bucket
        return list(buckets.values())

    def _count_unknown(self, body: bytes) -> None:
        for field in unknown_fields(body, Page):
            if field not in self._known_unknown:
                self._known_unknown.add(field)
                self._fields.unknown_field(self.name, field)
                structlog.get_logger().warning("unknown field", endpoint=PATH, field=field)

    def _note(self, topic: str, sentence: str) -> None:
        if topic not in self._notes:
            structlog.get_logger().warning(sentence, source=self.name)
        self._notes[topic] = sentence


def _wants_smaller_pages(error: Exception) -> bool:
    """Tell a cap on the size of the answer from other refusals; its wording is not documented."""
    words = ("too many results", "too large", "result", "smaller limit", "reduce")
    return isinstance(error, BodyTooLargeError) or any(w in str(error).lower() for w in words)


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
