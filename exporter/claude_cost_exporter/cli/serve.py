"""`serve`: poll, keep the ledger, answer scrapes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from claude_cost_exporter.errors import ConfigError

if TYPE_CHECKING:
    from claude_cost_exporter.cli.wiring import Exporter

RENDER_SECONDS = 15
JOIN_SECONDS = 1.0
USAGE_EXIT = 2

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config.file", help="YAML configuration. Without it ANTHROPIC_ADMIN_KEY is used."
    ),
]
ListenAddress = Annotated[
    list[str], typer.Option("--web.listen-address", help="HOST:PORT or :PORT; may be repeated.")
]
LogLevel = Annotated[str, typer.Option("--log.level", help="debug, info, warn or error.")]
LogFormat = Annotated[str, typer.Option("--log.format", help="logfmt or json.")]


def command(
    config_file: ConfigFile = None,
    listen_address: ListenAddress = [":9853"],  # noqa: B006 - typer's way to write a default
    log_level: LogLevel = "info",
    log_format: LogFormat = "logfmt",
) -> None:
    """Run the exporter until SIGTERM or Ctrl-C.

    Exit codes: 0 stopped on request, 1 could not run, 2 wrong command line or configuration.
    """
    from threading import Event

    from claude_cost_exporter.cli.logs import LEVELS, configure
    from claude_cost_exporter.cli.wiring import Exporter, load_config
    from claude_cost_exporter.clock import SystemClock

    if log_level not in LEVELS or log_format not in ("logfmt", "json"):
        raise typer.BadParameter(f"--log.level={log_level} --log.format={log_format}")
    configure(log_level, log_format)
    try:
        loaded = load_config(config_file)
    except ConfigError as error:
        sys.stderr.write("".join(f"config: {problem}\n" for problem in error.problems))
        raise typer.Exit(USAGE_EXIT) from None
    run(Exporter(loaded, clock=SystemClock(), stop=Event()), listen_address)


def run(exporter: Exporter, addresses: list[str]) -> None:
    """Serve until a signal comes; every thread ends within seconds."""
    import signal
    from threading import Thread

    import structlog

    from claude_cost_exporter.web.app import create_app
    from claude_cost_exporter.web.server import address_of, listen, serve

    exporter.identify()
    stop = exporter.stop
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    listeners = listen(addresses)
    exporter.publisher.publish()
    threads = [
        Thread(target=poller.run, args=(stop,), name=f"poll-{poller.account}", daemon=True)
        for poller in exporter.pollers
    ]
    threads.append(Thread(target=_keep_rendering, args=(exporter,), name="render", daemon=True))
    for thread in threads:
        thread.start()
    for listener in listeners:
        structlog.get_logger().info("listening", url=address_of(listener))
    serve(create_app(lambda: exporter.publisher.current), listeners, stop)
    for thread in threads:
        thread.join(JOIN_SECONDS)
    exporter.close()


def _keep_rendering(exporter: Exporter) -> None:
    """Render even when nothing is polled: holds end, midnights pass, ages grow."""
    while not exporter.clock.wait(RENDER_SECONDS, exporter.stop):
        exporter.publisher.publish()
