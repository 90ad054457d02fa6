"""Anthropic's names: the organisation, its workspaces and its API keys.

https://platform.claude.com/docs/en/api/admin (2026-08, 2026-10). Both anthropic-versions are
understood: a key says `workspace_id` (2023-06-01) or `scope` (2026-10-21).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

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
from claude_cost_exporter.sources.pages import Cursor, decode, pages
from claude_cost_exporter.sources.unknown import UnknownFields

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from claude_cost_exporter.records import Record, Window
    from claude_cost_exporter.sources.base import FieldObserver
    from claude_cost_exporter.sources.http import ApiClient
    from claude_cost_exporter.sources.people import People

ALL = "/v1/organizations"
ORGANIZATION = f"{ALL}/me"
WORKSPACES = f"{ALL}/workspaces"
API_KEYS = f"{ALL}/api_keys"
AFTER_ID = Cursor("last_id", "after_id", max_pages=100)
LIMIT = ("limit", "1000")
ARCHIVED = ("include_archived", "true")
CLAUDE_CODE_KEY = "claude_code_key_"
"""How the names of keys begin that Claude Code makes, one for each user (2026-08)."""
Id = Annotated[str, msgspec.Meta(min_length=1)]
Unused = msgspec.Raw
"""A field that is documented and not needed: whatever it holds, it is neither read nor new."""
ABSENT = msgspec.Raw()


class Organization(msgspec.Struct):
    """`organizations/me`."""

    id: Id
    name: str | None = ""
    type: Unused = ABSENT


class Workspace(msgspec.Struct):
    """One workspace. `tags` is the customer's own cost-centre data."""

    id: Id
    name: str | None = ""
    archived_at: str | None = None
    tags: dict[str, str] | None = None
    type: Unused = ABSENT
    compartment_id: Unused = ABSENT
    created_at: Unused = ABSENT
    data_residency: Unused = ABSENT
    display_color: Unused = ABSENT
    external_key_id: Unused = ABSENT
    user_profile_id: Unused = ABSENT


class Scope(msgspec.Struct):
    """Where a key may be used (anthropic-version 2026-10-21)."""

    type: str
    workspace_id: str | None = None


class ApiKey(msgspec.Struct):
    """One API key; never the key itself."""

    id: Id
    name: str | None = ""
    status: str | None = ""
    workspace_id: str | None = None
    scope: Scope | None = None
    type: Unused = ABSENT
    created_at: Unused = ABSENT
    created_by: Unused = ABSENT
    expires_at: Unused = ABSENT
    partial_key_hint: Unused = ABSENT
    principal: Unused = ABSENT


class WorkspacePage(msgspec.Struct):
    """A page of workspaces."""

    data: list[Workspace]
    has_more: bool
    last_id: str | None = None
    first_id: Unused = ABSENT


class ApiKeyPage(msgspec.Struct):
    """A page of API keys."""

    data: list[ApiKey]
    has_more: bool
    last_id: str | None = None
    first_id: Unused = ABSENT


def read_organization(client: ApiClient, *, once: bool = False) -> OrganizationRecord:
    """Return whose key this is."""
    return _organization(client.get(ORGANIZATION, [], once=once))


def _organization(body: bytes) -> OrganizationRecord:
    found = decode(body, Organization, ORGANIZATION)
    return OrganizationRecord(label_value(found.id), label_value(found.name or ""))


class AnthropicEntities:
    """Reads names. They are needed for joins, never for money."""

    name = "entities"
    cadences: Sequence[Cadence] = (Cadence(timedelta(hours=1), timedelta(0)),)
    align = HOUR
    reads_open = True
    history_chunk: timedelta | None = None
    query_sets: tuple[str, ...] = ()
    api = ""

    def __init__(self, client: ApiClient, fields: FieldObserver, people: People) -> None:
        self._client, self._people = client, people
        self._unknown = UnknownFields(self.name, ALL, fields)
        self._can_include_default = True
        self._found_default = True

    def notes(self) -> tuple[str, ...]:
        """Say what was found out about this key and organisation."""
        if self._found_default:
            return ()
        return ("the default workspace's id cannot be listed; it is called default",)

    def history_from(self, wanted: datetime) -> datetime:
        """Return `wanted`: names have no history."""
        return wanted

    def fetch(self, window: Window, *, history: bool = False) -> Iterator[Record]:
        """Yield the organisation, its workspaces and its keys, as they are now."""
        del window, history  # names have no history
        body = self._client.get(ORGANIZATION, [])
        yield _organization(body)
        self._unknown.look(body, Organization)
        yield from self._workspaces()
        for page, body in pages(self._client, API_KEYS, [LIMIT], ApiKeyPage, AFTER_ID):
            self._unknown.look(body, ApiKeyPage)
            yield from map(self._api_key, page.data)

    def _workspaces(self) -> Iterator[WorkspaceRecord]:
        """Yield workspaces. Lists omit the default one unless asked: the one more is it.

        The longer list is read first: a workspace that is created in between is then in the
        shorter one only, and not taken for the default one.
        """
        with_default: list[Workspace] = []
        if self._can_include_default:
            try:
                with_default = self._list([ARCHIVED, ("include_default", "true")])
            except BadRequestError:
                self._can_include_default = False  # a parameter of 2026-10-07
        ordinary = self._list([ARCHIVED])
        known = {workspace.id for workspace in ordinary}
        more = [workspace for workspace in with_default if workspace.id not in known]
        self._found_default = len(more) == 1
        for one in more + ordinary:
            yield WorkspaceRecord(
                workspace_id=label_value(one.id),
                name=label_value(one.name or ""),
                status="archived" if one.archived_at else "active",
                team=label_value((one.tags or {}).get("team", "")),
                is_default=self._found_default and one is more[0],
            )

    def _list(self, params: list[tuple[str, str]]) -> list[Workspace]:
        found: list[Workspace] = []
        walk = pages(self._client, WORKSPACES, [*params, LIMIT], WorkspacePage, AFTER_ID)
        for page, body in walk:
            self._unknown.look(body, WorkspacePage)
            found += page.data
        return found

    def _api_key(self, key: ApiKey) -> ApiKeyRecord:
        workspace = key.scope.workspace_id if key.scope else key.workspace_id
        return ApiKeyRecord(
            api_key_id=label_value(key.id),
            name=label_value(self._key_name(key.name or "")),
            workspace_id=label_value(workspace or ""),
            status=label_value(key.status or ""),
        )

    def _key_name(self, name: str) -> str:
        """Return what a key may be called: Claude Code names its keys after people."""
        made, prefix, _ = name.partition(CLAUDE_CODE_KEY)
        if made or not prefix or self._people.shown:
            return name
        return self._people.call(CLAUDE_CODE_KEY.rstrip("_"), name)
