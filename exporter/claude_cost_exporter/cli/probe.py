"""`probe`: what the key may and may not read, and this month's totals."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from claude_cost_exporter.cli.options import ConfigFileOption, Exit

if TYPE_CHECKING:
    from collections.abc import Sequence


class Form(StrEnum):
    """How the report is written."""

    TABLE = "table"
    JSON = "json"


def command(
    config_file: ConfigFileOption = None,
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this account of the configuration.")
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="For people or for programs.")] = (
        Form.TABLE
    ),
    *,
    names: Annotated[
        bool, typer.Option("--names", help="Show the names and ids that the answers hold.")
    ] = False,
) -> None:
    """Ask the provider what the key may read, once, without touching the ledger.

    It reports shapes only: counts, fields, refusals. At the end stand the tokens
    and the estimated cost of this UTC month so far: compare these with the Console.

    Exit codes: 0 what is needed is readable, 1 it is not, 2 wrong command line or configuration.
    """
    from rich.console import Console

    from claude_cost_exporter.cli.logs import configure
    from claude_cost_exporter.cli.probe_report import as_json, examine, print_text
    from claude_cost_exporter.cli.wiring import load_config, opened_probe
    from claude_cost_exporter.clock import SystemClock
    from claude_cost_exporter.pricing.book import PriceBook

    configure("error", "logfmt")
    loaded = load_config(config_file)
    book = PriceBook.packaged().with_overrides(loaded.overrides)
    reports = []
    with Console(stderr=True).status("asking ...") as status:
        for block in _chosen(loaded.sources, account):
            with opened_probe(block) as probe:
                report = examine(block.account, probe, book, SystemClock(), status.update)
            reports.append(report)
    if form is Form.JSON:
        typer.echo(as_json(reports, names=names))
    else:
        print_text(reports, Console(), names=names)
    if any(report.missed for report in reports):
        raise typer.Exit(Exit.FAILED)


def _chosen(blocks: Sequence[Any], account: str | None) -> list[Any]:
    chosen = [block for block in blocks if account in (None, block.account)]
    if not chosen:
        known = ", ".join(block.account for block in blocks)
        raise typer.BadParameter(
            f"{account!r} is no account of the configuration; known: {known}",
            param_hint="--account",
        )
    return chosen
