"""GET /v1/organizations/me."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from claude_cost_exporter.simulator.call import Answer, Call


def answer(call: Call) -> Answer:
    """Return whose key this is."""
    call.parameters.finish()
    return {"id": call.organisation.id, "name": call.organisation.name, "type": "organization"}
