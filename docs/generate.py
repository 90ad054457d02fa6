"""Writes the generated parts of the documentation; `make docs` runs it, a test compares.

A generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from claude_cost_exporter.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "docs/metrics.md")
PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def metrics() -> Iterator[str]:
    """Yield the table of every metric family."""
    yield "| metric | type | labels | meaning |"
    yield "| --- | --- | --- | --- |"
    for metric in CATALOGUE:
        labels = ", ".join(f"`{label}`" for label in metric.labels) or "none"
        yield f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} |"


PARTS: dict[str, Callable[[], Iterator[str]]] = {"metrics": metrics}


def generated(page: str) -> str:
    """Return a page's text with every generated part made anew."""

    def fill(match: re.Match[str]) -> str:
        return match[1] + "\n".join(PARTS[match[2]]()) + "\n" + match[3]

    return PART.sub(fill, (ROOT / page).read_text(encoding="utf-8"))


def main() -> None:
    """Write every page."""
    for page in PAGES:
        (ROOT / page).write_text(generated(page), encoding="utf-8")


if __name__ == "__main__":
    main()
