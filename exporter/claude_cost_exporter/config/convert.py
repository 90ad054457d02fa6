"""Plain data to a typed block, with every problem in it and not only the first (floor 1)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args, get_origin

import msgspec

from claude_cost_exporter.config.documents import shown
from claude_cost_exporter.config.durations import parse_duration
from claude_cost_exporter.config.problems import suggestion
from claude_cost_exporter.config.settings import (
    Setting,
    choices,
    is_block,
    item_block,
    name_of,
    settings,
)
from claude_cost_exporter.errors import ContradictionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from claude_cost_exporter.config.problems import Problem

S = TypeVar("S", bound=msgspec.Struct)

_ITEM = re.compile(r" - at `\$\[(\d+)\]`$")
_BOUND = re.compile(r"[<>]=? \S+$")


@dataclass(slots=True)
class Converted(Generic[S]):
    """A block as far as it could be read. It stands for the user's block only without problems."""

    path: str
    value: S | None = None
    problems: list[str] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    """Keys with a problem of their own; nothing more is said about these."""
    items: dict[str, Converted[Any]] = field(default_factory=dict)
    """The blocks in its lists by their path; their problems are not among those above."""

    def add(self, found: Iterable[Problem]) -> None:
        """Add what a check of the whole block found."""
        for keys, sentence in found:
            if self.failed.isdisjoint(keys):
                self.problems.append(f"{join(self.path, keys[0])}: {sentence}")


def convert(data: Any, kind: type[S], path: str) -> Converted[S]:  # noqa: ANN401 - any YAML
    """Convert key by key, so that one problem does not hide the next."""
    result: Converted[S] = Converted(path)
    if not isinstance(data, dict):
        result.problems.append(f"{path or 'config'}: expected a mapping, found {shown(data)}")
        return result
    known = settings(kind)
    instead = getattr(kind, "INSTEAD", {})
    result.problems += _unknown_keys(data, [setting.name for setting in known], instead, path)
    values: dict[str, Any] = {}
    for setting in known:
        where = join(path, setting.name)
        problems: list[str] = []
        if (items := _items(data.get(setting.name), setting, where)) is not None:
            result.items |= items
            value: Any = [item.value for item in items.values()]
        elif setting.name in data:
            value, problems = _value(data[setting.name], setting, where)
        else:
            value = _stand_in(setting)
            problems = [_missing(setting, where)] if setting.required else []
        if problems:
            result.failed.add(setting.name)
        result.problems += problems
        values[setting.attribute] = value
    result.value = _construct(kind, values, result)
    return result


def _items(value: Any, setting: Setting, path: str) -> dict[str, Converted[Any]] | None:  # noqa: ANN401
    """Return the typed blocks of a list by their paths, None when it is no such list."""
    kind = item_block(setting.kind)
    if kind is None or not isinstance(value, list):
        return None
    return {at: convert(one, kind, at) for n, one in enumerate(value) if (at := f"{path}[{n}]")}


def _construct(kind: type[S], values: dict[str, Any], result: Converted[S]) -> S | None:
    try:
        return kind(**values)
    except ContradictionError as error:
        result.problems += [
            f"{result.path}: {sentence}"
            for keys, sentence in error.found
            if result.failed.isdisjoint(keys)
        ]
        return None


def _unknown_keys(
    data: dict[Any, Any], known: list[str], instead: Mapping[str, str], path: str
) -> Iterator[str]:
    for key in data:
        if key not in known:
            hint = instead.get(key) or suggestion(str(key), known)
            yield f"{join(path, key)}: unknown key; {hint}"


def _missing(setting: Setting, where: str) -> str:
    return f"{where}: missing; write {setting.name}: {setting.example}, for example"


def _value(value: Any, setting: Setting, path: str) -> tuple[Any, list[str]]:  # noqa: ANN401
    """Return the value and no problem, or a stand-in for it and its problems."""
    kind = setting.kind
    if value is None and not setting.is_optional:
        problem = f"{path}: is empty; give a {name_of(kind)} or leave the key out"
        return _stand_in(setting), [problem]
    if is_block(kind):
        inner: Converted[Any] = convert(value, kind, path)
        return inner.value or _stand_in(setting), inner.problems
    try:
        return _leaf(value, setting), []
    except msgspec.ValidationError as error:
        return _stand_in(setting), [_mismatch(value, setting, path, str(error))]
    except ValueError as error:
        return _stand_in(setting), [f"{path}: {error}"]


def _leaf(value: Any, setting: Setting) -> Any:  # noqa: ANN401 - any setting
    if setting.kind is timedelta and value is not None:
        return parse_duration(str(value))
    if isinstance(value, list) and is_block((get_args(setting.kind) or (None,))[0]):
        return value  # who reads the blocks looks into them
    return msgspec.convert(value, setting.annotation)


def _stand_in(setting: Setting) -> Any:  # noqa: ANN401 - any setting
    """Return something of the right type, so that the rest of the block can be checked."""
    if not setting.required:
        return setting.default
    if words := choices(setting.kind):
        return words[0]
    return date.max if setting.kind is date else (get_origin(setting.kind) or setting.kind)()


def _mismatch(value: Any, setting: Setting, path: str, error: str) -> str:  # noqa: ANN401
    """Return what msgspec found, in a person's words."""
    kind = setting.kind
    if words := choices(kind):
        return f"{path}: {shown(value)} is not known; {suggestion(str(value), words)}"
    if (item := _ITEM.search(error)) and isinstance(value, list):
        path, kind, value = f"{path}[{item[1]}]", get_args(kind)[0], value[int(item[1])]
    bound = _BOUND.search(error)
    expected = f"{name_of(kind)} {bound[0]}" if bound else name_of(kind)
    hint = "; put it in quotes" if kind is str and isinstance(value, bool | int | float) else ""
    return f"{path}: expected {expected}, found {shown(value)}{hint}"


def join(path: str, name: object) -> str:
    """Return the YAML path of a key in a block."""
    return f"{path}.{name}" if path else str(name)
