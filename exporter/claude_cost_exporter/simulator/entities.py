"""The organisation, its workspaces and its API keys (floor 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from claude_cost_exporter.simulator.requests import Response, bad_request, json_response
from claude_cost_exporter.simulator.scenarios import DEFAULT_WORKSPACE_ID

if TYPE_CHECKING:
    from claude_cost_exporter.simulator.api import Simulator
    from claude_cost_exporter.simulator.requests import Request
    from claude_cost_exporter.simulator.scenarios import Name

CREATED = "2025-03-01T09:00:00.000000Z"
DEFAULT_LIMIT, MOST = 20, 1000


def organization(simulator: Simulator, request: Request) -> Response:
    """Return who the key belongs to."""
    del request
    return json_response(
        {"id": simulator.organization_id, "type": "organization", "name": "Simulated Org"}
    )


def workspaces(simulator: Simulator, request: Request) -> Response:
    """Return the workspaces; the default one only when asked for."""
    rows = [_workspace(one) for one in simulator.truth.scenario.workspaces]
    if request.one("include_default") == "true":
        default = {"id": DEFAULT_WORKSPACE_ID, "name": "Default", "tags": {}}
        rows.append({**_workspace(simulator.truth.scenario.workspaces[0]), **default})
    return _page(request, rows)


def _workspace(one: Name) -> dict[str, Any]:
    return {
        "id": one.id,
        "type": "workspace",
        "name": one.name,
        "display_color": "#6C5BB9",
        "created_at": CREATED,
        "archived_at": None,
        "compartment_id": None,
        "external_key_id": None,
        "data_residency": {
            "workspace_geo": "us",
            "default_inference_geo": "global",
            "allowed_inference_geos": "unrestricted",
        },
        "tags": {"team": one.team} if one.team else {},
    }


def api_keys(simulator: Simulator, request: Request) -> Response:
    """Return the API keys, active or not."""
    rows = [
        {
            "id": one.id,
            "type": "api_key",
            "name": one.name,
            "workspace_id": one.workspace_id,
            "status": one.status,
            "created_at": CREATED,
            "expires_at": None,
            "created_by": {"id": "user_01Simulated", "type": "user"},
            "partial_key_hint": "sk-ant-api03-Sim...AAAA",
            "principal": None,
        }
        for one in simulator.truth.scenario.api_keys
    ]
    return _page(request, rows)


def _page(request: Request, rows: list[dict[str, Any]]) -> Response:
    text = request.one("limit", str(DEFAULT_LIMIT)) or ""
    if not text.isdigit() or not 1 <= int(text) <= MOST:
        raise bad_request(f"limit: {text} is not between 1 and {MOST}")
    ids = [row["id"] for row in rows]
    after = request.one("after_id")
    if after is not None and after not in ids:
        raise bad_request(f"after_id: {after} is not known")
    first = ids.index(after) + 1 if after else 0
    page = rows[first : first + int(text)]
    return json_response(
        {
            "data": page,
            "has_more": first + len(page) < len(rows),
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
        }
    )
