"""YAML text to plain data, strictly, and never with a key in it (floor 1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from claude_cost_exporter.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = re.compile(r"sk-ant-[\w*-]*")
"""What Anthropic's keys look like; a key of another form cannot be told from other text."""
TIMESTAMP = "tag:yaml.org,2002:timestamp"
BOOLEAN = "tag:yaml.org,2002:bool"


class _StrictLoader(yaml.SafeLoader):
    """Notes a key that stands twice in one mapping; days, on, off, yes and no are text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's way to configure a loader
        first: [
            (tag, form)
            for tag, form in resolvers
            if tag != TIMESTAMP and (tag != BOOLEAN or first in "tTfF")
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.twice: dict[tuple[int, int], str] = {}
        """Sentences about keys that are given twice, by where the second one stands."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for index, key in enumerate(keys):
            if key in keys[:index]:
                mark = node.value[index][0].start_mark
                sentence = f"{_place(mark)}: {redact(str(key))} is given twice"
                self.twice[mark.line, mark.column] = sentence
        return super().construct_mapping(node, deep)


def _place(mark: yaml.Mark | None) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark else "YAML"


class Document(NamedTuple):
    """The mapping in a YAML text, and what is wrong with it as YAML."""

    data: dict[Any, Any]
    problems: list[str]


def read_yaml(text: str) -> Document:
    """Return the mapping in a document, or raise a ConfigError that names line and column."""
    try:
        loader = _StrictLoader(text)
        data = loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        where = _place(error.problem_mark or error.context_mark)
        raise ConfigError([f"{where}: {redact(error.problem or str(error))}"]) from None
    except (yaml.YAMLError, ValueError, AttributeError, RecursionError) as error:
        # PyYAML lets the errors of explicit tags through, such as `!!int x`
        raise ConfigError([f"YAML: {redact(str(error).splitlines()[0])}"]) from None
    if not isinstance(data, dict):
        found = "nothing" if data is None else f"the {type(data).__name__} {shown(data)}"
        raise ConfigError([f"config: expected a mapping with sources, found {found}"])
    return Document(data, [sentence for _, sentence in sorted(loader.twice.items())])


def secrets(value: Any) -> Iterator[str]:  # noqa: ANN401 - any YAML
    """Yield the path of every text that looks like a key."""
    return _secrets(value, "", set())


def _secrets(value: Any, path: str, seen: set[int]) -> Iterator[str]:  # noqa: ANN401 - any YAML
    if isinstance(value, dict | list):
        if id(value) in seen:  # an alias, perhaps of what it stands in
            return
        seen.add(id(value))
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, one in inner:
            at = f"[{key}]" if isinstance(value, list) else f".{key}"
            yield from _secrets(key, f"{path}{at}".lstrip("."), seen)
            yield from _secrets(one, f"{path}{at}".lstrip("."), seen)
    elif isinstance(value, str) and SECRET.search(value):
        yield path


def redact(text: str) -> str:
    """Return text without anything that looks like a key."""
    return SECRET.sub("sk-ant-***", text)


def shown(value: object) -> str:
    """Return a value as a message shows it: short, on one line, without a key."""
    longest = 60
    text = redact(repr(value))
    return text if len(text) <= longest else f"{text[:longest]}…"
