"""The command line: one file per command (floor 6).

Command files import typer and the standard library only; what a command needs is imported when
it runs, so that `--help` stays quick.
"""

from __future__ import annotations

import sys
from importlib import import_module

import typer

from claude_cost_exporter.errors import ExporterError

COMMANDS: tuple[str, ...] = ("serve", "demo", "check_config", "price", "reprice", "simulate")
"""Names of the modules in this package; each has a function `command`."""

EXIT_OK = 0
EXIT_ERROR = 1
"""The command ran and failed: a refused key, a locked ledger, a bad input file."""
EXIT_USAGE = 2
"""The command line or the configuration is wrong; nothing was started."""

app = typer.Typer(
    name="claude-cost-exporter",
    help="Prometheus exporter for what Claude costs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _name in COMMANDS:
    app.command(name=_name.replace("_", "-"))(import_module(f"{__name__}.{_name}").command)


def main() -> None:
    """Run the command line; errors of ours end in one sentence and exit code 1."""
    try:
        app()
    except ExporterError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(EXIT_ERROR)
