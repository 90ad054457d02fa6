"""The form that tables of figures have (floor 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.table import Column

NAMES = 16
"""What the names in front have at least, where there is room for it."""
GAP = 2
EXPENDABLE = ("Cache hits", "Tokens", "", "Share", "Fixed", "Fixed fees", "Limit")
"""Columns that a narrow terminal can do without, the first one first; then the last ones."""


def figures(first: str, *others: str) -> Table:
    """Return a table of figures; where it is narrow, only the names in front are folded."""
    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    table.add_column(first, overflow="fold", min_width=NAMES)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def fit(table: Table, width: int) -> Table:
    """Leave out columns until every figure that is shown is shown as a whole."""
    names, *others = table.columns
    while len(others) > 1 and NAMES + _width(others) > width:
        headers = [one.header for one in others]
        drop = next((name for name in EXPENDABLE if name in headers), headers[-1])
        others.pop(headers.index(drop))
    return _of([names, *others], table, width - _width(others))


def _of(columns: list[Column], table: Table, left: int) -> Table:
    """Return some of a table's columns, with what is left for names."""
    fitting = figures(*(str(one.header) for one in columns))
    fitting.columns[0].min_width = max(1, min(NAMES, left))
    for column, one in zip(fitting.columns, columns, strict=True):
        column.justify = one.justify
    for row, cells in zip(
        table.rows, zip(*(one.cells for one in columns), strict=True), strict=True
    ):
        fitting.add_row(*cells, style=row.style, end_section=row.end_section)
    return fitting


def _width(columns: list[Column]) -> int:
    """Return what columns of figures need, the gaps in front of them included."""
    return sum(
        GAP + max(cell_len(_text(cell)) for cell in (one.header, *one.cells)) for one in columns
    )


def _text(cell: object) -> str:
    return cell.plain if isinstance(cell, Text) else str(cell)
