"""Options that several commands share, and the exit codes of all of them."""

from __future__ import annotations

import re
from datetime import date, datetime
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Exit(IntEnum):
    """What the program's exit code says."""

    OK = 0
    """It did what was asked; for servers: it was stopped by SIGTERM or Ctrl-C."""
    FAILED = 1
    """It could not: a refused key, a taken port, a locked ledger, a bad input file."""
    USAGE = 2
    """The command line or the configuration is wrong; nothing was started."""


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"


class LogFormat(StrEnum):
    """How log lines are written."""

    LOGFMT = "logfmt"
    JSON = "json"


def _addresses(given: list[str]) -> list[str]:
    for address in given:
        port = re.fullmatch(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s\[\]:]*):([0-9]{1,5})", address)
        if port is None or int(port[1]) >= 1 << 16:
            raise typer.BadParameter(
                f"{address!r} is not HOST:PORT or :PORT with a port from 0 to 65535"
            )
    return given


ConfigFileOption = Annotated[
    Path | None,
    typer.Option(
        "--config.file",
        metavar="FILE",
        help="YAML configuration. Without it, the key in ANTHROPIC_ADMIN_KEY is used.",
    ),
]
ListenOption = Annotated[
    list[str],
    typer.Option(
        "--web.listen-address",
        metavar="HOST:PORT",
        callback=_addresses,
        help="Where to answer; :PORT is every interface, port 0 a free one. May be repeated.",
    ),
]
LogLevelOption = Annotated[LogLevel, typer.Option("--log.level", help="Least level to log.")]
LogFormatOption = Annotated[LogFormat, typer.Option("--log.format", help="Form of log lines.")]


def first_of(month: str) -> date:
    """Return the first day of a month that was written as 2026-11."""
    try:
        return datetime.strptime(month, "%Y-%m").date()  # noqa: DTZ007 - a calendar month
    except ValueError:
        raise typer.BadParameter(
            f"{month!r} is not a month; write 2026-11", param_hint="--month"
        ) from None


def list_scenarios() -> None:
    """Print what the simulator can show."""
    from claude_cost_exporter.simulator import SCENARIOS

    for scenario in SCENARIOS.values():
        typer.echo(f"{scenario.name:14} {scenario.summary}")


SeedOption = Annotated[
    int, typer.Option("--seed", metavar="NUMBER", help="The same seed gives the same usage.")
]
