"""The endpoints: one file each, one row of `ROUTES` each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.simulator.endpoints import (
    api_keys,
    organization,
    usage_messages,
    workspaces,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_cost_exporter.simulator.call import Answer, Call


class Route(NamedTuple):
    """A GET endpoint. `{id}` in the path stands for one segment."""

    name: str
    path: str
    answer: Callable[[Call], Answer]

    def match(self, path: str) -> str | None:
        """Return the segment that stands for `{id}` ("" without one), None when not this one."""
        head, has_id, tail = self.path.partition("{id}")
        if not has_id:
            return "" if path == self.path else None
        if not (path.startswith(head) and path.endswith(tail)):
            return None
        segment = path[len(head) : len(path) - len(tail)]
        return segment if segment and "/" not in segment else None


ROUTES = (
    Route("organization", "/v1/organizations/me", organization.answer),
    Route("workspaces", "/v1/organizations/workspaces", workspaces.answer_list),
    Route("workspace", "/v1/organizations/workspaces/{id}", workspaces.answer_one),
    Route("api_keys", "/v1/organizations/api_keys", api_keys.answer),
    Route("usage_messages", "/v1/organizations/usage_report/messages", usage_messages.answer),
)
