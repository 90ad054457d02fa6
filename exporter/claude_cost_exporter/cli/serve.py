"""`serve`: poll, keep the ledger, answer scrapes."""

from __future__ import annotations

import os
from threading import Event, Thread
from typing import TYPE_CHECKING, Annotated

import typer

from claude_cost_exporter.cli.options import (
    ConfigFileOption,
    ListenOption,
    LogFormat,
    LogFormatOption,
    LogLevel,
    LogLevelOption,
)
from claude_cost_exporter.cli.signals import stopped_by_signals

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from claude_cost_exporter.cli.wiring import Exporter
    from claude_cost_exporter.config.load import Loaded
    from claude_cost_exporter.ingest import AccountPoller

SimulatedOption = Annotated[
    bool,
    typer.Option(
        "--simulated",
        help="Say SIMULATED on the status page and in the metrics, as `demo` does. Every base_url "
        "must be on this machine.",
    ),
]

RENDER_SECONDS = 15
JOIN_SECONDS = 1.0


def command(
    config_file: ConfigFileOption = None,
    listen_address: ListenOption = [":9853"],  # noqa: B006 - typer's way to write a default
    log_level: LogLevelOption = LogLevel.INFO,
    log_format: LogFormatOption = LogFormat.LOGFMT,
    *,
    simulated: SimulatedOption = False,
) -> None:
    """Run the exporter until SIGTERM or Ctrl-C.

    It answers /metrics, /-/healthy, /-/ready, and a status page at /. The ledger
    remembers what was counted, so a restart loses nothing.

    Examples:
      ANTHROPIC_ADMIN_KEY=... claude-cost-exporter serve
      claude-cost-exporter serve --config.file=config.yml
      claude-cost-exporter serve --web.listen-address=127.0.0.1:9853

    Exit codes: 0 stopped on request, 1 could not run, 2 wrong command line or configuration.
    """
    from claude_cost_exporter.cli.logs import configure
    from claude_cost_exporter.cli.wiring import Exporter, load_config
    from claude_cost_exporter.clock import SystemClock
    from claude_cost_exporter.web.server import listen

    configure(log_level, log_format)
    loaded = load_config(config_file)
    if simulated:
        _refuse_real(loaded)
    listeners = listen(listen_address)
    exporter = Exporter(loaded, clock=SystemClock(), stop=Event(), simulated=simulated)
    _log_start(loaded, exporter)
    with stopped_by_signals(exporter.stop):
        run(exporter, listeners)


def _refuse_real(loaded: Loaded) -> None:
    """Refuse to call simulated what comes from elsewhere."""
    from claude_cost_exporter.errors import ConfigError

    elsewhere = [one for one in loaded.sources if not one.is_on_this_machine]
    if elsewhere:
        raise ConfigError([
            f"--simulated: account {one.account} is not, it is read from {one.base_url}"
            for one in elsewhere
        ])  # fmt: skip


def _log_start(loaded: Loaded, exporter: Exporter) -> None:
    import structlog

    from claude_cost_exporter import __version__
    from claude_cost_exporter.config.durations import format_duration

    log = structlog.get_logger()
    log.info(
        "starting claude-cost-exporter",
        version=__version__,
        accounts=",".join(block.account for block in loaded.sources),
        poll_interval=",".join(format_duration(block.poll_interval) for block in loaded.sources),
        ledger=exporter.ledger_url,
    )
    for block in loaded.sources:
        for warning in block.warnings(os.environ):
            log.warning(warning)


def run(exporter: Exporter, listeners: Sequence[socket.socket]) -> None:
    """Serve until `exporter.stop` is set; every thread ends within seconds."""
    import structlog

    from claude_cost_exporter.web.app import create_app
    from claude_cost_exporter.web.server import address_of, serve

    stop = exporter.stop
    exporter.publisher.publish()
    polling = _Polling(exporter)
    rendering = Thread(target=_keep_rendering, args=(exporter,), name="render", daemon=True)
    log = structlog.get_logger()
    for thread in (polling, rendering):
        thread.start()
    for listener in listeners:
        log.info("listening", url=address_of(listener))
    try:
        serve(create_app(lambda: exporter.publisher.current), listeners, stop)
    finally:
        stop.set()
        _join((polling, *polling.threads, rendering), exporter)
        exporter.close()
    if polling.failure is not None:
        raise polling.failure
    log.info("stopped")


class _Polling(Thread):
    """Starts one thread for each account, once it is known that no two are the same."""

    def __init__(self, exporter: Exporter) -> None:
        super().__init__(name="start", daemon=True)
        self.failure: Exception | None = None
        self.threads = [
            Thread(
                target=_poll,
                args=(poller, exporter.stop),
                name=f"poll-{poller.account}",
                daemon=True,
            )
            for poller in exporter.pollers
        ]
        self._exporter = exporter

    def run(self) -> None:
        """Start polling, or stop everything with a failure."""
        try:
            self._exporter.identify()
        except Exception as error:  # noqa: BLE001 - raised again where it ends the program
            self.failure = error
            self._exporter.stop.set()
            return
        for thread in self.threads:
            thread.start()


def _poll(poller: AccountPoller, stop: Event) -> None:
    """Poll an account; whatever its sources log has its name."""
    from structlog.contextvars import bound_contextvars

    with bound_contextvars(account=poller.account):
        poller.run(stop)


def _join(threads: Sequence[Thread], exporter: Exporter) -> None:
    """Wait a moment for all threads together; a request under way is given up."""
    deadline = exporter.clock.monotonic() + JOIN_SECONDS
    for thread in filter(Thread.is_alive, threads):
        thread.join(max(0.0, deadline - exporter.clock.monotonic()))


def _keep_rendering(exporter: Exporter) -> None:
    """Render even when nothing is polled: holds end, midnights pass, ages grow."""
    while not exporter.clock.wait(RENDER_SECONDS, exporter.stop):
        exporter.publisher.publish()
