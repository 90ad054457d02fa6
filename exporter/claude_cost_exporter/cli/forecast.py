"""`forecast`: what the months to come will cost if nothing changes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from claude_cost_exporter.cli.options import ConfigFileOption  # noqa: TC001 - typer reads it
from claude_cost_exporter.cli.report import Form, FormOption

MonthsOption = Annotated[
    int,
    typer.Option(
        "--months", metavar="NUMBER", min=1, max=60, help="How many, the one that runs first."
    ),
]


def command(
    months: MonthsOption = 12,
    form: FormOption = Form.TABLE,
    config_file: ConfigFileOption = None,
) -> None:
    """Print what each of the next months will cost if nothing changes.

    It goes on at the level of the last weeks, weekday by weekday; eight
    times in ten a month costs between p10 and p90. Fixed fees stand apart.
    This month and the next one are the forecasts of /metrics. It reads the
    ledger only, and works while the exporter runs.

    Example:
      claude-cost-exporter forecast --months=12 --format=csv > forecast.csv

    Exit codes: 0 printed, 1 no such ledger, 2 wrong command line or configuration.
    """
    from claude_cost_exporter.cli.reading import console, opened_ledger
    from claude_cost_exporter.report.ahead import project

    with opened_ledger(config_file) as (_, snapshot, now):
        found = project(snapshot, months, now)
    if form is Form.JSON:
        from claude_cost_exporter.report.as_json import as_json

        typer.echo(as_json(found))
    elif form is Form.CSV:
        from claude_cost_exporter.report.as_csv import write_projection

        write_projection(found, sys.stdout)
    else:
        from claude_cost_exporter.report.months_table import print_projection

        print_projection(found, console())
