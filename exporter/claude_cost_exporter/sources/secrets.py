"""A value that must not be printed (floor 2)."""

from __future__ import annotations

import re

MASK = "***"
ADMIN = "sk-ant-admin"
"""How Admin keys begin (2026-11)."""
ORDINARY = "sk-ant-api"
"""How the keys begin that applications use."""
PIECE = 8
"""So many characters in a row of a key's secret part are never shown."""
SHOWN_CHARACTERS = 300
READ_CHARACTERS = 4096
ESCAPED = re.compile(rb"\\u00([2-7][0-9a-fA-F])")


class Secret:
    """Holds a key; shows it only to who asks by name."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself."""
        return self._value

    @property
    def is_admin(self) -> bool:
        """Tell whether it looks like an Admin key."""
        return self._value.startswith(ADMIN)

    @property
    def is_ordinary(self) -> bool:
        """Tell whether it looks like a key for applications."""
        return self._value.startswith(ORDINARY)

    def strip(self, body: bytes) -> bytes:
        """Return an answer without the key, which no honest answer holds, escaped or not."""
        key = self._value.encode()
        if b"\\u00" in body and key in (plain := ESCAPED.sub(_unescaped, body)):
            body = plain
        return body.replace(key, MASK.encode()) if key else body

    def printable(self, text: str) -> str:
        """Return text fit for a log line: one line, bounded, without the key or parts of it."""
        return one_line(self._redact(text[:READ_CHARACTERS]))[:SHOWN_CHARACTERS]

    def _redact(self, text: str) -> str:
        if self._value:
            text = text.replace(self._value, MASK)
        secret = re.sub(r"^sk-ant-[a-z0-9]*-", "", self._value)
        for start in range(len(secret) - PIECE + 1):
            text = text.replace(secret[start : start + PIECE], MASK)
        return text

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not pickled")


def _unescaped(match: re.Match[bytes]) -> bytes:
    return bytes.fromhex(match[1].decode())


def one_line(text: str) -> str:
    """Return text with a space for everything that a terminal would act on."""
    return "".join(c if c.isprintable() else " " for c in text)
