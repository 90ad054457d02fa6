"""What was asked of the simulator, so that tests can hold a client to its request budget."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime


class Entry(NamedTuple):
    """One request. Headers are not kept: one of them is the key."""

    at: datetime
    endpoint: str
    path: str
    query: tuple[tuple[str, str], ...]
    status: int


class RequestLog:
    """Counts of all requests and the last few thousand of them."""

    def __init__(self, keep: int = 10_000) -> None:
        self.total = 0
        self.by_endpoint: Counter[str] = Counter()
        self.by_status: Counter[int] = Counter()
        self.entries: deque[Entry] = deque(maxlen=keep)

    def add(self, entry: Entry) -> None:
        """Note one answered request."""
        self.total += 1
        self.by_endpoint[entry.endpoint] += 1
        self.by_status[entry.status] += 1
        self.entries.append(entry)

    def between(self, start: datetime, end: datetime) -> list[Entry]:
        """Return the kept requests of `[start, end)`."""
        return [entry for entry in self.entries if start <= entry.at < end]

    def clear(self) -> None:
        """Begin to count anew."""
        self.total = 0
        self.by_endpoint.clear()
        self.by_status.clear()
        self.entries.clear()
