"""What can be set: the fields of a configuration struct with their explanations (floor 1)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

WORDS = {
    str: "text",
    int: "whole number",
    Decimal: "number",
    date: "day (YYYY-MM-DD)",
    timedelta: "duration",
}


class Setting(NamedTuple):
    """One key of a block."""

    name: str
    attribute: str
    """What the struct calls it; a key may be a reserved word."""
    annotation: Any
    kind: Any
    """The annotation without `Annotated` and without None."""
    is_optional: bool
    required: bool
    default: Any
    meaning: str
    example: Any


def settings(block: type[msgspec.Struct]) -> list[Setting]:
    """Return the keys of a block, in order."""
    return [_setting(field) for field in msgspec.structs.fields(block)]


def _setting(field: msgspec.structs.FieldInfo) -> Setting:
    meta = next((m for m in get_args(field.type)[1:] if isinstance(m, msgspec.Meta)), None)
    kind = get_args(field.type)[0] if get_origin(field.type) is Annotated else field.type
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    made = field.default_factory
    return Setting(
        name=field.encode_name,
        attribute=field.name,
        annotation=field.type,
        kind=next(one for one in kinds if one is not NoneType),
        is_optional=NoneType in kinds,
        required=field.required,
        default=made() if made is not msgspec.NODEFAULT else field.default,
        meaning=(meta and meta.description) or "",
        example=meta.examples[0] if meta and meta.examples else None,
    )


def choices(kind: Any) -> tuple[str, ...]:  # noqa: ANN401 - any type
    """Return the words that a kind allows, or nothing when it allows more than some words."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return tuple(str(one.value) for one in kind)
    return ()


def is_block(kind: Any) -> bool:  # noqa: ANN401 - any type
    """Tell whether a kind has keys of its own; a dict's are typed by who reads it."""
    return get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, msgspec.Struct))


def item_block(kind: Any) -> Any:  # noqa: ANN401 - any type
    """Return what the items of a list are, None unless they are typed blocks."""
    item = get_args(kind)[0] if get_origin(kind) is list else None
    return item if isinstance(item, type) and issubclass(item, msgspec.Struct) else None


def name_of(kind: Any) -> str:  # noqa: ANN401 - any type
    """Return what a person calls a kind of value.

    >>> name_of(list[str])
    'list of texts'
    """
    if words := choices(kind):
        return f"the word {words[0]}" if len(words) == 1 else f"one of {', '.join(words)}"
    if get_origin(kind) is list:
        item = get_args(kind)[0]
        if words := choices(item):
            return f"list of {', '.join(words)}"
        noun, space, form = name_of(item).partition(" (")
        return f"list of {noun}s{space}{form}"
    if is_block(kind):
        return "block"
    return WORDS.get(get_origin(kind) or kind, str(kind))
