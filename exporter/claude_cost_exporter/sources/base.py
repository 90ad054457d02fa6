"""What every source is: a name, when to read how much, and how (floor 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

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
    align: timedelta
    """Windows begin and end on full hours or, when this is a day, UTC midnights."""
    reads_open: bool
    """Whether windows reach to the end of the hour or day that still runs."""
    history_chunk: timedelta | None
    """How much history one request chain may read; None: the source has no history."""
    query_sets: tuple[str, ...]
    """What its bill records come from; empty when it has none."""

    @property
    def api(self) -> str:
        """Return which generation of the provider's API answers; empty where there is but one."""
        ...

    def fetch(self, window: Window, *, history: bool = False) -> Iterable[Record]:
        """Read the window, or as much of it as a `Window` among the records says.

        `history` marks reads outside the request budget.
        """
        ...

    def history_from(self, wanted: datetime) -> datetime:
        """Return where history begins: at `wanted`, or later when the provider has less."""
        ...

    def notes(self) -> tuple[str, ...]:
        """Say in sentences what was found out and is done differently."""
        ...


class Notebook(Protocol):
    """What the sources of one account remember across restarts."""

    def get(self, name: str) -> str | None:
        """Return a fact, None when it was never written down."""
        ...

    def set(self, name: str, value: str) -> None:
        """Write a fact down."""
        ...

    def read_to(self, source: str) -> datetime | None:
        """Return up to when a source has been read, None when it never was."""
        ...


class FieldObserver(Protocol):
    """Told once of every field that the parser does not know."""

    def unknown_field(self, source: str, field: str) -> None:
        """Count a field that no struct has."""
        ...


class Notes:
    """What a source found out about a key or an organisation: one sentence for each topic."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._sentences: dict[str, str] = {}

    def add(self, topic: str, sentence: str) -> None:
        """Remember a sentence; the first one about a topic is also logged."""
        if topic not in self._sentences:
            structlog.get_logger().warning(sentence, source=self._source)
        self._sentences[topic] = sentence

    def drop(self, topic: str) -> None:
        """Forget what is no longer so."""
        self._sentences.pop(topic, None)

    def sentences(self) -> tuple[str, ...]:
        """Return the newest sentence of every topic."""
        return tuple(self._sentences.values())
