"""Anthropic's bill by day from analytics/cost: by price, by workspace and key, by end customer.

The dimensions that decide a price are as many as one query may have, so who is charged is asked
for separately; cost_type and token_type do not count (floor 2).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.errors import (
    BadRequestError,
    ForbiddenError,
    NotFoundError,
    SourceError,
)
from claude_cost_exporter.records import (
    BILL,
    BILL_CUSTOMER,
    BILL_WHO,
    DEFAULT_WORKSPACE,
    NO_API_KEY,
    BillDimensions,
    BillRecord,
    Window,
)
from claude_cost_exporter.sources.anthropic_analytics_report import (
    Endpoint,
    FlatPage,
    FlatRow,
    Reading,
    served_since,
)
from claude_cost_exporter.sources.anthropic_bill import label, token_type
from claude_cost_exporter.sources.base import Cadence, FieldObserver, Notes
from claude_cost_exporter.sources.buckets import shown
from claude_cost_exporter.sources.money import Cents, Currency, nano_usd
from claude_cost_exporter.sources.unknown import UnknownFields

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.sources.anthropic_analytics_report import Group
    from claude_cost_exporter.sources.api_choice import ApiChoice
    from claude_cost_exporter.sources.http import ApiClient

PATH = "/v1/organizations/analytics/cost"
BY_PRICE, BY_WHO, BY_CUSTOMER = (f"{role}/analytics" for role in (BILL, BILL_WHO, BILL_CUSTOMER))
QUERIES = {
    BY_PRICE: (
        *("model", "service_tier", "context_window", "inference_geo", "speed"),
        *("cost_type", "token_type"),
    ),
    BY_WHO: (
        *("workspace_id", "api_key_id", "model", "service_tier", "product"),
        "cost_type",
    ),
    BY_CUSTOMER: ("user_profile_id",),
}
END_CUSTOMER = "user_profile_id"
NULLS = {
    "service_tier": "standard",
    "inference_geo": "not_available",
    "speed": "standard",
    "workspace_id": DEFAULT_WORKSPACE,
    "api_key_id": NO_API_KEY,
}
"""What null means of a dimension that was asked for, as in the usage report."""


class Cost(msgspec.Struct):
    """Money of one row: after and before discounts, before credits."""

    amount: Cents
    currency: Currency
    list_amount: Cents | None = None
    requests: int | None = None


class Row(FlatRow):
    """One combination of the dimensions asked for on one day."""

    cost: Cost


class Page(FlatPage):
    """One page of rows."""

    data: list[Row]


class AnthropicAnalytics:
    """Reads `analytics/cost` of one organisation."""

    name = "analytics"
    api = "analytics"
    cadences: Sequence[Cadence] = (Cadence(HOUR, 3 * DAY), Cadence(DAY, 31 * DAY))
    align = DAY
    reads_open = False
    history_chunk: timedelta | None = timedelta(days=31)
    query_sets: tuple[str, ...] = tuple(QUERIES)

    def __init__(
        self, client: ApiClient, clock: Clock, fields: FieldObserver, choice: ApiChoice
    ) -> None:
        self._client, self._clock, self._choice = client, clock, choice
        self._endpoint = Endpoint(PATH, Page, UnknownFields(self.name, PATH, fields))
        self._notes = Notes(self.name)
        self._waiting = ""

    def notes(self) -> tuple[str, ...]:
        """Say what was found out about this organisation's bill."""
        waiting = (self._waiting,) if self._waiting else ()
        return (*self._choice.notes(), *self._notes.sentences(), *waiting)

    def history_from(self, wanted: datetime) -> datetime:
        """Return `wanted`, or earlier after the cost report, or the oldest day that is served."""
        wanted = self._choice.history_from(wanted, successor_of="cost")
        oldest = served_since(self._clock.now(), DAY)
        if wanted < oldest:
            self._notes.add(
                "history",
                f"analytics serves nothing before {oldest:%Y-%m-%d}; older days of the history "
                "keep their estimate",
            )
        return max(wanted, oldest)

    def fetch(self, window: Window, *, history: bool = False) -> list[BillRecord | Window]:
        """Return every line of the days that are complete; nothing when analytics is refused."""
        start = max(window.start, served_since(self._clock.now(), DAY))
        window = Window(start, max(start, window.end))
        if self._choice.api != self.api:  # refused a moment ago, in another part of the same poll
            return [Window(start, start)]
        reading = Reading[Row](self._client, self._endpoint, window, DAY, history=history)
        try:
            records = self._records(reading)
        except SourceError as error:
            if not self._choice.falls_back(error):
                raise
            return [Window(start, start)]
        self._choice.worked()
        complete = reading.complete()
        self._waiting = _waiting(reading.refreshed_at, complete, window)
        last = complete.end.date()
        return [complete, *(record for record in records if record.day < last)]

    def _records(self, reading: Reading[Row]) -> list[BillRecord]:
        records = [*self._lines(reading, BY_PRICE), *self._lines(reading, BY_WHO)]
        self.query_sets = tuple(QUERIES)
        try:
            records += self._lines(reading, BY_CUSTOMER)
        except (BadRequestError, ForbiddenError, NotFoundError) as error:
            self.query_sets = (BY_PRICE, BY_WHO)
            self._notes.add("customers", f"end customers cannot be read and are absent: {error}")
        else:
            self._notes.drop("customers")
        return records

    def _lines(self, reading: Reading[Row], query_set: str) -> list[BillRecord]:
        group_by = QUERIES[query_set]
        return [
            BillRecord(
                query_set,
                start.date(),
                self._dimensions(row.group, group_by),
                nano_usd(row.cost.amount),
                None if row.cost.list_amount is None else nano_usd(row.cost.list_amount),
            )
            for start, row in reading.rows(group_by)
        ]

    def _dimensions(self, group: Group, asked: Sequence[str]) -> BillDimensions:
        """Return what was asked for; the rest is null in every row and stays unknown."""
        values = {name: label(getattr(group, name), NULLS.get(name, "")) for name in asked}
        if "token_type" in values:
            values["token_type"] = token_type(group.token_type, self._notes)
        if END_CUSTOMER in values:
            values["end_customer"] = values.pop(END_CUSTOMER)
        return BillDimensions(**values)


def _waiting(refreshed_at: datetime | None, complete: Window, window: Window) -> str:
    if refreshed_at is None or complete.end == window.end:
        return ""
    return (
        f"analytics has data up to {shown(refreshed_at)}; days from {complete.end:%Y-%m-%d} on "
        "wait until they are complete"
    )
