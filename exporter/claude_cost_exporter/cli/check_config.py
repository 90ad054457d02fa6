"""`check-config`: every problem of a configuration at once."""

from __future__ import annotations

import typer

from claude_cost_exporter.cli.serve import USAGE_EXIT, ConfigFile
from claude_cost_exporter.errors import ConfigError


def command(config_file: ConfigFile = None) -> None:
    """Check a configuration; print every problem with its place. Exit code 2 when there are any."""
    from claude_cost_exporter.cli.wiring import load_config

    try:
        loaded = load_config(config_file)
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(problem)
        raise typer.Exit(USAGE_EXIT) from None
    accounts = ", ".join(source.account for source in loaded.sources)
    typer.echo(
        f"ok: {len(loaded.sources)} account(s): {accounts}; time zone {loaded.config.time_zone}"
    )
