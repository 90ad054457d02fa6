"""Anthropic's legacy cost report: what each closed UTC day costs, by workspace (floor 2).

Rows are told apart by their fields and never by the description, which may name another model.
https://platform.claude.com/docs/en/api/admin/cost_report (2026-08)
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import structlog

from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.errors import BadRequestError
from claude_cost_exporter.records import (
    BILL,
    DEFAULT_WORKSPACE,
    BillDimensions,
    BillRecord,
    Window,
)
from claude_cost_exporter.sources.anthropic_bill import label, token_type
from claude_cost_exporter.sources.base import Cadence, FieldObserver, Notes
from claude_cost_exporter.sources.buckets import Stretch, hole, missing, rfc3339, start_of
from claude_cost_exporter.sources.money import Cents, Currency, nano_usd
from claude_cost_exporter.sources.pages import NEXT_PAGE, ReportPage, pages
from claude_cost_exporter.sources.unknown import UnknownFields

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from claude_cost_exporter.sources.api_choice import ApiChoice
    from claude_cost_exporter.sources.http import ApiClient

PATH = "/v1/organizations/cost_report"
QUERY_SET = f"{BILL}/legacy"
DAYS_OF_A_PAGE = 7  # of 31; a day of a large organisation has thousands of rows
NOTHING_CLOSED = "Invalid date range"


class Row(msgspec.Struct):
    """One line of the bill. Null: it has none, or the default workspace."""

    amount: Cents
    currency: Currency
    workspace_id: str | None = None
    description: str | None = None
    cost_type: str | None = None
    token_type: str | None = None
    model: str | None = None
    service_tier: str | None = None
    context_window: str | None = None
    inference_geo: str | None = None


class Bucket(Stretch):
    """One day."""

    results: list[Row]


class Page(ReportPage):
    """One page of days, oldest first."""

    data: list[Bucket]


def parameters(window: Window) -> list[tuple[str, str]]:
    """Return the query string's pairs. Both dimensions there are tell the most apart."""
    return [
        ("starting_at", rfc3339(window.start)),
        ("ending_at", rfc3339(window.end)),
        ("bucket_width", "1d"),
        ("group_by[]", "workspace_id"),
        ("group_by[]", "description"),
        ("limit", str(DAYS_OF_A_PAGE)),
    ]


class AnthropicCost:
    """Reads `cost_report` of one organisation."""

    name = "cost"
    api = "legacy"
    cadences: Sequence[Cadence] = (Cadence(HOUR, 3 * DAY), Cadence(DAY, 31 * DAY))
    align = DAY
    reads_open = False
    history_chunk: timedelta | None = timedelta(days=31)
    query_sets: tuple[str, ...] = (QUERY_SET,)

    def __init__(self, client: ApiClient, fields: FieldObserver, choice: ApiChoice) -> None:
        self._client, self._choice = client, choice
        self._notes = Notes(self.name)
        self._unknown = UnknownFields(self.name, PATH, fields)

    def notes(self) -> tuple[str, ...]:
        """Say what was found out about this organisation's bill."""
        return (*self._choice.notes(), *self._notes.sentences())

    def history_from(self, wanted: datetime) -> datetime:
        """Return `wanted`, or earlier after analytics: no end of the report is documented."""
        return self._choice.history_from(wanted, successor_of="analytics")

    def fetch(self, window: Window, *, history: bool = False) -> Iterator[BillRecord | Window]:
        """Yield every line of every day; nothing of the window when none has closed yet."""
        if window.start >= window.end:
            return
        try:
            buckets = self._days(window, history=history)
        except BadRequestError as error:
            if NOTHING_CLOSED not in str(error):
                raise
            structlog.get_logger().info("no day has closed yet", source=self.name, said=str(error))
            yield Window(window.start, window.start)
            return
        for start, bucket in buckets.items():
            for row in bucket.results:
                yield BillRecord(
                    QUERY_SET, start.date(), self._dimensions(row), nano_usd(row.amount)
                )

    def _days(self, window: Window, *, history: bool) -> dict[datetime, Bucket]:
        """Return one bucket for every day of the window."""
        buckets: dict[datetime, Bucket] = {}
        for page, body in pages(
            self._client, PATH, parameters(window), Page, NEXT_PAGE, history=history
        ):
            self._unknown.look(body, Page)
            for index, bucket in enumerate(page.data):
                where = f"{PATH}: $.data[{index}]"
                buckets[start_of(bucket, where, window, DAY, buckets)] = bucket
        if lacking := missing(buckets, window, DAY):
            raise hole(PATH, lacking, window)
        return buckets

    def _dimensions(self, row: Row) -> BillDimensions:
        return BillDimensions(
            model=label(row.model),
            cost_type=label(row.cost_type),
            token_type=token_type(row.token_type, self._notes),
            service_tier=label(row.service_tier),
            context_window=label(row.context_window),
            inference_geo=label(row.inference_geo),
            workspace_id=label(row.workspace_id, DEFAULT_WORKSPACE),
        )
