"""The endpoints: one file each, one row of `ROUTES` each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.simulator.endpoints import (
    analytics_cost,
    analytics_usage,
    api_keys,
    claude_code,
    cost_report,
    organization,
    rate_limits,
    spend_limits,
    usage_messages,
    workspaces,
)
from claude_cost_exporter.simulator.switches import Availability

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_cost_exporter.simulator.call import Answer, Call
    from claude_cost_exporter.simulator.switches import Switches


class Route(NamedTuple):
    """A GET endpoint. `{id}` in the path stands for one segment."""

    name: str
    path: str
    answer: Callable[[Call], Answer]
    switch: str = ""
    """The switch that tells whether this organisation has the endpoint; empty: everybody has."""
    beta: str = ""
    """The beta header without which there is no answer."""

    def match(self, path: str) -> str | None:
        """Return the segment that stands for `{id}` ("" without one), None when not this one."""
        head, has_id, tail = self.path.partition("{id}")
        if not has_id:
            return "" if path == self.path else None
        if not (path.startswith(head) and path.endswith(tail)):
            return None
        segment = path[len(head) : len(path) - len(tail)]
        return segment if segment and "/" not in segment else None

    def availability(self, switches: Switches) -> Availability:
        """Return what the switch says."""
        found: Availability = getattr(switches, self.switch) if self.switch else _EVERYBODY
        return found


_EVERYBODY = Availability.SERVED
_USAGE_REPORT = "/v1/organizations/usage_report"
_ANALYTICS = "/v1/organizations/analytics"
_ANALYTICS_BETA = "analytics-usage-cost-2026-08-24"
_SPEND_LIMITS_BETA = "spend-limit-reads-2026-09-26"

ROUTES = (
    Route("organization", "/v1/organizations/me", organization.answer),
    Route("workspaces", "/v1/organizations/workspaces", workspaces.answer_list),
    Route("workspace", "/v1/organizations/workspaces/{id}", workspaces.answer_one),
    Route("api_keys", "/v1/organizations/api_keys", api_keys.answer),
    Route("usage_messages", f"{_USAGE_REPORT}/messages", usage_messages.answer, "usage_report"),
    Route("claude_code", f"{_USAGE_REPORT}/claude_code", claude_code.answer, "claude_code"),
    Route("cost_report", "/v1/organizations/cost_report", cost_report.answer, "cost_report"),
    Route(
        "analytics_usage",
        f"{_ANALYTICS}/usage",
        analytics_usage.answer,
        "analytics",
        _ANALYTICS_BETA,
    ),
    Route(
        "analytics_cost", f"{_ANALYTICS}/cost", analytics_cost.answer, "analytics", _ANALYTICS_BETA
    ),
    Route(
        "spend_limits",
        "/v1/organizations/spend_limits",
        spend_limits.answer,
        "spend_limits",
        _SPEND_LIMITS_BETA,
    ),
    Route("rate_limits", "/v1/organizations/rate_limits", rate_limits.answer, "rate_limits"),
    Route(
        "workspace_rate_limits",
        "/v1/organizations/workspaces/{id}/rate_limits",
        rate_limits.answer_workspace,
        "rate_limits",
    ),
)
