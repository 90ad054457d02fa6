"""`report`: spend, tokens, forecast and budgets from the ledger, as text."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from claude_cost_exporter.cli.options import ConfigFileOption, first_of

if TYPE_CHECKING:
    from datetime import date, datetime

    from claude_cost_exporter.ledger.reader import LedgerReader
    from claude_cost_exporter.report.model import Report
    from claude_cost_exporter.snapshot import Snapshot


class PeriodName(StrEnum):
    """What runs and is reported."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Form(StrEnum):
    """How a report is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def _dimensions(text: str) -> str:
    from claude_cost_exporter.report.build import DIMENSIONS

    wrong = [one for one in text.split(",") if one not in DIMENSIONS]
    if wrong:
        raise typer.BadParameter(f"{wrong[0]!r} is none of {', '.join(DIMENSIONS)}")
    return text


PeriodOption = Annotated[
    PeriodName, typer.Option("--period", help="The day, week or month that runs.")
]
ByOption = Annotated[
    str,
    typer.Option(
        "--by",
        metavar="NAMES",
        callback=_dimensions,
        help="One or more of model, workspace, api_key, token_type, joined by commas.",
    ),
]
MonthOption = Annotated[
    str | None,
    typer.Option(
        "--month", metavar="YYYY-MM", help="A whole month, also one that is over; not with others."
    ),
]
FormOption = Annotated[
    Form, typer.Option("--format", help="For people, for programs, for spreadsheets.")
]


class ReportForm(StrEnum):
    """How `report` is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    FOCUS = "focus"


ReportFormOption = Annotated[
    ReportForm,
    typer.Option(
        "--format",
        help="For people, for programs, for spreadsheets, or for FinOps tools (FOCUS 1.2, CSV).",
    ),
]


def command(
    period: PeriodOption = PeriodName.MONTH,
    month: MonthOption = None,
    by: ByOption = "model,workspace",
    form: ReportFormOption = ReportForm.TABLE,
    config_file: ConfigFileOption = None,
) -> None:
    """Print what was spent and used, by whom, and where it is heading.

    Spend is the best known: billed where the bill is in force, estimated
    elsewhere, exactly as in /metrics. It reads the ledger only, and works
    while the exporter runs. docs/report.md explains every field.

    FOCUS has a row for each UTC day, line of the bill, API key and price;
    its days are those of the period, and --by does not matter.

    A month that is over is reported without what is ahead. One that was
    not read as a whole has no spend, and says from when on it is known.

    Examples:
      claude-cost-exporter report --period=week --by=workspace,api_key
      claude-cost-exporter report --month=2026-10 --by=model --format=csv > spend.csv

    Exit codes: 0 printed, 1 no such ledger, 2 wrong command line or configuration.
    """
    from claude_cost_exporter.cli.reading import opened_ledger

    with opened_ledger(config_file, _month(month, period)) as (ledger, snapshot, now):
        if month:
            _refuse_future(first_of(month), now.astimezone(snapshot.time_zone).date())
        if form is ReportForm.FOCUS:
            _write_focus(ledger, snapshot, period, now)
            return
        report = _report(ledger, snapshot, period, by.split(","), now)
    if form is ReportForm.JSON:
        from claude_cost_exporter.report.as_json import as_json

        typer.echo(as_json(report))
    elif form is ReportForm.CSV:
        from claude_cost_exporter.report.as_csv import write_report

        write_report(report, sys.stdout)
    else:
        from claude_cost_exporter.cli.reading import console
        from claude_cost_exporter.report.as_table import print_report

        print_report(report, console())


def _month(month: str | None, period: PeriodName) -> date | None:
    if month is not None and period is not PeriodName.MONTH:
        raise typer.BadParameter(f"a month is no {period}", param_hint="--month")
    return None if month is None else first_of(month)


def _refuse_future(month: date, today: date) -> None:
    if month > today:
        raise typer.BadParameter(f"{month:%Y-%m} has not begun", param_hint="--month")


def _write_focus(ledger: LedgerReader, snapshot: Snapshot, period: str, now: datetime) -> None:
    """Write the UTC days of a period, of one that is not over the day that runs included."""
    from datetime import UTC

    from claude_cost_exporter.calendars import stretch
    from claude_cost_exporter.clock import DAY
    from claude_cost_exporter.pricing.book import PriceBook
    from claude_cost_exporter.report.build import window_of
    from claude_cost_exporter.report.focus import directory, write_focus
    from claude_cost_exporter.report.pieces import pieces

    book, read = PriceBook.packaged(), {one.account for one in snapshot.polled}
    window, today = window_of(snapshot, period, now), now.astimezone(UTC).date()
    first, last = window.first, window.end - DAY if snapshot.taken_at < now else today
    used = ledger.used(*stretch(first, last + DAY, UTC))
    compared = [one for one in ledger.comparisons(first, last) if one.account in read]
    known = directory(snapshot, lambda dimensions, day: book.rates("", dimensions, day))
    write_focus((piece for one in compared for piece in pieces(one, used)), known, sys.stdout)


def _report(
    ledger: LedgerReader, snapshot: Snapshot, period: str, by: list[str], now: datetime
) -> Report:
    from claude_cost_exporter.calendars import midnight
    from claude_cost_exporter.clock import HOUR
    from claude_cost_exporter.report.build import build, window_of

    window, at = window_of(snapshot, period, now), snapshot.taken_at
    until = at if at < now else now + HOUR
    used = ledger.used(midnight(window.first, snapshot.time_zone), until)
    return build(snapshot, used, period, by, now)
