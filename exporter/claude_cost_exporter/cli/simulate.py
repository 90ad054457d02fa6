"""`simulate`: the fake Admin API on a loopback port, until it is told to stop."""

from __future__ import annotations

import sys
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from claude_cost_exporter.cli.options import SeedOption, list_scenarios
from claude_cost_exporter.cli.signals import stopped_by_signals
from claude_cost_exporter.errors import ExporterError

if TYPE_CHECKING:
    from claude_cost_exporter.simulator import Scenario, SimulatorServer, Switches

MOST_DAYS = 3_650


LoopbackOption = Annotated[
    str,
    typer.Option(
        "--listen",
        metavar="HOST:PORT",
        help="Loopback address to listen on; port 0 picks a free one.",
    ),
]
ScenarioOption = Annotated[
    str,
    typer.Option(
        "--scenario",
        metavar="NAME",
        help="Scenario, or several joined by commas; `list` shows them.",
    ),
]
DaysOption = Annotated[
    int, typer.Option("--days", metavar="NUMBER", help="Days of history before the start.")
]
SwitchOption = Annotated[
    list[str] | None,
    typer.Option(
        "--switch",
        metavar="NAME=VALUE",
        help="A behaviour of the API, such as open_hour=closed_only; `list` shows all. May be "
        "repeated.",
    ),
]


def command(
    listen: LoopbackOption = "127.0.0.1:0",
    scenario: ScenarioOption = "steady",
    seed: SeedOption = 1,
    days: DaysOption = 90,
    switch: SwitchOption = None,
) -> None:
    """Serve a simulated Admin API on a loopback port. No key, no network, no real data.

    The first line that it prints is the URL: a base_url for an exporter.

    Exit codes: 0 stopped by SIGTERM or Ctrl-C, 1 could not listen, 2 wrong command line.
    """
    from claude_cost_exporter.cli.logs import configure
    from claude_cost_exporter.simulator import Simulator, serve

    configure("warn", "logfmt")
    host, port = _address(listen)
    if scenario == "list":
        list_scenarios()
        return
    if switch == ["list"]:
        _list_switches()
        return
    if not 0 <= days <= MOST_DAYS:
        message = f"{days} is not a number of days from 0 to {MOST_DAYS}"
        raise typer.BadParameter(message, param_hint="--days")
    chosen, switches = _scenario(scenario), _switches(switch or [])
    simulator = Simulator(chosen, seed=seed, switches=switches, history_days=days)
    try:
        server = serve(simulator, host, port)
    except OSError as error:
        sentence = f"cannot listen on {listen}: {error.strerror or error}"
        raise ExporterError(sentence) from None
    stop = Event()
    with stopped_by_signals(stop), server:
        _announce(server, chosen, seed, days)
        stop.wait()


def _address(listen: str) -> tuple[str, int]:
    """Return host and port of `--listen`; only loopback ones pass."""
    from claude_cost_exporter.simulator.server import is_loopback

    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not (port.isascii() and port.isdigit() and int(port) < 1 << 16):
        message = f"{listen!r} is not HOST:PORT with a port from 0 to 65535"
        raise typer.BadParameter(message, param_hint="--listen")
    if not is_loopback(host):
        message = f"{host!r} is not a loopback address; the simulator serves this machine only"
        raise typer.BadParameter(message, param_hint="--listen")
    return host, int(port)


def _scenario(names: str) -> Scenario:
    from claude_cost_exporter.simulator import find

    try:
        return find(names)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--scenario") from None


def _switches(assignments: list[str]) -> Switches:
    from claude_cost_exporter.simulator.switches import (
        Switches,
        with_switch,
    )

    switches = Switches()
    for assignment in assignments:
        try:
            switches = with_switch(switches, assignment)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--switch") from None
    return switches


def _list_switches() -> None:
    from claude_cost_exporter.simulator.switches import known_switches

    for name, values, usual in known_switches():
        typer.echo(f"{name}={values}  (usual: {usual})")


def _announce(server: SimulatorServer, scenario: Scenario, seed: int, days: int) -> None:
    """Say where it listens and what it simulates; the first line is the bare URL."""
    organisation = scenario.organisation
    typer.echo(server.url)
    typer.echo(f"SIMULATED Admin API of {_printable(organisation.name)}, seed {seed}")
    typer.echo(f"scenario {scenario.name}: {scenario.summary}")
    typer.echo(
        f"{len(organisation.workspaces)} workspaces, {len(organisation.api_keys)} API keys, "
        f"{days} days of history; any key that starts with sk-ant-admin is accepted"
    )
    sys.stdout.flush()


def _printable(name: str) -> str:
    """Return a name that cannot play tricks on a terminal."""
    return "".join(c if c.isprintable() else "?" for c in name)[:80]
