"""`demo`: the exporter against a simulated organisation, without any key."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from claude_cost_exporter.cli.options import (
    ListenOption,
    LogLevel,
    LogLevelOption,
    SeedOption,
    list_scenarios,
)
from claude_cost_exporter.cli.serve import run
from claude_cost_exporter.cli.signals import stopped_by_signals
from claude_cost_exporter.errors import ExporterError

if TYPE_CHECKING:
    import socket

    from claude_cost_exporter.simulator import Simulator

DOCUMENT = """
sources:
  - {{type: anthropic, account: demo, admin_key_env: DEMO_KEY, base_url: "{url}",
     poll_interval: 5s}}
ledger: {{url: "sqlite:///{folder}/ledger.db"}}
scrape_interval: 5s
new_series_hold: 15s
budgets:
  - {{name: everything, amount_usd: 15000}}
  - {{name: research, amount_usd: 2000, scope_type: workspace, scope: Research}}
  - {{name: daily, amount_usd: 600, period: day}}
"""


def command(
    listen_address: ListenOption = ["127.0.0.1:9853"],  # noqa: B006 - typer's way
    scenario: Annotated[
        str, typer.Option(metavar="NAME", help="What happens, joined by commas; `list` shows all.")
    ] = "steady",
    seed: SeedOption = 1,
    log_level: LogLevelOption = LogLevel.WARN,
) -> None:
    """Run the exporter on SIMULATED data. No key is needed, nothing is kept.

    It starts a fake Admin API on this machine and polls it every 5 seconds. The
    metrics carry account="demo". When a port is taken, it takes another one.

    Exit codes: 0 stopped by SIGTERM or Ctrl-C, 1 could not run, 2 wrong command line.
    """
    import tempfile
    from threading import Event

    from claude_cost_exporter.cli.logs import configure
    from claude_cost_exporter.cli.wiring import SOURCE_TYPES, Exporter
    from claude_cost_exporter.clock import SystemClock
    from claude_cost_exporter.config.load import load
    from claude_cost_exporter.pricing.overrides import Override
    from claude_cost_exporter.simulator import serve

    configure(log_level, "logfmt")
    if scenario == "list":
        list_scenarios()
        return
    simulator = _simulator(scenario, seed)
    listeners = [_listener(address) for address in listen_address]
    stop = Event()
    with (
        stopped_by_signals(stop),
        tempfile.TemporaryDirectory() as folder,
        serve(simulator) as server,
    ):
        loaded = load(DOCUMENT.format(url=server.url, folder=folder), SOURCE_TYPES, Override)
        key = {"DEMO_KEY": "sk-ant-admin01-demo"}
        exporter = Exporter(loaded, clock=SystemClock(), stop=stop, environment=key, simulated=True)
        _announce(simulator, server.url, listeners)
        run(exporter, listeners)


def _simulator(scenario: str, seed: int) -> Simulator:
    from claude_cost_exporter.simulator import Simulator, find

    try:
        return Simulator(find(scenario), seed=seed)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--scenario") from None


def _listener(address: str) -> socket.socket:
    """Listen on an address, or on a free port beside it when that one is taken."""
    from claude_cost_exporter.web.server import address_of, listen

    try:
        (listener,) = listen([address])
    except ExporterError as error:
        (listener,) = listen([f"{address.rpartition(':')[0]}:0"])
        typer.echo(f"{str(error).partition(';')[0]}; taking {address_of(listener)} instead")
    return listener


def _announce(simulator: Simulator, api: str, listeners: list[socket.socket]) -> None:
    from claude_cost_exporter.web.server import address_of

    typer.echo(f"SIMULATED data, scenario {simulator.scenario.name}, seed {simulator.seed}")
    for listener in listeners:
        url = address_of(listener)
        typer.echo(f"  status page    {url}/")
        typer.echo(f"  metrics        {url}/metrics")
    typer.echo(f"  simulated API  {api}")
    typer.echo("Counters begin at 0; usage shows 2 to 5 minutes late, as with the real API.")
    typer.echo("Stop with Ctrl-C; nothing is kept.")
    sys.stdout.flush()
