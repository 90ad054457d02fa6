"""GET /v1/organizations/workspaces and /v1/organizations/workspaces/{id}."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from claude_cost_exporter.simulator.access import NOT_FOUND
from claude_cost_exporter.simulator.organisation import DEFAULT
from claude_cost_exporter.simulator.pages import by_cursor
from claude_cost_exporter.simulator.wire import ApiError, bad_request

if TYPE_CHECKING:
    from claude_cost_exporter.simulator.call import Answer, Call
    from claude_cost_exporter.simulator.organisation import Workspace

MAX_IDS = 100


def answer_list(call: Call) -> Answer:
    """Return workspaces; the default one and archived ones only on request."""
    parameters = call.parameters
    archived = parameters.take_flag("include_archived")
    default = parameters.take_flag("include_default")
    ids = parameters.take_list("ids")
    if len(ids) > MAX_IDS:
        raise bad_request(f"ids[]: Cannot list more than {MAX_IDS} ids")
    shown = [
        _document(workspace)
        for workspace in call.organisation.workspaces
        if (archived or workspace.archived_at is None)
        and (workspace.handle != DEFAULT or (default and call.switches.default_workspace_readable))
        and (not ids or workspace.id in ids)
    ]
    return by_cursor(shown, parameters)


def answer_one(call: Call) -> Answer:
    """Return one workspace, also the default one."""
    call.parameters.finish()
    for workspace in call.organisation.workspaces:
        hidden = workspace.handle == DEFAULT and not call.switches.default_workspace_readable
        if workspace.id == unquote(call.path_id) and not hidden:
            return _document(workspace)
    raise ApiError(404, "not_found_error", NOT_FOUND)


def _document(workspace: Workspace) -> Answer:
    return {
        "id": workspace.id,
        "archived_at": workspace.archived_at,
        "compartment_id": None,
        "created_at": workspace.created_at,
        "data_residency": {
            "allowed_inference_geos": "unrestricted",
            "default_inference_geo": "global",
            "workspace_geo": "us",
        },
        "display_color": "#6C5BB9",
        "external_key_id": None,
        "name": workspace.name,
        "tags": dict(workspace.tags),
        "type": "workspace",
    }
