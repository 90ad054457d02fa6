"""GET /v1/organizations/rate_limits and /v1/organizations/workspaces/{id}/rate_limits."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from claude_cost_exporter.simulator.access import NOT_FOUND
from claude_cost_exporter.simulator.pages import by_token
from claude_cost_exporter.simulator.wire import ApiError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claude_cost_exporter.simulator.call import Answer, Call
    from claude_cost_exporter.simulator.limits import RateLimit

KINDS = ("model_group", "batch", "token_count", "files", "skills", "web_search")
WITH_GROUP = "2026-10-21"
"""From this version on an entry has a `group` instead of a `group_type`."""


def answer(call: Call) -> Answer:
    """Return the organisation's limits."""
    return _page(call, call.organisation.rate_limits)


def answer_workspace(call: Call) -> Answer:
    """Return what a workspace overrides, and on request also what it inherits."""
    organisation = call.organisation
    wanted = unquote(call.path_id)
    handle = next((w.handle for w in organisation.workspaces if w.id == wanted), None)
    if handle is None:
        raise ApiError(404, "not_found_error", NOT_FOUND)
    limits = organisation.workspace_rate_limits.get(handle, ())
    if call.parameters.take_flag("include_inherited"):
        overridden = {limit.display_name for limit in limits}
        limits += tuple(r for r in organisation.rate_limits if r.display_name not in overridden)
    return _page(call, limits)


def _page(call: Call, limits: Sequence[RateLimit]) -> Answer:
    kind = call.parameters.take_choice("group_type", KINDS, "")
    model = call.parameters.take("model")
    if model is not None:
        limits = [limit for limit in limits if limit.models and model in limit.models]
        if not limits:
            raise ApiError(404, "not_found_error", NOT_FOUND)
    shown = [_document(limit, call) for limit in limits if kind in {"", limit.kind}]
    return by_token(shown, call.parameters, call.request.query)


def _document(limit: RateLimit, call: Call) -> Answer:
    document: Answer = {
        "type": "rate_limit",
        "id": limit.id,
        "models": None if limit.models is None else list(limit.models),
        "limits": [{"type": kind, "value": value} for kind, value in limit.limits],
    }
    if call.version == WITH_GROUP:
        name = limit.display_name
        document["group"] = {"id": f"{limit.id}_group", "type": limit.kind, "display_name": name}
    else:
        document["group_type"] = limit.kind
    return document
