"""The documents have the field names, nesting and types that the API documents."""

from datetime import UTC, datetime

DAY = datetime(2026, 11, 23, tzinfo=UTC)
ALL_BUT_SPEED = ("model", "service_tier", "context_window", "inference_geo", "workspace_id")

USAGE_ROW = {
    "account_id": "null",
    "api_key_id": "null",
    "cache_creation": {"ephemeral_1h_input_tokens": "int", "ephemeral_5m_input_tokens": "int"},
    "cache_read_input_tokens": "int",
    "context_window": "str",
    "inference_geo": "str",
    "model": "str",
    "output_tokens": "int",
    "server_tool_use": {"web_search_requests": "int"},
    "service_account_id": "null",
    "service_tier": "str",
    "uncached_input_tokens": "int",
    "workspace_id": "str",
    "speed": "null",
}
WORKSPACE = {
    "id": "str",
    "archived_at": "null",
    "compartment_id": "null",
    "created_at": "str",
    "data_residency": {
        "allowed_inference_geos": "str",
        "default_inference_geo": "str",
        "workspace_geo": "str",
    },
    "display_color": "str",
    "external_key_id": "null",
    "name": "str",
    "tags": {"env": "str", "team": "str"},
    "type": "str",
}
API_KEY = {
    "id": "str",
    "created_at": "str",
    "created_by": {"id": "str", "type": "str"},
    "expires_at": "null",
    "name": "str",
    "partial_key_hint": "str",
    "principal": {"id": "str", "type": "str"},
    "status": "str",
    "type": "str",
    "workspace_id": "str",
}


def shape(value):
    """Return the types of a document, field by field."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return "null" if value is None else type(value).__name__


def test_usage_report(steady):
    """A usage page has buckets of rows with nested cache and tool counts."""
    query = [("group_by[]", name) for name in ALL_BUT_SPEED]
    page = steady.get("usage", ("starting_at", "2026-11-23T00:00:00Z"), ("limit", 1), *query)
    assert set(page) == {"data", "has_more", "next_page"}
    assert page["has_more"] is False
    assert page["next_page"] is None
    (bucket,) = page["data"]
    assert bucket["starting_at"] == "2026-11-23T00:00:00Z"
    assert bucket["ending_at"] == "2026-11-24T00:00:00Z"
    row = next(row for row in bucket["results"] if row["workspace_id"])
    assert shape(row) == USAGE_ROW


def test_g15_the_shape_is_the_documented_one_and_no_wrong_copy(steady):
    """G15: no limit of 1000, no flat cache fields, and buckets of a minute."""
    start = ("starting_at", "2026-11-23T00:00:00Z")
    assert "31" in steady.refused("usage", start, ("limit", 1000))["message"]
    minutes = steady.get("usage", start, ("bucket_width", "1m"), ("limit", 60))
    assert len(minutes["data"]) == 60
    rows = [row for bucket in minutes["data"] for row in bucket["results"]]
    assert rows
    assert not any("cache_creation_5m_input_tokens" in row for row in rows)


def test_organization(steady):
    """The organisation has exactly id, name and type."""
    document = steady.get("me")
    assert document == {
        "id": "7c0e1b52-3d5a-4b0e-9a57-2f6f1c9d8e40",
        "name": "Acme Robotics (simulated)",
        "type": "organization",
    }


def test_workspaces(steady):
    """A workspace list has the id-cursor envelope and documented fields."""
    page = steady.get("workspaces")
    assert set(page) == {"data", "first_id", "has_more", "last_id"}
    assert shape(page["data"][0]) == WORKSPACE
    assert page["first_id"] == page["data"][0]["id"]
    assert page["last_id"] == page["data"][-1]["id"]
    one = steady.get(f"/v1/organizations/workspaces/{page['first_id']}")
    assert one == page["data"][0]


def test_api_keys(steady):
    """A key list has the id-cursor envelope and documented fields."""
    page = steady.get("api_keys")
    assert set(page) == {"data", "first_id", "has_more", "last_id"}
    assert shape(page["data"][0]) == API_KEY


def test_error(steady):
    """An error has type, error and request_id, as the 404 in the docs."""
    error = steady.refused("/v1/organizations/nothing", status=404)
    assert error == {
        "type": "not_found_error",
        "message": "The requested resource could not be found.",
    }
