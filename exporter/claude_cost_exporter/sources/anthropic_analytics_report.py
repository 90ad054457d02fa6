"""Anthropic's Usage and Cost Analytics API (beta): flat rows, page by page (floor 2).

Unlike in the legacy reports there is no row at all where there is nothing. The fields are those
of the Python package anthropic 2.12.0 (2026-11): analytics/cost and analytics/usage.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import msgspec

from claude_cost_exporter.clock import DAY, floor_to
from claude_cost_exporter.records import Window
from claude_cost_exporter.sources.buckets import WIDTHS, Moment, Stretch, rfc3339, start_of
from claude_cost_exporter.sources.pages import NEXT_PAGE, ReportPage, pages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from claude_cost_exporter.sources.http import ApiClient
    from claude_cost_exporter.sources.unknown import UnknownFields

BETA = {"anthropic-beta": "analytics-usage-cost-2026-08-24"}
FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
SERVED = timedelta(days=365)
LONGEST_RANGE = timedelta(days=31)
ROWS_OF_A_PAGE = 1000


class Group(msgspec.Struct):
    """What a row is about. Null: not asked for, or none."""

    actor: Any = None
    actor_type: str | None = None
    agent_id: str | None = None
    api_key_id: str | None = None
    claude_tag_category: str | None = None
    claude_tag_user_id: str | None = None
    context_window: str | None = None
    deployment_id: str | None = None
    environment_id: str | None = None
    inference_geo: str | None = None
    model: str | None = None
    organization_id: str | None = None
    product: str | None = None
    rbac_group_id: str | None = None
    service_tier: str | None = None
    session_id: str | None = None
    slack_channel_id: str | None = None
    speed: str | None = None
    user_profile_id: str | None = None
    workspace_id: str | None = None
    cost_type: str | None = None
    token_type: str | None = None


class FlatRow(Stretch):
    """A row of either endpoint."""

    group: Group


class FlatPage(ReportPage, kw_only=True):
    """A page of either endpoint, whatever its rows are."""

    data: list[Any]
    data_refreshed_at: Moment | None = None


class Endpoint(NamedTuple):
    """One of the two endpoints."""

    path: str
    page: type[FlatPage]
    unknown: UnknownFields


R = TypeVar("R", bound=FlatRow)


def served_since(now: datetime, step: timedelta) -> datetime:
    """Return the first full step of time that may be asked for."""
    return max(FIRST_DAY, floor_to(step, now - SERVED) + step)


def parameters(
    window: Window,
    step: timedelta,
    group_by: Sequence[str],
    filters: Sequence[tuple[str, str]] = (),
) -> list[tuple[str, str]]:
    """Return the query string's pairs; by default rows would come by amount, 20 at a time."""
    return [
        ("starting_at", rfc3339(window.start)),
        ("ending_at", rfc3339(window.end)),
        ("time_bucket_width", WIDTHS[step]),
        *(("group_by[]", name) for name in group_by),
        *filters,
        ("order_by", "time"),
        ("order", "asc"),
        ("limit", str(ROWS_OF_A_PAGE)),
    ]


class Reading(Generic[R]):
    """One read of a window, with as many queries as it takes."""

    def __init__(
        self,
        client: ApiClient,
        endpoint: Endpoint,
        window: Window,
        step: timedelta,
        *,
        history: bool,
    ) -> None:
        self._client, self._endpoint = client, endpoint
        self._window, self._step, self._history = window, step, history
        self.refreshed_at: datetime | None = None
        """The oldest state of the data that any page was made of."""

    def rows(
        self, group_by: Sequence[str], filters: Sequence[tuple[str, str]] = ()
    ) -> Iterator[tuple[datetime, R]]:
        """Yield every row of the window and the time it begins at, oldest first."""
        start = self._window.start
        while start < self._window.end:
            end = min(start + LONGEST_RANGE, self._window.end)
            yield from self._range(Window(start, end), group_by, filters)
            start = end

    def _range(
        self, window: Window, group_by: Sequence[str], filters: Sequence[tuple[str, str]]
    ) -> Iterator[tuple[datetime, R]]:
        path, kind, unknown = self._endpoint
        params = parameters(window, self._step, group_by, filters)
        for page, body in pages(
            self._client, path, params, kind, NEXT_PAGE, headers=BETA, history=self._history
        ):
            unknown.look(body, kind)
            self._note_age(page.data_refreshed_at)
            for index, row in enumerate(page.data):
                yield start_of(row, f"{path}: $.data[{index}]", window, self._step), row

    def _note_age(self, refreshed_at: datetime | None) -> None:
        if refreshed_at is not None:
            self.refreshed_at = min(refreshed_at, self.refreshed_at or refreshed_at)

    def complete(self) -> Window:
        """Return what of the window the data reach to: days wholly, hours up to the minute."""
        start, end = self._window.start, self._window.end
        if self.refreshed_at is not None:
            reached = self.refreshed_at.astimezone(UTC)
            end = min(end, floor_to(DAY, reached) if self._step == DAY else reached)
        return Window(start, max(start, end))
