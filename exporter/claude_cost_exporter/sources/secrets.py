"""A value that must not be printed (floor 2)."""

from __future__ import annotations


class Secret:
    """Holds a key; shows it only to who asks by name."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself."""
        return self._value

    def redact(self, text: str) -> str:
        """Return text without the value, should it be there."""
        return text.replace(self._value, "***") if self._value else text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not pickled")
