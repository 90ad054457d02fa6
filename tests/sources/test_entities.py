"""Names: the organisation, its workspaces and which of them is the default one, its keys."""

from __future__ import annotations

import re
from dataclasses import astuple

import pytest

from claude_cost_exporter.errors import PaginationError, ParseError, ServerError
from claude_cost_exporter.records import (
    ApiKeyRecord,
    OrganizationRecord,
    Window,
    WorkspaceRecord,
)
from claude_cost_exporter.sources.anthropic_entities import AnthropicEntities
from claude_cost_exporter.sources.people import People
from tests.support.api import answer, refused
from tests.support.organization import API_KEY, WORKSPACE, Organization
from tests.support.report import hour


@pytest.fixture
def organization(bench):
    """An organisation with a default workspace, one more, and a key."""
    organization = Organization()
    bench.api.will(organization)
    return organization


def entities(bench, *, shown=False):
    return AnthropicEntities(bench.client, bench.observed, People(b"salt", shown))


def fetch(bench, source=None):
    source = source or entities(bench)
    return list(source.fetch(Window(hour(10), hour(11))))


def workspaces(records):
    return [record for record in records if isinstance(record, WorkspaceRecord)]


def test_documented_shapes_become_records(bench, organization):
    """The organisation, its workspaces with their team, and the keys with their workspace."""
    assert fetch(bench) == [
        OrganizationRecord("0f7d-org", "Nordlicht"),
        WorkspaceRecord("wrkspc_01Def", "Default", "active", "", is_default=True),
        WorkspaceRecord("wrkspc_01Web", "Web shop", "active", "sales"),
        ApiKeyRecord("apikey_01Till", "till", "wrkspc_01Web", "active"),
    ]


def test_unknown_fields_are_counted_once(bench, organization):
    """A field that is new in one list or in all of them is tolerated, and counted once."""
    source = entities(bench)
    fetch(bench, source)
    assert bench.observed.fields == []
    organization.me = {**organization.me, "plan": "scale"}
    organization.workspaces = [{**WORKSPACE, "mood": 1, "owner": {}}]
    organization.api_keys = [{**API_KEY, "mood": 2}]
    assert len(fetch(bench, source)) == len(fetch(bench, source)) == 4
    fields = {"plan", "data[].mood", "data[].owner"}
    assert sorted(bench.observed.fields) == sorted(("entities", field) for field in fields)


NAMED = [
    *("claude_code_key_maria.lopez_qzxw", "claude_code_key_o'neil", "claude_code_key_"),
    *("my claude_code_key_maria.lopez_qzxw", "claude_code", "Claude_Code_Key_x", ""),
]


def key_names(bench, **options):
    records = fetch(bench, entities(bench, **options))
    return [record.name for record in records if isinstance(record, ApiKeyRecord)]


def test_keys_that_claude_code_named_after_people_are_hashed(bench, organization):
    """Such a name keeps its prefix and gets a hash of its own; all other names stay."""
    organization.api_keys = [{**API_KEY, "id": f"{n}", "name": x} for n, x in enumerate(NAMED)]
    names = key_names(bench)
    assert names[3:] == NAMED[3:]
    assert all(re.fullmatch("claude_code_key_[0-9a-f]{16}", name) for name in names[:3])
    assert len(set(names)) == len(names)
    assert key_names(bench) == names
    assert key_names(bench, shown=True) == NAMED


KEYS = {
    "2023-06-01": ({"workspace_id": "wrkspc_01Web"}, "wrkspc_01Web"),
    "2023-06-01, default workspace": ({"workspace_id": None}, ""),
    "2026-10-21": (
        {"scope": {"type": "workspace", "workspace_id": "wrkspc_01Web"}},
        "wrkspc_01Web",
    ),
    "2026-10-21, organisation": ({"scope": {"type": "organization"}}, ""),
}


@pytest.mark.parametrize(("fields", "workspace"), KEYS.values(), ids=list(KEYS))
def test_both_versions_say_where_a_key_belongs(bench, organization, fields, workspace):
    """A key has a workspace_id (2023-06-01) or a scope (2026-10-21); both are understood."""
    bare = {name: value for name, value in API_KEY.items() if name != "workspace_id"}
    organization.api_keys = [{**bare, **fields}]
    assert fetch(bench)[-1].workspace_id == workspace


def test_archived_workspaces_are_listed(bench, organization):
    """A workspace that is archived still has a name; all lists ask for archived ones."""
    organization.workspaces = [{**WORKSPACE, "archived_at": "2026-05-01T00:00:00Z"}]
    statuses = {one.name: one.status for one in workspaces(fetch(bench))}
    assert statuses == {"Default": "active", "Web shop": "archived"}


