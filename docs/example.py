"""The example configuration: every key once, under its meaning, as the model explains it."""

from __future__ import annotations

import textwrap
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import yaml

from claude_cost_exporter.cli.wiring import SOURCE_TYPES
from claude_cost_exporter.config.convert import join
from claude_cost_exporter.config.documents import read_yaml
from claude_cost_exporter.config.durations import format_duration
from claude_cost_exporter.config.model import Config
from claude_cost_exporter.config.settings import is_block, item_block, settings
from claude_cost_exporter.pricing.overrides import Override

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import msgspec

    from claude_cost_exporter.config.settings import Setting

HEAD = """\
# Every setting of claude-cost-exporter. What is commented out is not set unless you set it; all
# else, the accounts excepted, is as it would be without this file. Check your copy with
#   claude-cost-exporter check-config --config.file=config.yml"""
ITEMS: dict[str, list[type[msgspec.Struct]]] = {
    "sources": list(SOURCE_TYPES.values()),
    "prices.overrides": [Override],
}
"""What the items of those lists of blocks are that the model does not type itself."""
CHOSEN = {"admin_key_file"}
"""Set in the example, though it has no default: one of its kind is needed."""
WIDTH = 96


def items(setting: Setting, path: str) -> list[type[msgspec.Struct]]:
    """Return what the blocks in a list can be; nothing when it is no list of blocks."""
    typed = item_block(setting.kind)
    return [typed] if typed else ITEMS.get(path, [])


def example() -> Iterator[str]:
    """Yield the lines of the file."""
    yield from HEAD.splitlines()
    for lines in _keys(Config, "", ""):
        yield ""
        yield from lines


def _keys(
    block: type[msgspec.Struct], path: str, indent: str, *, set_all: bool = False
) -> Iterator[list[str]]:
    """Yield the lines of each key of a block."""
    for setting in settings(block):
        head = f"{indent}# "
        meaning = textwrap.wrap(setting.meaning, WIDTH, initial_indent=head, subsequent_indent=head)
        where = join(path, setting.name)
        if is_block(setting.kind):
            yield meaning + _block(setting, where, indent, set_all=set_all)
        elif items(setting, where):
            yield meaning + _list(setting, where, indent)
        else:
            yield meaning + _line(setting, indent, is_set=set_all or is_set(setting))


def is_set(setting: Setting) -> bool:
    """Tell whether the example sets a key."""
    return setting.required or setting.default not in (None, "") or setting.name in CHOSEN


def _line(setting: Setting, indent: str, *, is_set: bool) -> list[str]:
    has_default = not setting.required and setting.default not in (None, "")
    value = setting.default if has_default else setting.example
    line = f"{indent}{setting.name}: {written(value)}"
    return [line] if is_set else _commented([line], indent)


def _block(setting: Setting, path: str, indent: str, *, set_all: bool) -> list[str]:
    """Return a block; one without anything to set is commented out as a whole."""
    empty = not set_all and not any(map(is_set, settings(setting.kind)))
    keys = _keys(setting.kind, path, f"{indent}  ", set_all=set_all or empty)
    lines = [f"{indent}{setting.name}:", *(line for key in keys for line in key)]
    return _commented(lines, indent) if empty else lines


def _list(setting: Setting, path: str, indent: str) -> list[str]:
    """Return a list with an item of each kind; where none is needed they are commented out."""
    set_all = not setting.required
    kinds = items(setting, path)
    lines = [line for kind in kinds for line in _item(kind, path, indent, set_all=set_all)]
    if setting.required:
        return [f"{indent}{setting.name}:", *lines]
    return [f"{indent}{setting.name}: []", *_commented(lines, indent)]


def _item(kind: type[msgspec.Struct], path: str, indent: str, *, set_all: bool) -> Iterator[str]:
    (*meaning, first), *others = _keys(kind, path, f"{indent}    ", set_all=set_all)
    yield from (line.removeprefix("  ") for line in meaning)
    yield f"{indent}  - {first.lstrip()}"
    yield from (line for key in others for line in key)


def _commented(lines: Iterable[str], indent: str) -> list[str]:
    return [f"{indent}# {line.removeprefix(indent)}" for line in lines]


def written(value: object) -> str:
    """Return a value as one would write it in the file."""
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, str) and read_yaml(f"x: {value}").data == {"x": value}:
        return value  # the dumper puts days in quotes, which this program does not need
    dumped = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=1000)
    return dumped.removesuffix("\n").removesuffix("\n...")
