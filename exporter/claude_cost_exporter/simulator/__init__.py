"""Simulator: a faithful fake of the Admin API (floor 2).

`Simulator.handle` answers requests in process, `serve` does it over a loopback socket, and
`Simulator.truth` says what is really true. An endpoint is one file in `endpoints/` and one row
of its `ROUTES`; all of them read the same `Traffic`.
"""

from claude_cost_exporter.simulator.api import Simulator
from claude_cost_exporter.simulator.scenarios import SCENARIOS, Scenario, combine, find
from claude_cost_exporter.simulator.server import SimulatorServer, serve
from claude_cost_exporter.simulator.switches import (
    BucketStart,
    OpenBucket,
    SpeedGrouping,
    Switches,
)
from claude_cost_exporter.simulator.wire import Delivery, Request, Response

__all__ = [
    "SCENARIOS",
    "BucketStart",
    "Delivery",
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
