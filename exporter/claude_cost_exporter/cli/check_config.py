"""`check-config`: every problem of a configuration at once."""

from __future__ import annotations

import os

import typer

from claude_cost_exporter.cli.options import ConfigFileOption, Exit
from claude_cost_exporter.errors import ConfigError


def command(config_file: ConfigFileOption = None) -> None:
    """Print every problem of a configuration, each with its YAML path.

    Keys are looked for, but not sent anywhere; an admin_key_command is not run.

    Exit codes: 0 no problem, 2 problems, which are printed on standard output.
    """
    from claude_cost_exporter.cli.logs import configure
    from claude_cost_exporter.cli.wiring import load_config

    configure("warn", "logfmt")
    try:
        loaded = load_config(config_file)
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(problem)
        raise typer.Exit(Exit.USAGE) from None
    for source in loaded.sources:
        for warning in source.warnings(os.environ):
            typer.echo(f"warning: {warning}", err=True)
    accounts = ", ".join(source.account for source in loaded.sources)
    typer.echo(f"ok: {len(loaded.sources)} account(s): {accounts}")
