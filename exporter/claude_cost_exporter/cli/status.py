"""`status`: one line for a status bar, from a small file.

The program does this before it imports the command line, see `__main__`; here it is explained, and
what is wrong with its options is said.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from claude_cost_exporter.cli.options import ConfigFileOption  # noqa: TC001 - typer reads it


class BarForm(StrEnum):
    """What reads the line."""

    TEXT = "text"
    JSON = "json"
    WAYBAR = "waybar"
    XBAR = "xbar"


def command(
    form: Annotated[BarForm, typer.Option("--format", help="What reads it.")] = BarForm.TEXT,
    config_file: ConfigFileOption = None,
) -> None:
    """Print one line for a status bar: today, month, forecast, and the furthest budget.

    It reads a small file that `serve` writes once a minute, and says so when
    its figures are old or when there is none. Bars hide what fails: for
    waybar and xbar a missing file is a line, and exit code 0, too. The
    configuration is checked when there is none.

    Exit codes: 0 printed, 1 no exporter has written one, 2 wrong command line or configuration.
    """
    from claude_cost_exporter.cli.logs import configure
    from claude_cost_exporter.report.bar import show, written

    configure("warn", "logfmt")
    found = written(config_file)
    if config_file is not None and isinstance(found, str):
        from claude_cost_exporter.cli.wiring import load_config

        load_config(config_file, keys=False)
    raise typer.Exit(show(form, found))
