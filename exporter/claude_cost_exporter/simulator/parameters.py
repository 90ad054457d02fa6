"""Query parameters, taken one by one; what nobody took is an error, as are wrong values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from claude_cost_exporter.simulator.wire import bad_request

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


MAX_DIGITS = 9


class Parameters:
    """The query of one request. Every `take_` removes what it returns."""

    def __init__(self, query: Sequence[tuple[str, str]]) -> None:
        self._left: dict[str, list[str]] = {}
        for name, value in query:
            self._left.setdefault(name, []).append(value)

    def take(self, name: str) -> str | None:
        """Return the only value of `name`, or None."""
        values = self._left.pop(name, [])
        if len(values) > 1:
            raise bad_request(f"{name}: Input should be given once, not {len(values)} times")
        return values[0] if values else None

    def take_choice(self, name: str, allowed: Collection[str], default: str) -> str:
        """Return one of `allowed`."""
        value = self.take(name)
        if value is None:
            return default
        return _checked(name, value, allowed)

    def take_list(self, name: str, allowed: Collection[str] | None = None) -> list[str]:
        """Return the values of `name[]`, each one of `allowed`."""
        name = f"{name}[]"
        values = self._left.pop(name, [])
        if allowed is not None:
            for value in values:
                _checked(name, value, allowed)
        return values

    def take_int(self, name: str, default: int, maximum: int) -> int:
        """Return a whole number from 1 to `maximum`."""
        value = self.take(name)
        if value is None:
            return default
        if not (value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS):
            raise bad_request(f"{name}: Input should be a valid integer, not {value!r}")
        if not 1 <= int(value) <= maximum:
            raise bad_request(f"{name}: Input should be from 1 to {maximum}, not {value}")
        return int(value)

    def take_flag(self, name: str) -> bool:
        """Return whether `name` is `true`."""
        return self.take_choice(name, ("true", "false"), "false") == "true"

    def take_time(self, name: str) -> datetime | None:
        """Return an RFC 3339 time in UTC."""
        value = self.take(name)
        if value is None:
            return None
        moment = parse_time(value)
        if moment is None:
            raise bad_request(f"{name}: Input should be an RFC 3339 date-time, not {value!r}")
        return moment

    def finish(self) -> None:
        """Raise when a parameter is left that this endpoint does not have."""
        for name in self._left:
            raise bad_request(f"{name}: Extra inputs are not permitted")


def parse_time(text: str) -> datetime | None:
    """Return an RFC 3339 time in UTC, None when it is not one."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _checked(name: str, value: str, allowed: Collection[str]) -> str:
    if value not in allowed:
        choices = ", ".join(f"'{choice}'" for choice in allowed)
        raise bad_request(f"{name}: Input should be one of {choices}, not {value!r}")
    return value


def required(name: str, moment: datetime | None) -> datetime:
    """Return a time that has to be there."""
    if moment is None:
        raise bad_request(f"{name}: Field required")
    return moment
