"""`demo`: the exporter against a simulated organisation, without any key."""

from __future__ import annotations

from typing import Annotated

import typer

from claude_cost_exporter.cli.serve import ListenAddress, run

DOCUMENT = """
sources:
  - {{type: anthropic, account: demo, admin_key_env: DEMO_KEY, base_url: "{url}",
     poll_interval: 5s}}
ledger: {{url: "sqlite:///{folder}/ledger.db"}}
scrape_interval: 5s
new_series_hold: 15s
"""


def command(
    listen_address: ListenAddress = ["127.0.0.1:9853"],  # noqa: B006 - typer's way
    scenario: Annotated[str, typer.Option(help="What happens in the simulation.")] = "steady",
    seed: Annotated[int, typer.Option(help="The same seed is the same usage.")] = 1,
) -> None:
    """Run the exporter on SIMULATED data; nothing is kept, no key is needed."""
    import tempfile
    from threading import Event

    from claude_cost_exporter.cli.logs import configure
    from claude_cost_exporter.cli.wiring import SOURCE_TYPES, Exporter
    from claude_cost_exporter.clock import SystemClock
    from claude_cost_exporter.config.load import load
    from claude_cost_exporter.errors import ExporterError
    from claude_cost_exporter.pricing.overrides import Override
    from claude_cost_exporter.simulator import Simulator, find, serve

    configure("info", "logfmt")
    try:
        simulator = Simulator(find(scenario), seed=seed)
    except ValueError as error:
        raise ExporterError(f"--scenario: {error}") from None
    with tempfile.TemporaryDirectory() as folder, serve(simulator) as server:
        loaded = load(DOCUMENT.format(url=server.url, folder=folder), SOURCE_TYPES, Override)
        key = {"DEMO_KEY": "sk-ant-admin01-demo"}
        exporter = Exporter(
            loaded, clock=SystemClock(), stop=Event(), environment=key, simulated=True
        )
        for address in listen_address:
            typer.echo(
                f"SIMULATED data. Status page http://{address}/ metrics http://{address}/metrics"
            )
        typer.echo("Stop with Ctrl-C.")
        run(exporter, listen_address)
