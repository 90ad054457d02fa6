"""YAML and environment to a checked configuration, or every problem at once (floor 1)."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from claude_cost_exporter.config.budgets import ALWAYS_KNOWN, SCOPE_TYPES, Budget
from claude_cost_exporter.config.convert import convert, join
from claude_cost_exporter.config.documents import read_yaml, redact, secrets, shown
from claude_cost_exporter.config.durations import format_duration
from claude_cost_exporter.config.fees import ModelPair
from claude_cost_exporter.config.model import Config
from claude_cost_exporter.config.problems import (
    Problem,
    Surroundings,
    suggestion,
    wrong_zone,
)
from claude_cost_exporter.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from claude_cost_exporter.config.convert import Converted

KEY_VARIABLE = "ANTHROPIC_ADMIN_KEY"
LONGEST_INTERVAL = timedelta(days=1)


class Loaded(NamedTuple):
    """A checked configuration with its typed parts."""

    config: Config
    sources: list[Any]
    overrides: list[Any]


@dataclass(slots=True)
class Draft:
    """A configuration as far as it could be read, and what is wrong with it."""

    config: Config | None = None
    sources: dict[str, Any] = field(default_factory=dict)
    """By their YAML path, like the overrides."""
    overrides: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add(self, where: str, found: Iterable[Problem]) -> None:
        """Add what is wrong with the block at a path."""
        self.problems += [f"{join(where, keys[0])}: {sentence}" for keys, sentence in found]

    def checked(self) -> Loaded:
        """Return the configuration, or raise a ConfigError with every problem in it."""
        if self.problems or self.config is None:
            raise ConfigError([redact(problem) for problem in self.problems])
        return Loaded(self.config, list(self.sources.values()), list(self.overrides.values()))


def load(
    text: str,
    source_types: Mapping[str, type[msgspec.Struct]],
    override_type: type[msgspec.Struct],
) -> Loaded:
    """Return the configuration in `text`, or raise a ConfigError with every problem in it."""
    return draft(text, source_types, override_type).checked()


def draft(
    text: str,
    source_types: Mapping[str, type[msgspec.Struct]],
    override_type: type[msgspec.Struct],
) -> Draft:
    """Return what `text` says and what is wrong with it; not YAML at all is a ConfigError."""
    data, problems = read_yaml(text)
    result = Draft(problems=[*problems, *map(_secret, secrets(data))])
    top = convert(data, Config, "")
    if top.value is not None:
        top.add(_contradictions(top.value))
    result.config = top.value
    result.problems += top.problems
    _read_sources(data, source_types, result)
    _read_overrides(data, override_type, result)
    _check_items(data, top.items, result)
    return result


def _secret(path: str) -> str:
    return (
        f"{redact(path)}: a key stands here in plain text; put it in a file and name the file in "
        "admin_key_file, and replace the key, because this file has been readable"
    )


def _read_sources(
    data: dict[Any, Any], source_types: Mapping[str, type[msgspec.Struct]], result: Draft
) -> None:
    blocks = _list(data, "sources")
    if data.get("sources") == []:
        sentence = "sources: at least one is needed; `claude-cost-exporter demo` needs none"
        result.problems.append(sentence)
    accounts: dict[str, str] = {}
    for index, block in enumerate(blocks):
        where = f"sources[{index}]"
        source = _source(block, where, source_types, result)
        if source is None:
            continue
        result.sources[where] = source
        first = accounts.setdefault(source.account, where)
        if first != where and source.account:
            result.problems.append(
                f"{where}.account: {source.account} is the account of {first} already; give each "
                "account a name of its own"
            )


def _source(
    block: Any,  # noqa: ANN401 - any YAML
    where: str,
    source_types: Mapping[str, type[msgspec.Struct]],
    result: Draft,
) -> Any:  # noqa: ANN401 - each source has its own type
    found = block.get("type") if isinstance(block, dict) else None
    kind = source_types.get(found) if isinstance(found, str) else None
    if not isinstance(block, dict):
        result.problems.append(f"{where}: expected a mapping, found {shown(block)}")
        return None
    if kind is None:
        what = f"{shown(found)} is not known" if "type" in block else "missing"
        result.problems.append(f"{where}.type: {what}; {suggestion(str(found), source_types)}")
        words = [str(found)] if "type" in block else source_types
        meant = [one for word in words for one in difflib.get_close_matches(word, source_types, 1)]
        if len(meant) != 1:
            return None
        block, kind = block | {"type": meant[0]}, source_types[meant[0]]
    source: Any = convert(block, kind, where)
    if source.value is not None:
        source.add(source.value.problems())
    result.problems += source.problems
    return source.value


def _read_overrides(
    data: dict[Any, Any], override_type: type[msgspec.Struct], result: Draft
) -> None:
    blocks = _list(data, "sources")
    accounts = [str(block.get("account")) for block in blocks if isinstance(block, dict)]
    for index, block in enumerate(_list(data.get("prices"), "overrides")):
        where = f"prices.overrides[{index}]"
        override: Any = convert(block, override_type, where)
        if override.value is not None:
            override.add(override.value.problems())
        result.problems += override.problems
        if override.value is not None:
            result.overrides[where] = override.value
        account = block.get("account") if isinstance(block, dict) else None
        if isinstance(account, str) and account not in accounts:
            result.problems.append(
                f"{where}.account: {shown(account)} is no account of sources; "
                f"{suggestion(account, accounts)}"
            )


def _check_items(data: dict[Any, Any], items: Mapping[str, Converted[Any]], result: Draft) -> None:
    """Check the blocks of the other lists against the sources, and against each other."""
    around = _surroundings(data, list(result.sources.values()))
    first: dict[object, str] = {}
    for path, item in items.items():
        if item.value is not None:
            item.add(item.value.problems(around))
            item.add(_repeated(item.value, path, first))
        result.problems += item.problems


def _surroundings(data: dict[Any, Any], sources: list[Any]) -> Surroundings:
    """Return what the sources and the payees are, also when some cannot be read."""
    blocks = _list(data, "sources")
    owners: dict[str, str | None] = {
        str(block.get("account")): None for block in blocks if isinstance(block, dict)
    }
    owners |= {source.account: source.type for source in sources}
    fees = (fee for fee in _list(data, "subscriptions") if isinstance(fee, dict))
    payees = frozenset(str(fee.get("provider")) for fee in fees)
    if len(sources) < len(blocks):
        return Surroundings(owners, payees, frozenset(SCOPE_TYPES))
    told = (source.scope_types() for source in sources)
    return Surroundings(owners, payees, ALWAYS_KNOWN.union(*told))


def _repeated(block: Any, path: str, first: dict[object, str]) -> Iterator[Problem]:  # noqa: ANN401
    """Yield that a block is there already under another path; remember it otherwise."""
    if isinstance(block, Budget) and (before := first.setdefault(block.name, path)) != path:
        sentence = f"{shown(block.name)} is the name of {before} already; a budget has its own"
        yield Problem(("name",), sentence)
    if isinstance(block, ModelPair) and (before := first.setdefault(block, path)) != path:
        yield Problem(("to_model",), f"{before} compares these two already; leave one out")


def _list(block: Any, key: str) -> list[Any]:  # noqa: ANN401 - any YAML
    """Return the list under a key; what is no list has been complained about already."""
    found = block.get(key) if isinstance(block, dict) else None
    return found if isinstance(found, list) else []


def _contradictions(config: Config) -> Iterator[Problem]:
    if (sentence := wrong_zone(config.time_zone)) is not None:
        yield Problem(("time_zone",), sentence)
    for keys, sentence in config.anomalies.problems():
        yield Problem((f"anomalies.{keys[0]}", "anomalies"), sentence)
    scheme, colon, _ = config.ledger.url.partition(":")  # behind it there may be a password
    if not re.fullmatch(r"(sqlite:///(?!:memory:)[^?#]+)?", config.ledger.url):
        yield Problem(
            ("ledger.url",),
            f"{scheme}{colon and ':…'} is not sqlite:///PATH; a ledger is a SQLite file, for "
            "example sqlite:////var/lib/claude-cost-exporter/ledger.db",
        )
    interval, hold = config.scrape_interval, config.new_series_hold
    if not timedelta(0) < interval <= LONGEST_INTERVAL:
        sentence = f"{format_duration(interval)} is not more than 0s and at most 1d; write 15s"
        yield Problem(("scrape_interval",), sentence)
    if hold is not None and not interval <= hold <= LONGEST_INTERVAL:
        yield Problem(
            ("new_series_hold", "scrape_interval"),
            f"{format_duration(hold)} is not between the scrape_interval of "
            f"{format_duration(interval)} and 1d; a scrape must see the 0: leave it out for "
            f"{format_duration(msgspec.structs.replace(config, new_series_hold=None).hold())}",
        )


def default_document(environment: Mapping[str, str]) -> str:
    """Return the configuration that a key in the environment alone means."""
    if not environment.get(KEY_VARIABLE):
        trouble = "empty" if KEY_VARIABLE in environment else "not set"
        sentence = (
            f"no --config.file is given and {KEY_VARIABLE} is {trouble}; give one of them, or run "
            "`claude-cost-exporter demo`, which needs no key"
        )
        raise ConfigError([sentence])
    return f"sources: [{{type: anthropic, account: default, admin_key_env: {KEY_VARIABLE}}}]"
