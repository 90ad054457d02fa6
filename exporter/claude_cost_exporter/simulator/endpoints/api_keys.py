"""GET /v1/organizations/api_keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_cost_exporter.simulator.pages import by_cursor

if TYPE_CHECKING:
    from claude_cost_exporter.simulator.call import Answer, Call
    from claude_cost_exporter.simulator.organisation import ApiKey

STATUSES = ("active", "inactive", "archived", "expired")
WITH_SCOPE = "2026-10-21"
"""From this version on a key has a `scope` instead of a `workspace_id`."""


def answer(call: Call) -> Answer:
    """Return the keys that the filters leave."""
    parameters = call.parameters
    status = parameters.take_choice("status", STATUSES, "")
    workspace_id = parameters.take("workspace_id")
    created_by = parameters.take("created_by_user_id")
    shown = [
        _document(key, call)
        for key in call.organisation.api_keys
        if status in {"", key.status}
        and workspace_id in {None, call.organisation.workspace_by_handle[key.workspace].id}
        and created_by in {None, key.created_by}
    ]
    return by_cursor(shown, parameters)


def _document(key: ApiKey, call: Call) -> Answer:
    creator = {"id": key.created_by, "type": "user"}
    document: Answer = {
        "id": key.id,
        "created_at": key.created_at,
        "created_by": creator,
        "expires_at": key.expires_at,
        "name": key.name,
        "partial_key_hint": "sk-ant-api03-R2D...igAA",
        "principal": creator,
        "status": key.status,
        "type": "api_key",
    }
    if call.version == WITH_SCOPE:
        workspace = call.organisation.workspace_by_handle[key.workspace]
        document["scope"] = {"type": "workspace", "workspace_id": workspace.id}
    else:
        document["workspace_id"] = call.organisation.reported_workspace(key.workspace)
    return document
