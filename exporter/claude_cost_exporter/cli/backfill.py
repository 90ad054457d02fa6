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
    Path | None, typer.Option("--output", metavar="FILE", help="Where to write OpenMetrics text.")
]
JobOption = Annotated[str, typer.Option("--job", help="The label job of what is scraped.")]
InstanceOption = Annotated[
    str, typer.Option("--instance", help="The label instance of what is scraped.")
]
StepOption = Annotated[
    str, typer.Option("--step", metavar="DURATION", help="Time between samples, at most 5m.")
]
PromtoolOption = Annotated[
    Path | None,
    typer.Option("--promtool", metavar="FILE", help="Prometheus' own tool, to make blocks with."),
]
DataOption = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="FOLDER", help="Prometheus' data, to add the blocks to."),
]
PartialOption = Annotated[
    bool, typer.Option("--partial", help="Write what there is while history is being loaded.")
]

DaysOption = Annotated[
    int | None,
    typer.Option("--days", metavar="N", min=1, help="Whole days to write instead of all of them."),
]


def command(  # noqa: PLR0913, PLR0917 - one parameter for each option
    output: OutputOption = None,
    job: JobOption = "claude-cost-exporter",
    instance: InstanceOption = "localhost:9853",
    step: StepOption = "5m",
    days: DaysOption = None,
    promtool: PromtoolOption = None,
    data_dir: DataOption = None,
    config_file: ConfigFileOption = None,
    *,
    partial: PartialOption = False,
) -> None:
    """Write the time before the first scrape for Prometheus, with the live labels.

    Counters rise from 0 through every hour of the ledger, and end when the
    live ones begin at 0; increase() adds up both. An hour's amount is added
    in equal parts over its steps: the ledger knows hours, not minutes. Gauges
    (spend, burn rates, forecasts, budgets, anomaly bands, names) stand for an
    hour each, as they were when it began. What the ledger knows as it is now
    only has no past: bills, prices, caches, caps, health, Claude Code.

    --days=N writes the last N days before the one in which counting began, and
    makes everything quicker and smaller; gauges still follow from all days.

    With --promtool and --data-dir the text becomes blocks in Prometheus' data,
    best before its first start. It reads the ledger only, and works while the
    exporter runs.

    Example:
      claude-cost-exporter backfill --promtool=/usr/bin/promtool --data-dir=/var/lib/prometheus

    Exit codes: 0 written, 1 not written, 2 wrong command line or configuration.
    """
    from claude_cost_exporter.backfill.blocks import Blocks
    from claude_cost_exporter.backfill.spool import Target
    from claude_cost_exporter.cli.backfilling import Wanted, write_blocks, write_text
    from claude_cost_exporter.cli.logs import configure
    from claude_cost_exporter.cli.wiring import load_config

    configure("warn", "logfmt")
    wanted = Wanted(Target(job, instance), _seconds(step), partial, days)
    if (promtool is None) != (data_dir is None):
        raise typer.BadParameter("--promtool and --data-dir need each other")
    loaded = load_config(config_file, keys=False)
    blocks = Blocks(promtool, data_dir) if promtool and data_dir else None
    if output is not None:
        write_text(loaded, wanted, output, blocks)
    elif blocks is not None:
        write_blocks(loaded, wanted, blocks)
    else:
        raise typer.BadParameter("give --output, or --promtool and --data-dir")
