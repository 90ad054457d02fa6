"""YAML and environment to a checked configuration, or every problem at once (floor 1)."""

from __future__ import annotations

import difflib
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import yaml

from claude_cost_exporter.config.durations import parse_duration
from claude_cost_exporter.config.model import Config, LedgerConfig, PricesConfig
from claude_cost_exporter.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KEY_VARIABLE = "ANTHROPIC_ADMIN_KEY"
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SECRET_MARK = "sk-ant-"  # noqa: S105 - what keys begin with

S = TypeVar("S", bound=msgspec.Struct)


class Loaded(NamedTuple):
    """A checked configuration with its typed parts."""

    config: Config
    sources: list[Any]
    overrides: list[Any]


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for index, key in enumerate(keys):
            if key in keys[:index]:
                raise yaml.MarkedYAMLError(None, None, f"{key} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def load(
    text: str,
    source_types: Mapping[str, type[msgspec.Struct]],
    override_type: type[msgspec.Struct],
) -> Loaded:
    """Return the configuration in `text`, or raise a ConfigError with every problem in it."""
    data = _read_yaml(text)
    problems = list(_secrets(data, ""))
    if problems:
        raise ConfigError(problems)
    config = _convert(data, Config, "", problems)
    sources = list(_sources(data.get("sources"), source_types, problems))
    overrides = list(_overrides(data.get("prices"), override_type, problems))
    if config is not None:
        problems += _contradictions(config)
    if problems or config is None:
        raise ConfigError(problems)
    return Loaded(config, sources, overrides)


def _read_yaml(text: str) -> Any:  # noqa: ANN401 - any YAML
    try:
        data = yaml.load(text, _StrictLoader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "YAML"
        raise ConfigError([f"{where}: {getattr(error, 'problem', None) or error}"]) from None
    if not isinstance(data, dict):
        found = "nothing" if data is None else type(data).__name__
        raise ConfigError([f"expected a mapping with sources, found {found}"])
    return data


def _secrets(value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - any YAML
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _secrets(inner, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _secrets(inner, f"{path}[{index}]")
    elif isinstance(value, str) and SECRET_MARK in value:
        yield (
            f"{path}: a key stands here in plain text; put it in a file and name the file in "
            "admin_key_file, and replace the key, because this file has been readable"
        )


def _convert(data: Any, kind: type[S], path: str, problems: list[str]) -> S | None:  # noqa: ANN401
    """Convert field by field, so that one problem does not hide the next."""
    if not isinstance(data, dict):
        problems.append(f"{path or 'config'}: expected a mapping, found {data!r}")
        return None
    before = len(problems)
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    values: dict[str, Any] = {}
    for key in data:
        if key not in fields:
            close = difflib.get_close_matches(str(key), fields, 1)
            hint = f"; did you mean {close[0]}?" if close else f"; known: {', '.join(fields)}"
            problems.append(f"{_join(path, key)}: unknown key{hint}")
    for name, field in fields.items():
        if name in data:
            values[field.name] = _field(data[name], field.type, _join(path, name), problems)
        elif field.required:
            problems.append(f"{_join(path, name)}: missing")
    return kind(**values) if len(problems) == before else None


def _field(value: Any, kind: Any, path: str, problems: list[str]) -> Any:  # noqa: ANN401
    if kind in (LedgerConfig, PricesConfig):
        return _convert(value, kind, path, problems)
    try:
        if kind in (timedelta, timedelta | None) and value is not None:
            return parse_duration(str(value))
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, ValueError) as error:
        problems.append(f"{path}: {error} (found {value!r})".replace(" - at `$`", ""))
        return None


def _join(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


def _overrides(
    prices: Any,  # noqa: ANN401 - any YAML
    kind: type[msgspec.Struct],
    problems: list[str],
) -> Iterator[Any]:
    blocks = prices.get("overrides") if isinstance(prices, dict) else None
    for index, block in enumerate(blocks if isinstance(blocks, list) else ()):
        where = f"prices.overrides[{index}]"
        override: Any = _convert(block, kind, where, problems)
        if override is not None:
            problems += [f"{where}: {problem}" for problem in override.problems()]
            yield override


def _sources(
    blocks: Any,  # noqa: ANN401 - any YAML
    source_types: Mapping[str, type[msgspec.Struct]],
    problems: list[str],
) -> Iterator[Any]:
    if not isinstance(blocks, list):
        return  # said already
    if not blocks:
        problems.append("sources: at least one is needed; `claude-cost-exporter demo` needs none")
    accounts: set[str] = set()
    for index, block in enumerate(blocks):
        where = f"sources[{index}]"
        found = block.get("type") if isinstance(block, dict) else block
        kind = source_types.get(str(found))
        if kind is None:
            known = ", ".join(source_types)
            problems.append(f"{where}.type: {found!r} is not known; known: {known}")
            continue
        source: Any = _convert(block, kind, where, problems)
        if source is None:
            continue
        problems += [f"{where}.{problem}" for problem in source.problems()]
        if source.account in accounts:
            problems.append(f"{where}.account: {source.account} is used twice")
        accounts.add(source.account)
        yield source


def _contradictions(config: Config) -> Iterator[str]:
    try:
        ZoneInfo(config.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        yield f"time_zone: {config.time_zone!r} is not a time zone; write UTC or Europe/Berlin"
    if config.week_start not in WEEK:
        yield f"week_start: {config.week_start!r} is not one of {', '.join(WEEK)}"
    if config.series_cap < 1:
        yield f"series_cap: {config.series_cap} is less than 1"
    if config.scrape_interval <= timedelta(0):
        yield "scrape_interval: must be more than 0s"


def default_document(environment: Mapping[str, str]) -> str:
    """Return the configuration that a key in the environment alone means."""
    if not environment.get(KEY_VARIABLE):
        sentence = (
            f"no --config.file is given and {KEY_VARIABLE} is not set; give one of them, or run "
            "`claude-cost-exporter demo`, which needs no key"
        )
        raise ConfigError([sentence])
    return f"sources: [{{type: anthropic, account: default, admin_key_env: {KEY_VARIABLE}}}]"


def default_ledger_url(environment: Mapping[str, str]) -> str:
    """Return where the ledger is kept unless the configuration says otherwise."""
    base = environment.get("XDG_STATE_HOME") or f"{environment.get('HOME', '.')}/.local/state"
    return f"sqlite:///{Path(base) / 'claude-cost-exporter' / 'ledger.db'}"
