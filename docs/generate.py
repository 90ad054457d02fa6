"""Writes the generated parts of the documentation; `make docs` runs it, a test compares.

A generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`. The example
configuration is generated as a whole.
"""

from __future__ import annotations

import inspect
import re
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from claude_cost_exporter.catalogue import CATALOGUE
from claude_cost_exporter.cli import app
from claude_cost_exporter.config.convert import join
from claude_cost_exporter.config.model import Config
from claude_cost_exporter.config.settings import is_block, name_of, settings
from claude_cost_exporter.metrics.self_metrics import SELF_METRICS, SERIES_DROPPED
from docs.example import example, items, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import msgspec
    from typer.core import TyperOption

    from claude_cost_exporter.config.settings import Setting

ROOT = Path(__file__).parent.parent
EXAMPLE = "config.example.yml"
PAGES = ("README.md", "docs/metrics.md", "docs/configuration.md", "docs/command-line.md", EXAMPLE)
PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
CODES = re.compile(r"Exit codes: (.*?)\.$", re.DOTALL)


def table(*rows: tuple[str, ...]) -> Iterator[str]:
    """Yield a table; the first row is its head."""
    head, *others = rows
    for row in (head, tuple("---" for _ in head), *others):
        cells = (cell.replace("|", "\\|") for cell in row)
        yield f"| {' | '.join(cells)} |"


def metrics() -> Iterator[str]:
    """Yield the table of every metric family."""
    rows = [("metric", "type", "labels", "meaning")]
    for metric in CATALOGUE:
        labels = ", ".join(f"`{label}`" for label in metric.labels) or "none"
        rows.append((f"`{metric.name}`", metric.kind, labels, metric.help))
    yield from table(*rows)


def own_metrics() -> Iterator[str]:
    """Yield the table of what the exporter says about itself."""
    rows = [("metric", "type", "labels", "meaning")]
    for spec in (*SELF_METRICS, SERIES_DROPPED):
        labels = ", ".join(f"`{label}`" for label in spec.labels) or "none"
        kind = spec.kind.__name__.lower()
        rows.append((f"`{spec.full_name}`", kind, labels, spec.help))
    yield from table(*rows)


def configuration() -> Iterator[str]:
    """Yield a table for each block of the configuration."""
    for path, block in blocks(Config):
        yield f"\n### {f'`{path}`' if path else 'The file'}\n"
        yield f"{inspect.getdoc(block)}\n"
        rows = [("key", "type", "default", "example", "meaning")]
        for one in settings(block):
            shown = "" if one.example is None else f"`{written(one.example)}`"
            rows.append((f"`{one.name}`", name_of(one.kind), default(one), shown, one.meaning))
        yield from table(*rows)
    yield ""


def blocks(block: type[msgspec.Struct], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every block of the configuration with its path, the outermost first."""
    yield path, block
    for setting in settings(block):
        where = join(path, setting.name)
        if is_block(setting.kind):
            yield from blocks(setting.kind, where)
        for item in items(setting, where):
            yield from blocks(item, f"{where}[]")


def default(setting: Setting) -> str:
    """Return the default as the tables show it."""
    if setting.required:
        return "required"
    if is_block(setting.kind):
        return "see below"
    if setting.default in (None, ""):
        return "not set"
    return f"`{written(setting.default)}`"


def commands() -> Iterator[str]:
    """Yield a table of the commands and what their exit codes say."""
    rows = [("command", "what it does", "exit codes")]
    for name, command in _commands().items():
        summary, _, more = command.help.partition("\n")
        codes = re.sub(r"(^|, )(\d) ", r"\1**\2** ", " ".join(CODES.search(more)[1].split()))
        rows.append((f"[`{name}`](#{name})", summary, codes))
    yield from table(*rows)


def options() -> Iterator[str]:
    """Yield the help of each command and a table of its options."""
    for name, command in _commands().items():
        yield f"\n## `{name}`\n\n```text\n{CODES.sub('', command.help).rstrip()}\n```\n"
        rows = [("option", "default", "meaning")]
        for option in command.params:
            word = f"={_metavar(option)}" if _metavar(option) else ""
            rows.append((f"`{option.opts[0]}{word}`", _default(option), option.help))
        yield from table(*rows)
    yield ""


def _commands() -> dict[str, Any]:
    return typer.main.get_command(app).commands


def _metavar(option: TyperOption) -> str:
    if isinstance(option.default, Enum):
        return "|".join(type(option.default))
    return option.metavar or ""


def _default(option: TyperOption) -> str:
    if option.required:
        return "required"
    value = option.default
    shown = value.value if isinstance(value, Enum) else value
    shown = ", ".join(shown) if isinstance(shown, list) else shown
    return "" if shown in (None, False, "") else f"`{shown}`"


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "metrics": metrics,
    "own_metrics": own_metrics,
    "configuration": configuration,
    "commands": commands,
    "options": options,
}


def generated(page: str) -> str:
    """Return a page's text with every generated part made anew."""
    if page == EXAMPLE:
        return "\n".join(example()) + "\n"

    def fill(match: re.Match[str]) -> str:
        return match[1] + "\n".join(PARTS[match[2]]()) + "\n" + match[3]

    return PART.sub(fill, (ROOT / page).read_text(encoding="utf-8"))


def main() -> None:
    """Write every page."""
    for page in PAGES:
        (ROOT / page).write_text(generated(page), encoding="utf-8")


if __name__ == "__main__":
    main()
