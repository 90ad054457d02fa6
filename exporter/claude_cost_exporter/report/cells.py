"""Cells of spreadsheets (floor 4)."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from claude_cost_exporter.records import NANO
from claude_cost_exporter.report.words import printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

FORMULA = ("=", "+", "-", "@")
"""What makes a spreadsheet compute a text instead of showing it."""
DECIMALS = 9


def write_csv(out: TextIO, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a spreadsheet; a text that looks like a formula is made a text by a quote."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([cell(value) for value in row] for row in rows)


def cell(value: object) -> str:
    """Return a value as a spreadsheet shall read it.

    >>> cell("=1+1"), cell(exact_usd(-1)), cell(None)
    ("'=1+1", '-0.000000001', '')
    """
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, str):
        text = printable(value)
        return f"'{text}" if text.startswith(FORMULA) else text
    return str(value)


def exact_usd(nano: int | None) -> Decimal | None:
    """Return nano-USD in USD."""
    return None if nano is None else Decimal(nano).scaleb(-DECIMALS)


def usd(amount: float | None) -> Decimal | None:
    """Return an amount of a view in USD, exact again."""
    return None if amount is None else exact_usd(round(amount * NANO))


def ratio(value: float | None) -> Decimal | None:
    """Return a ratio with six decimals."""
    return None if value is None else Decimal(f"{value:.6f}")
