"""The months to come for people (floor 4)."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from claude_cost_exporter.report.figures import figures, fit
from claude_cost_exporter.report.words import NOTHING, about, between, first_guess, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table

    from claude_cost_exporter.report.ahead import Month, Projection


def print_projection(found: Projection, console: Console) -> None:
    """Print a table of all accounts together, and one of each when there are several.

    An account without usage has fixed fees only, which all accounts together tell.
    """
    whose = attrgetter("provider", "account")
    whole, *each = [list(rows) for _, rows in groupby(found.months, whose)]
    for months in (whole, *filter(_has_usage, each)) if len(each) > 1 else each:
        console.print(fit(_months(months), console.width), highlight=False)
        days = months[0].history_days
        if days is not None and (guess := first_guess(days)):
            console.print(guess.capitalize() + ".", style="yellow", highlight=False)
        console.print()
    sentence = (
        f"If nothing changes. Months are months in {found.time_zone}. Of a sum the range is the "
        "sum of the ranges: it will rarely be that far off."
    )
    console.print(sentence, style="dim", highlight=False)


def _has_usage(months: Sequence[Month]) -> bool:
    return any(one.metered_p90_usd != 0 for one in months)


def _months(months: Sequence[Month]) -> Table:
    title = printable(months[0].account) or "All accounts"
    table = figures(title, "Metered", "8 times in 10", "Fixed fees", "Together")
    for one in months:
        table.add_row(
            f"{one.month:%Y-%m}",
            about(one.metered_p50_usd),
            between(one.metered_p10_usd, one.metered_p90_usd) or NOTHING,
            about(one.fixed_fees_usd),
            about(one.p50_usd),
        )
    known = [one.p50_usd for one in months if one.p50_usd is not None]
    if len(known) == len(months) > 1:
        low, metered, high = (
            sum(getattr(one, f"metered_{estimate}_usd") or 0.0 for one in months)
            for estimate in ("p10", "p50", "p90")
        )
        fees = sum(one.fixed_fees_usd for one in months)
        table.add_section()
        table.add_row(
            f"{len(months)} months",
            about(metered),
            between(low, high),
            about(fees),
            about(sum(known)),
            style="bold",
        )
    return table