def test_the_default_workspace_may_be_unlistable(bench, organization):
    """Before 2026-10-07 the parameter was refused: then there is no default id, and it is said."""
    organization.allows_default = False
    source = entities(bench)
    assert [one.is_default for one in workspaces(fetch(bench, source))] == [False]
    assert source.notes() == ("the default workspace's id cannot be listed; it is called default",)
    before = len(bench.api.requests)
    fetch(bench, source)
    assert len(bench.api.requests) - before == 3  # it is not asked for again


def test_an_ignored_parameter_is_no_default_workspace(bench, organization):
    """When both lists are the same, no workspace is taken for the default one, and it is said."""
    organization.default = None
    source = entities(bench)
    assert [one.is_default for one in workspaces(fetch(bench, source))] == [False]
    assert source.notes() != ()


def test_a_workspace_made_between_two_lists_is_not_the_default(bench, organization):
    """A new workspace that only one list has is never mistaken for the default one."""
    organization.default = None

    def create():
        if len(organization.workspaces) == 1:
            organization.workspaces = [
                *organization.workspaces,
                {**WORKSPACE, "id": "wrkspc_01New"},
            ]

    organization.between = create
    found = {one.workspace_id: one.is_default for one in workspaces(fetch(bench))}
    assert found == {"wrkspc_01Web": False, "wrkspc_01New": False}


def test_long_lists_are_read_to_their_end(bench, organization):
    """Keys and workspaces are followed by their last id until has_more is false."""
    organization.page_size = 2
    organization.api_keys = [{**API_KEY, "id": f"apikey_{n}"} for n in range(5)]
    keys = [one.api_key_id for one in fetch(bench) if isinstance(one, ApiKeyRecord)]
    assert keys == [f"apikey_{n}" for n in range(5)]


def test_a_list_without_end_is_an_error(bench, organization):
    """A list that claims to go on without a last id is a contradiction."""
    bench.api.script.clear()
    endless = answer(200, {"data": [], "has_more": True, "last_id": None})
    bench.api.will(lambda request: organization(request) if "me" in request.url.path else endless)
    with pytest.raises(PaginationError, match="last_id is null"):
        fetch(bench)


def test_a_failure_of_one_list_is_a_failure_of_all(bench, organization):
    """Half of the names are not handed out as if they were all."""
    broken = refused(500, x_should_retry="false")
    bench.api.script.clear()
    bench.api.will(lambda r: broken if r.url.path.endswith("api_keys") else organization(r))
    got = []
    with pytest.raises(ServerError):
        got.append(fetch(bench))
    assert got == []


MISTYPED = {
    "no id": ("me", {"name": "x"}, "missing required field `id`"),
    "an empty id": ("me", {"id": "", "name": "x"}, "`$.id`"),
    "a number as id": ("me", {"id": 5}, "`$.id`"),
    "no workspace id": ("workspaces", [{"name": "x"}], "`id` - at `$.data[0]`"),
    "tags as a list": ("workspaces", [{**WORKSPACE, "tags": []}], "`$.data[0].tags`"),
    "a key without id": ("api_keys", [{"name": "x"}], "`id` - at `$.data[0]`"),
    "a scope without type": ("api_keys", [{"id": "x", "scope": {}}], "`$.data[0].scope`"),
}


@pytest.mark.parametrize(("what", "value", "where"), MISTYPED.values(), ids=list(MISTYPED))
def test_a_mistyped_entity_is_named_with_its_path(bench, organization, what, value, where):
    """A required field that is missing or of another type is a parse error with its path."""
    setattr(organization, what, value)
    organization.default = None
    organization._page = lambda items, query: answer(200, {"data": items, "has_more": False})
    with pytest.raises(ParseError, match=re.escape(where)):
        fetch(bench)


def test_names_may_be_null(bench, organization):
    """A name is for people: without one the id does."""
    organization.me = {"id": "0f7d-org", "name": None}
    organization.workspaces = [{"id": "wrkspc_01Web", "name": None, "tags": None}]
    organization.api_keys = [{"id": "apikey_01Till", "name": None, "status": None}]
    organization_record, *_, key = fetch(bench)
    assert (organization_record.name, key.name, key.status) == ("", "", "")


def test_t14_hostile_names_are_bounded_and_clean(bench, organization):
    """T14: names with escape codes, line breaks or 10 kB are cut and cleaned before they count."""
    nasty = "\x1b[31m\u202e\nx" + "y" * 10_000
    organization.me = {"id": "0f7d-org", "name": nasty}
    organization.workspaces = [{**WORKSPACE, "name": nasty, "tags": {"team": nasty}}]
    organization.api_keys = [{**API_KEY, "name": nasty, "status": nasty}]
    texts = [text for record in fetch(bench) for text in astuple(record) if isinstance(text, str)]
    assert len(texts) >= 10
    assert all(len(text) <= 200 and text.isprintable() for text in texts)
