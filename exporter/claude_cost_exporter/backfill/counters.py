"""Counters that rise from 0 through the ledger's past to where the live ones begin (floor 4).

The live counters begin at 0 when the exporter has polled for the first time. The past ends at that
second with a 0 of its own, so that Prometheus sees one reset whatever its first scrape brings, and
`increase()` over both adds what each has counted: nothing is missing, and nothing is there twice.

Of an hour the ledger knows the sum, not the minutes. It is added in equal parts, step by step, so
that rates over windows shorter than an hour are that hour's mean, and right at every full hour.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from claude_cost_exporter.catalogue import BY_NAME
from claude_cost_exporter.records import NANO
from claude_cost_exporter.views.counters import USD_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from claude_cost_exporter.backfill.spool import Spool
    from claude_cost_exporter.ledger.history import CountedHour

Labels = tuple[str, ...]

RESET_SECONDS = 0.125
"""When the 0 follows the past's last value: before any scrape that may see more than 0. Eighths of
a second are exact as floats; a millisecond might become none where promtool multiplies it."""


def times(start: int, end: int, step: int) -> list[int]:
    """Return when a stretch is looked at: at every full step in it, and when it ends."""
    return [*range(start + step, end, step), end]


class CounterLines:
    """Writes the counters of one account, hour after hour."""

    def __init__(self, spool: Spool, step: int) -> None:
        self._spool = spool
        self._step = step
        self._families: dict[str, dict[Labels, _Series]] = defaultdict(dict)

    def write(self, hour: CountedHour) -> None:
        """Write what every series was at each step of an hour."""
        moved: dict[str, dict[Labels, int]] = defaultdict(dict)
        for (family, labels), amount in hour.amounts.items():
            moved[family][labels] = amount
        seconds = times(hour.start, hour.end, self._step)
        for family in {**self._families, **moved}:
            lines = self._lines(family, moved[family], hour, seconds)
            self._spool.file(family).writelines(lines)

    def begin_anew(self, at: int, live: Iterable[tuple[str, Labels]]) -> None:
        """Write the 0 of every series, also of those that only the live counters have so far."""
        for family, labels in live:
            if known := self._families.get(family):
                series = known.get(labels)
                start = series.start if series else self._start(family, labels)
                self._spool.file(family).write(f"{start}0.0 {at + RESET_SECONDS}\n")
                self._spool.samples += 1

    def _start(self, family: str, labels: Labels) -> str:
        return self._spool.start_of_line(BY_NAME[family], labels)

    def _lines(
        self, family: str, moved: Mapping[Labels, int], hour: CountedHour, seconds: list[int]
    ) -> Iterable[str]:
        known = self._families[family]
        for labels in moved.keys() - known.keys():
            known[labels] = series = _Series(self._start(family, labels))
            self._spool.samples += 1
            yield f"{series.start}0.0 {hour.start}\n"
        self._spool.samples += len(known) * len(seconds)
        unit = NANO if family.endswith(USD_SUFFIX) else 1
        ends = ["", *(f"{at}\n" for at in seconds)]
        for labels, series in known.items():
            if amount := moved.get(labels):
                yield series.rising(amount, hour, seconds, unit)
            else:
                yield series.line.join(ends)


class _Series:
    """One series: how its lines begin, and what it has come to."""

    __slots__ = ("line", "start", "total")

    def __init__(self, start: str) -> None:
        self.start = start
        self.total = 0
        self.line = f"{start}0.0 "

    def rising(self, amount: int, hour: CountedHour, seconds: list[int], unit: int) -> str:
        """Return the lines of an hour in which it rises."""
        begin, before, start = hour.start, self.total, self.start
        length = hour.end - begin
        lines = [
            f"{start}{(before + amount * (at - begin) // length) / unit} {at}\n" for at in seconds
        ]
        self.total += amount
        self.line = f"{start}{self.total / unit} "
        return "".join(lines)
