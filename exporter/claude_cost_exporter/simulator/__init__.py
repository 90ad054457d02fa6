"""Simulator: a faithful fake of the Admin API (floor 2).

`Simulator.handle` answers requests in process, `serve` does it over a loopback socket;
`Simulator.truth` and `Simulator.invoice` say what is true. An endpoint is one file in `endpoints/`
and one row of its `ROUTES`; all of them read the same `Traffic` and the same `Bill`.
"""

from claude_cost_exporter.simulator.api import Simulator
from claude_cost_exporter.simulator.invoice import Charge, Invoice
from claude_cost_exporter.simulator.scenario import Scenario, combine
from claude_cost_exporter.simulator.scenarios import SCENARIOS, find
from claude_cost_exporter.simulator.server import SimulatorServer, serve
from claude_cost_exporter.simulator.switches import (
    Availability,
    BucketStart,
    OpenBucket,
    SpeedGrouping,
    Switches,
)
from claude_cost_exporter.simulator.wire import Delivery, Request, Response

__all__ = [
    "SCENARIOS",
    "Availability",
    "BucketStart",
    "Charge",
    "Delivery",
    "Invoice",
    "OpenBucket",
    "Request",
    "Response",
    "Scenario",
    "Simulator",
    "SimulatorServer",
    "SpeedGrouping",
    "Switches",
    "combine",
    "find",
    "serve",
]
