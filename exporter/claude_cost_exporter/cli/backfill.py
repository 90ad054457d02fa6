"""`backfill`: the ledger's past for Prometheus, so that graphs do not begin empty."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from claude_cost_exporter.cli.options import ConfigFileOption  # noqa: TC001 - typer reads it

LONGEST_STEP = 300
"""Prometheus shows a sample for five minutes."""


def _seconds(given: str) -> int:
    from claude_cost_exporter.config.durations import parse_duration

    try:
        step = int(parse_duration(given).total_seconds())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--step") from None
    if not 0 < step <= LONGEST_STEP or 3600 % step:
        raise typer.BadParameter(
            f"{given!r} is not a part of an hour that Prometheus looks back, which are 5m or less",
            param_hint="--step",
        )
    return step


OutputOption = Annotated[
    Path, typer.Option("--output", metavar="FILE", help="Where to write OpenMetrics text.")
]
JobOption = Annotated[str, typer.Option("--job", help="The label job of the scraped series.")]
InstanceOption = Annotated[
    str, typer.Option("--instance", help="The label instance of the scraped series.")
]
StepOption = Annotated[
    str,
    typer.Option("--step", metavar="DURATION", help="Time between samples."),
]


def command(
    output: OutputOption,
    job: JobOption = "claude-cost-exporter",
    instance: InstanceOption = "localhost:9853",
    step: StepOption = "5m",
    config_file: ConfigFileOption = None,
) -> None:
    """Write the ledger's past as OpenMetrics with timestamps, for Prometheus.

    Exit codes: 0 written, 1 not written, 2 wrong command line or configuration.
    """
    from claude_cost_exporter.backfill.spool import Target
    from claude_cost_exporter.cli.backfilling import write_history
    from claude_cost_exporter.cli.logs import configure
    from claude_cost_exporter.cli.wiring import load_config

    configure("warn", "logfmt")
    loaded = load_config(config_file, keys=False)
    write_history(loaded, output, Target(job, instance), _seconds(step))
