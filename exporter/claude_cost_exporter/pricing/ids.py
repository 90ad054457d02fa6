"""Model ids as every platform spells them, reduced to the one the price list uses (floor 1)."""

from __future__ import annotations

import re

_PROVIDER_PREFIX = re.compile(r"^(?:[a-z]{2,6}\.)?anthropic[./]|^(?:models|publishers)/.*/")
_PLATFORM_SUFFIXES = re.compile(r"(?:\[1m\]|@\d{8}|@default|-v\d+(?::\d+)?)+$")


def plain_id(model: str) -> str:
    """Return the id without what a platform adds to it.

    A trailing `-YYYYMMDD` stays, unlike in `records.model_label`: it is part of the id, and two
    dates may have two prices. What is left is looked up exactly, never by its beginning.

    >>> plain_id("us.anthropic.claude-sonnet-4-20250514-v1:0")
    'claude-sonnet-4-20250514'
    """
    return _PLATFORM_SUFFIXES.sub("", _PROVIDER_PREFIX.sub("", model)) or model
