"""What every source is: a name, when to read how much, and how (floor 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import timedelta

    from claude_cost_exporter.records import Record, Window


@dataclass(frozen=True, slots=True)
class Cadence:
    """Read the trailing `back` again every `every`. The shortest one is each poll's."""

    every: timedelta
    back: timedelta


class Source(Protocol):
    """One thing to read from one account.

    `fetch` yields everything in a window, or raises a SourceError and nothing counts.
    """

    name: str
    cadences: Sequence[Cadence]
    has_history: bool

    def fetch(self, window: Window, *, history: bool = False) -> Iterable[Record]:
        """Read the window completely. `history` marks reads outside the request budget."""
        ...

    def notes(self) -> tuple[str, ...]:
        """Say in sentences what was found out and is done differently."""
        ...


class FieldObserver(Protocol):
    """Told once of every field that the parser does not know."""

    def unknown_field(self, source: str, field: str) -> None:
        """Count a field that no struct has."""
        ...
