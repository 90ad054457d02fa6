"""GET /v1/organizations/spend_limits: the provider's own caps on money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_cost_exporter.simulator.pages import by_token

if TYPE_CHECKING:
    from claude_cost_exporter.simulator.call import Answer, Call
    from claude_cost_exporter.simulator.limits import SpendLimit

SCOPES = (
    *("organization", "workspace", "usage_tier", "user"),
    *("seat_tier", "rbac_group", "organization_service"),
)


def answer(call: Call) -> Answer:
    """Return the limits that the filters leave."""
    scopes = call.parameters.take_list("scope_type", SCOPES)
    workspace_id = call.parameters.take("workspace_id")
    documents = [_document(limit, call) for limit in call.organisation.spend_limits]
    shown = [
        document
        for document in documents
        if (not scopes or document["scope"]["type"] in scopes)
        and workspace_id in {None, document["scope"].get("workspace_id")}
    ]
    return by_token(shown, call.parameters, call.request.query)


def _document(limit: SpendLimit, call: Call) -> Answer:
    scope = {"type": limit.scope}
    if limit.workspace is not None:
        scope["workspace_id"] = call.organisation.workspace_by_handle[limit.workspace].id
    return {
        "type": "spend_limit",
        "id": limit.id,
        "created_at": limit.created_at,
        "updated_at": limit.updated_at,
        "scope": scope,
        "amount": None if limit.cents is None else str(limit.cents),
        "currency": "USD",
        "period": limit.period,
        "is_enabled": limit.is_enabled,
    }
