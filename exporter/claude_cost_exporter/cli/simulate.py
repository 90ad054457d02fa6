"""`simulate`: the fake Admin API on a loopback port, until it is told to stop."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claude_cost_exporter.simulator import Scenario, SimulatorServer, Switches

MOST_DAYS = 3_650


def command(
    listen: Annotated[
        str, typer.Option(help="Loopback HOST:PORT to listen on; port 0 picks a free one.")
    ] = "127.0.0.1:0",
    scenario: Annotated[
        str, typer.Option(help="Scenario, or several joined by commas; `list` shows them.")
    ] = "steady",
    seed: Annotated[int, typer.Option(help="The same seed gives the same usage.")] = 1,
    days: Annotated[int, typer.Option(help="Days of history before the start.")] = 90,
    switch: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE of a behaviour, for example open_hour=closed_only."),
    ] = None,
) -> None:
    """Serve a simulated Admin API on a loopback port. No key, no network, no real data."""
    from claude_cost_exporter.simulator import Simulator, serve

    host, port = _address(listen)
    if scenario == "list":
        _list_scenarios()
        return
    if not 0 <= days <= MOST_DAYS:
        message = f"{days} is not a number of days from 0 to {MOST_DAYS}"
        raise typer.BadParameter(message, param_hint="--days")
    chosen, switches = _scenario(scenario), _switches(switch or [])
    simulator = Simulator(chosen, seed=seed, switches=switches, history_days=days)
    try:
        server = serve(simulator, host, port)
    except OSError as error:
        message = f"cannot listen on {listen}: {error.strerror or error}"
        raise typer.BadParameter(message, param_hint="--listen") from None
    with server, _stop_signal() as stop:
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


def _list_scenarios() -> None:
    from claude_cost_exporter.simulator import SCENARIOS

    for scenario in SCENARIOS.values():
        typer.echo(f"{scenario.name:14} {scenario.summary}")


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


@contextmanager
def _stop_signal() -> Iterator[threading.Event]:
    """Yield an event that SIGTERM and Ctrl-C set; ready before anybody is told of the server."""
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
