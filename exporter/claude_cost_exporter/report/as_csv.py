"""Reports for spreadsheets (floor 4)."""

from __future__ import annotations

from dataclasses import astuple, fields
from typing import TYPE_CHECKING

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.report.ahead import Month
from claude_cost_exporter.report.cells import ratio, usd, write_csv

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from claude_cost_exporter.report.ahead import Projection
    from claude_cost_exporter.report.model import Report

COLUMNS = (
    "period", "first_day", "last_day", "by", "provider", "account", "id", "name", "spend_usd",
    "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_5m_tokens",
    "cache_write_1h_tokens", "tokens", "cache_hit_ratio",
)  # fmt: skip


def write_report(report: Report, out: TextIO) -> None:
    """Write the members of everything that the report is cut by, a row each."""
    write_csv(out, COLUMNS, _rows(report))


def _rows(report: Report) -> Iterator[tuple[object, ...]]:
    period = report.period
    for kind, members in report.by.items():
        for one in members:
            *tokens, hits = astuple(one.tokens)
            yield (
                period.name,
                period.first,
                period.end - DAY,
                kind,
                one.provider,
                one.account,
                one.id,
                one.name,
                usd(one.spend_usd),
                *tokens,
                ratio(hits),
            )


def write_projection(found: Projection, out: TextIO) -> None:
    """Write the months of all accounts together, then of every account, a row each."""
    columns = [one.name for one in fields(Month)]
    write_csv(out, columns, map(_amounts, found.months))


def _amounts(one: Month) -> tuple[object, ...]:
    provider, account, month, *amounts, history_days = astuple(one)
    return (provider, account, month, *map(usd, amounts), history_days)
