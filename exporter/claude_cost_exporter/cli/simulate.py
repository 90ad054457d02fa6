"""`simulate`: the simulated Admin API on its own."""

from __future__ import annotations

from typing import Annotated

import typer


def command(
    listen: Annotated[str, typer.Option(help="Loopback HOST:PORT; port 0 takes a free one.")] = (
        "127.0.0.1:9854"
    ),
    scenario: Annotated[str, typer.Option(help="What happens; an unknown name lists them.")] = (
        "steady"
    ),
    seed: Annotated[int, typer.Option(help="The same seed is the same usage.")] = 1,
    days: Annotated[int, typer.Option(help="Days of history before now.", min=0)] = 90,
) -> None:
    """Serve a simulated Admin API until SIGTERM or Ctrl-C."""
    import signal
    from threading import Event

    from claude_cost_exporter.simulator.server import serve

    simulator = build(scenario, seed, days)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    host, _, port = listen.rpartition(":")
    with serve(simulator, host, int(port)) as url:
        about = simulator.truth.scenario.about
        typer.echo(f"SIMULATED Admin API on {url}: {about}. Any key that begins with sk-ant-admin")
        stop.wait()


def build(scenario: str, seed: int, days: int):  # type: ignore[no-untyped-def] # noqa: ANN201 - imported late
    """Return a simulator that starts now."""
    from datetime import timedelta

    from claude_cost_exporter.clock import SystemClock
    from claude_cost_exporter.errors import ExporterError
    from claude_cost_exporter.simulator.api import Simulator
    from claude_cost_exporter.simulator.scenarios import scenarios

    known = scenarios()
    if scenario not in known:
        lines = "".join(f"\n  {one.name}: {one.about}" for one in known.values())
        raise ExporterError(f"--scenario={scenario} is not known; known:{lines}")
    history = timedelta(days=days)
    return Simulator(known[scenario], clock=SystemClock(), seed=seed, history=history)
