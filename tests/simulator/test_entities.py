"""Workspaces and keys: what lists show, and how their cursors work."""

import pytest

from claude_cost_exporter.simulator import Switches

DEFAULT_ID = "wrkspc_01DefAcme4Qw8RtYuPn2LkZ"
NEW_VERSION = {"x-api-key": "sk-ant-admin01-x", "anthropic-version": "2026-10-21"}


def names(page):
    """Return the names on a page."""
    return [item["name"] for item in page["data"]]


def test_default_workspace_only_on_request(steady):
    """The default workspace is left out unless include_default is true."""
    assert "Default" not in names(steady.get("workspaces"))
    assert "Default" in names(steady.get("workspaces", ("include_default", "true")))
    assert steady.get(f"/v1/organizations/workspaces/{DEFAULT_ID}")["name"] == "Default"


def test_default_workspace_that_cannot_be_read(asker):
    """With the switch off, neither list nor Get knows the default workspace."""
    asking = asker(switches=Switches(default_workspace_readable=False))
    assert "Default" not in names(asking.get("workspaces", ("include_default", "true")))
    asking.refused(f"/v1/organizations/workspaces/{DEFAULT_ID}", status=404)


def test_archived_workspaces_only_on_request(steady):
    """Archived workspaces are left out unless include_archived is true."""
    assert "Pilot 2025" not in names(steady.get("workspaces"))
    assert "Pilot 2025" in names(steady.get("workspaces", ("include_archived", "true")))


def test_workspaces_by_id(steady):
    """Ids filter the list; more than 100 are refused."""
    wanted = steady.get("workspaces")["data"][1]["id"]
    assert steady.get("workspaces", ("ids[]", wanted))["first_id"] == wanted
    steady.refused("workspaces", *[("ids[]", f"wrkspc_{n}") for n in range(101)])


def test_unknown_workspace(steady):
    """An unknown id is 404."""
    steady.refused("/v1/organizations/workspaces/wrkspc_nobody", status=404)


@pytest.mark.parametrize("limit", [1, 2, 4, 9, 100])
def test_walking_forward(steady, limit):
    """after_id walks all keys once, whatever the page size; the last page names its last id."""
    seen, query = [], [("limit", limit)]
    while True:
        page = steady.get("api_keys", *query)
        seen += names(page)
        assert page["last_id"] == page["data"][-1]["id"]
        if not page["has_more"]:
            break
        query = [("limit", limit), ("after_id", page["last_id"])]
    assert seen == names(steady.get("api_keys", ("limit", 1000)))
    assert len(seen) == 9


def test_walking_backward(steady):
    """before_id gives the page before a cursor."""
    ids = [item["id"] for item in steady.get("api_keys")["data"]]
    page = steady.get("api_keys", ("before_id", ids[5]), ("limit", 2))
    assert [item["id"] for item in page["data"]] == ids[3:5]
    assert page["has_more"] is True
    assert steady.get("api_keys", ("before_id", ids[2]))["has_more"] is False


def test_cursors_that_make_no_sense(steady):
    """Unknown cursors, both at once, and too large limits are refused."""
    steady.refused("api_keys", ("after_id", "apikey_nobody"))
    first = steady.get("api_keys")["first_id"]
    steady.refused("api_keys", ("after_id", first), ("before_id", first))
    steady.refused("api_keys", ("limit", 1001))
    steady.refused("workspaces", ("include_default", "yes"))


def test_empty_list(steady):
    """A list without items has null ids."""
    page = steady.get("api_keys", ("status", "inactive"))
    assert page == {"data": [], "first_id": None, "has_more": False, "last_id": None}


def test_key_filters(steady):
    """Keys can be filtered by status, workspace and creator."""
    assert names(steady.get("api_keys", ("status", "archived"))) == ["pilot (do not use)"]
    workspace = "wrkspc_01Rsch2MxTq6WpDzRu5YhBv"
    assert names(steady.get("api_keys", ("workspace_id", workspace))) == ["evals", "notebooks"]
    assert names(steady.get("api_keys", ("created_by_user_id", "user_nobody"))) == []


def test_workspace_of_a_key_by_version(steady):
    """The old version has workspace_id (null: default), the new one a scope with real ids."""
    old = {item["name"]: item for item in steady.get("api_keys")["data"]}
    assert old["experiments"]["workspace_id"] is None
    assert "scope" not in old["experiments"]
    new = {i["name"]: i for i in steady.get("api_keys", headers=NEW_VERSION)["data"]}
    assert new["experiments"]["scope"] == {"type": "workspace", "workspace_id": DEFAULT_ID}
    assert "workspace_id" not in new["experiments"]


def test_a_thousand_keys(asker):
    """The huge organisation has 1,000 keys over 45 workspaces."""
    asking = asker("huge")
    page = asking.get("api_keys", ("limit", 1000))
    assert len(page["data"]) == 1000
    assert page["has_more"] is False
    both = (("include_default", "true"), ("include_archived", "true"), ("limit", 100))
    assert len(asking.get("workspaces", *both)["data"]) == 45
