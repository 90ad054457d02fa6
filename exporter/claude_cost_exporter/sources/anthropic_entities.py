"""Anthropic's names: the organisation, its workspaces and its API keys.

https://platform.claude.com/docs/en/api/admin (2026-08, 2026-10). Both anthropic-versions are
understood: a key says `workspace_id` (2023-06-01) or `scope` (2026-10-21).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from claude_cost_exporter.clock import HOUR
from claude_cost_exporter.errors import BadRequestError
from claude_cost_exporter.records import (
    ApiKeyRecord,
    OrganizationRecord,
    WorkspaceRecord,
    label_value,
)
from claude_cost_exporter.sources.base import Cadence
from claude_cost_exporter.sources.pages import cursor_pages, decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from claude_cost_exporter.records import Record, Window
    from claude_cost_exporter.sources.http import ApiClient

ORGANIZATION = "/v1/organizations/me"
WORKSPACES = "/v1/organizations/workspaces"
API_KEYS = "/v1/organizations/api_keys"
MAX_PAGES = 100
LIMIT = ("limit", "1000")


class Organization(msgspec.Struct):
    """`organizations/me`."""

    id: str
    name: str = ""


class Workspace(msgspec.Struct):
    """One workspace. `tags` is the customer's own cost-centre data."""

    id: str
    name: str = ""
    archived_at: str | None = None
    tags: dict[str, str] | None = None


class Scope(msgspec.Struct):
    """Where a key may be used (anthropic-version 2026-10-21)."""

    type: str
    workspace_id: str | None = None


class ApiKey(msgspec.Struct):
    """One API key; never the key itself."""

    id: str
    name: str | None = ""
    status: str = ""
    workspace_id: str | None = None
    scope: Scope | None = None


class WorkspacePage(msgspec.Struct):
    """A page of workspaces."""

    data: list[Workspace]
    has_more: bool
    last_id: str | None = None


class ApiKeyPage(msgspec.Struct):
    """A page of API keys."""

    data: list[ApiKey]
    has_more: bool
    last_id: str | None = None


class AnthropicEntities:
    """Reads names. They are needed for joins, never for money."""

    name = "entities"
    cadences: Sequence[Cadence] = (Cadence(timedelta(hours=1), timedelta(0)),)
    align = HOUR
    history_chunk: timedelta | None = None
    query_sets: tuple[str, ...] = ()

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self._includes_default = True

    def notes(self) -> tuple[str, ...]:
        """Say what was found out about this key and organisation."""
        if self._includes_default:
            return ()
        return ("the default workspace's id cannot be listed; it is called default",)

    def fetch(self, window: Window, *, history: bool = False) -> Iterator[Record]:
        """Yield the organisation, its workspaces and its keys, as they are now."""
        del window, history  # names have no history
        organization = decode(self._client.get(ORGANIZATION, []), Organization, ORGANIZATION)
        yield OrganizationRecord(organization.id, label_value(organization.name))
        yield from self._workspaces()
        pages = cursor_pages(self._client, API_KEYS, [LIMIT], ApiKeyPage, MAX_PAGES)
        for page, _ in pages:
            yield from map(_api_key, page.data)

    def _workspaces(self) -> Iterator[WorkspaceRecord]:
        """Yield workspaces. Lists omit the default one unless asked: the one more is it."""
        listed = self._list([("include_archived", "true")])
        everything = listed
        if self._includes_default:
            try:
                everything = self._list([("include_archived", "true"), ("include_default", "true")])
            except BadRequestError:
                self._includes_default = False  # a parameter of 2026-10-07
        ordinary = {workspace.id for workspace in listed}
        for one in everything:
            yield WorkspaceRecord(
                workspace_id=label_value(one.id),
                name=label_value(one.name),
                status="archived" if one.archived_at else "active",
                team=label_value((one.tags or {}).get("team", "")),
                is_default=one.id not in ordinary,
            )

    def _list(self, params: list[tuple[str, str]]) -> list[Workspace]:
        pages = cursor_pages(self._client, WORKSPACES, [*params, LIMIT], WorkspacePage, MAX_PAGES)
        return [workspace for page, _ in pages for workspace in page.data]


def _api_key(key: ApiKey) -> ApiKeyRecord:
    workspace = key.scope.workspace_id if key.scope else key.workspace_id
    return ApiKeyRecord(
        api_key_id=label_value(key.id),
        name=label_value(key.name or ""),
        workspace_id=label_value(workspace or ""),
        status=label_value(key.status),
    )
