"""What an endpoint sees: one authorised request and the world it asks about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from claude_cost_exporter.simulator.bill import Bill
    from claude_cost_exporter.simulator.organisation import Organisation
    from claude_cost_exporter.simulator.parameters import Parameters
    from claude_cost_exporter.simulator.row_cache import RowCache
    from claude_cost_exporter.simulator.switches import Switches
    from claude_cost_exporter.simulator.traffic import Traffic
    from claude_cost_exporter.simulator.wire import Request

Answer = dict[str, Any]
"""The JSON document of a 200."""

VERSIONS = ("2023-06-01", "2026-10-21")


@dataclass(frozen=True, slots=True)
class Call:
    """One request that passed authorisation; the clock is read once per call."""

    request: Request
    parameters: Parameters
    path_id: str
    now: datetime
    organisation: Organisation
    traffic: Traffic
    services: Traffic
    """What is used beside the messages: container hours, session hours."""
    bill: Bill
    recent: RowCache[Any]
    """What the last pages were made of; the next page may need it again."""
    switches: Switches

    @property
    def version(self) -> str:
        """Return the `anthropic-version`."""
        return self.request.headers["anthropic-version"]

    def has_beta(self, name: str) -> bool:
        """Return whether the request opts into a beta."""
        return self.request.has_beta(name)
