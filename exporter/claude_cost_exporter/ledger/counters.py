"""Counters that never fall, kept in memory and in the ledger at once (floor 2).

rows change -> `add` moves `total`; `expose` raises `exposed` to `total`, writes it, and only
then may a snapshot show it. A total that falls waits until it has caught up again.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, insert, select, update

from claude_cost_exporter.catalogue import BY_NAME, OTHER, C
from claude_cost_exporter.ledger.tables import counters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

Labels = tuple[str, ...]


@dataclass(slots=True)
class Counter:
    """One exposed series."""

    id: int
    total: int = 0
    exposed: int = 0
    shown_since: float | None = None
    """When this process first showed it, in monotonic seconds: no step of the wall clock makes the
    hold shorter or longer. A value waits for the hold from there on, so that every scraper has
    seen the 0 it started from, also when the process died before it could show it."""
    dirty: bool = False


@dataclass(slots=True)
class CounterStore:
    """Every counter of the ledger; `cap` bounds the label sets of each family."""

    hold_seconds: float
    cap: int
    families: dict[str, dict[Labels, Counter]] = field(default_factory=lambda: defaultdict(dict))
    _redirected: dict[str, set[Labels]] = field(default_factory=lambda: defaultdict(set))
    _new: list[tuple[str, Labels]] = field(default_factory=list)
    _waiting: set[tuple[str, Labels]] = field(default_factory=set)
    _unshown: list[Counter] = field(default_factory=list)
    _just_shown: list[Counter] = field(default_factory=list)
    _last_id: int = 0

    def load(self, connection: Connection) -> None:
        """Read every counter; forget what was not committed.

        How long the 0 of a series has been shown is not forgotten, unless that was never answered.
        """
        for counter in self._just_shown:
            counter.shown_since = None
        shown = {c.id: c.shown_since for known in self.families.values() for c in known.values()}
        rows = connection.execute(select(counters)).all()
        for held in (self.families, self._redirected, self._new, self._waiting, self._unshown):
            held.clear()
        self._last_id = max((row.id for row in rows), default=0)
        for row in rows:
            labels = tuple(map(sys.intern, json.loads(row.labels)))
            if row.redirect_id is not None:
                self._redirected[row.family].add(labels)
                continue
            loaded = Counter(row.id, row.total, row.exposed, shown.get(row.id))
            self.families[row.family][labels] = loaded
            if not row.exposed and loaded.shown_since is None:
                self._unshown.append(loaded)
            if row.total > row.exposed:
                self._waiting.add((row.family, labels))

    def add(self, family: str, labels: Labels, amount: int) -> None:
        """Move a counter's total; an unknown label set is born at 0 first."""
        labels, counter = self._resolve(family, labels)
        if amount:
            counter.total += amount
            counter.dirty = True
            self._waiting.add((family, labels))

    def resolved(self, family: str, labels: Labels) -> Labels:
        """Return the label set that counts for a label set: itself, or `other` beyond the cap."""
        return self._resolve(family, labels)[0]

    def _resolve(self, family: str, labels: Labels) -> tuple[Labels, Counter]:
        known = self.families[family]
        if (counter := known.get(labels)) is not None:
            return labels, counter
        rest = (*labels[: len(C)], *(OTHER,) * (len(BY_NAME[family].labels) - len(C)))
        if labels in self._redirected[family]:
            return rest, known[rest]
        if len(known) >= self.cap and labels != rest:
            resolved = self._resolve(family, rest)
            self._redirected[family].add(labels)
            self._new.append((family, labels))
            return resolved
        self._last_id += 1
        labels = tuple(sys.intern(str(label)) for label in labels)
        known[labels] = Counter(self._last_id)
        self._unshown.append(known[labels])
        self._new.append((family, labels))
        return labels, known[labels]

    def save(self, connection: Connection) -> None:
        """Write new label sets and moved totals, in the transaction of the rows."""
        if self._new:
            connection.execute(insert(counters), [self._row(*item) for item in self._new])
            self._new.clear()
        moved = [self.families[family][labels] for family, labels in self._waiting]
        changes = [{"key": c.id, "total_": c.total} for c in moved if c.dirty]
        if changes:
            by_id = counters.c.id == bindparam("key")
            statement = update(counters).where(by_id).values(total=bindparam("total_"))
            connection.execute(statement, changes)
        for counter in moved:
            counter.dirty = False

    def _row(self, family: str, labels: Labels) -> dict[str, str | int | None]:
        row: dict[str, str | int | None] = {
            "family": family,
            "labels": json.dumps(labels),
            "redirect_id": None,
        }
        counter = self.families[family].get(labels)
        if counter is None:  # beyond the cap: remembered, so that it never moves back
            self._last_id += 1
            other = (*labels[: len(C)], *(OTHER,) * (len(labels) - len(C)))
            target = self.families[family][other].id
            return row | {"id": self._last_id, "total": 0, "exposed": 0, "redirect_id": target}
        return row | {"id": counter.id, "total": counter.total, "exposed": 0}

    def expose(self, connection: Connection, now: float) -> None:
        """Raise the exposed values that may rise now, and write them before anyone sees them.

        `now` is in monotonic seconds.
        """
        for counter in self._unshown:
            counter.shown_since = now
        self._just_shown, self._unshown = self._unshown, []
        ready = []
        for item in tuple(self._waiting):
            counter = self.families[item[0]][item[1]]
            if counter.total <= counter.exposed:
                self._waiting.discard(item)
            elif counter.exposed or self._was_seen_at_zero(counter, now):
                ready.append((item, counter))
        if not ready:
            return
        by_id = counters.c.id == bindparam("key")
        statement = update(counters).where(by_id).values(exposed=bindparam("exposed_"))
        connection.execute(statement, [{"key": c.id, "exposed_": c.total} for _, c in ready])
        for item, counter in ready:
            counter.exposed = counter.total
            self._waiting.discard(item)

    def were_shown(self) -> None:
        """Believe that what `expose` was called for has been answered: it was committed."""
        self._just_shown = []

    def _was_seen_at_zero(self, counter: Counter, now: float) -> bool:
        if counter.shown_since is None:
            counter.shown_since = now
        return now - counter.shown_since >= self.hold_seconds

    def values(self) -> Mapping[str, Mapping[Labels, int]]:
        """Return the exposed value of every series."""
        return {
            family: {labels: counter.exposed for labels, counter in known.items()}
            for family, known in self.families.items()
        }

    def dropped(self) -> Mapping[str, int]:
        """Return how many label sets of each family went to `other`."""
        return {family: len(labels) for family, labels in self._redirected.items() if labels}
