"""The form that tables of figures have (floor 4)."""

from __future__ import annotations

from rich.table import Table


def figures(first: str, *others: str) -> Table:
    """Return a table of figures; where it is narrow, only the names in front are folded."""
    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    table.add_column(first, overflow="fold", min_width=16)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table
