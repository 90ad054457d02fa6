"""The command line: one file per command (floor 6).

Command files import typer and the standard library only; what a command needs is imported when
it runs, so that `--help` stays quick.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from claude_cost_exporter import __version__
from claude_cost_exporter.cli.options import Exit
from claude_cost_exporter.errors import ConfigError, ExporterError

COMMANDS: tuple[str, ...] = (
    "serve",
    "demo",
    "probe",
    "check_config",
    "report",
    "forecast",
    "status",
    "reconcile",
    "price",
    "reprice",
    "backfill",
    "simulate",
)
"""Names of the modules in this package; each has a function `command`."""


def _without_types(params: list[Any]) -> list[Any]:
    """Take `<bool>` from the help of flags: they have no value."""
    for param in params:
        if getattr(param, "is_flag", False):
            param.metavar = ""
    return params


class _Command(TyperCommand):
    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - typer's own class
        return _without_types(super().get_params(ctx))


class _Group(TyperGroup):
    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - typer's own class
        return _without_types(super().get_params(ctx))


app = typer.Typer(
    name="claude-cost-exporter",
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _name in COMMANDS:
    _command = import_module(f"{__name__}.{_name}").command
    app.command(name=_name.replace("_", "-"), cls=_Command)(_command)


def _print_version(asked: bool) -> None:  # noqa: FBT001 - typer's way
    if asked:
        typer.echo(f"claude-cost-exporter {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    *,
    _: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Prometheus exporter for what Claude costs.

    Try `claude-cost-exporter demo`: it needs no key. With an Admin API key in
    ANTHROPIC_ADMIN_KEY or in a configuration, `probe` says what the key may read
    and `serve` exports it.

    Exit codes: 0 done or stopped on request, 1 could not, 2 wrong command line or configuration.
    """


def main() -> None:
    """Run the command line; errors of ours end in sentences and their exit code."""
    try:
        app()
    except ConfigError as error:
        sys.stderr.write("".join(f"config: {problem}\n" for problem in error.problems))
        sys.exit(Exit.USAGE)
    except ExporterError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(Exit.FAILED)
