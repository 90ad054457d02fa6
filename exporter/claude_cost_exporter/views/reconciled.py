"""Sums of a reconciliation: by day with the reasons, by model, and by reason (floor 3)."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.views.reconciliation import sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from claude_cost_exporter.views.reconciliation import Explained, Reason, Reconciliation

NO_MODEL = "none"


class Sum(NamedTuple):
    """Nano-USD of both truths; `billed` is None while no bill has been read."""

    name: str
    estimated: int
    billed: int | None


class Day(NamedTuple):
    """One day, its models, and why they do not match."""

    whole: Sum
    models: tuple[Sum, ...]
    reasons: Mapping[str, tuple[str, ...]]
    """Names of the models by what is the reason."""


def by_day(found: Reconciliation) -> Iterator[Day]:
    """Yield every day in order."""
    days: dict[date, list[Explained]] = defaultdict(list)
    for one in found.lines:
        days[one.row.day].append(one)
    for day, lines in sorted(days.items()):
        reasons = _reasons(lines, may_change=found.may_change(day))
        yield Day(_sum(str(day), lines), tuple(_by_name(lines)), reasons)


def by_model(found: Reconciliation) -> Iterator[Sum]:
    """Yield every model in order, over all days that have a bill or not."""
    return _by_name(found.lines)


def total(found: Reconciliation) -> Sum:
    """Return the sum of everything."""
    return _sum("total", found.lines)


def by_reason(found: Reconciliation) -> Iterator[tuple[Reason, int]]:
    """Yield by how much bill and estimate differ for each reason, the largest first."""
    amounts: Counter[Reason] = Counter()
    for row, reason, _ in found.lines:
        if reason is not None and row.billed is not None:
            amounts[reason] += row.billed - row.estimated
    yield from sorted(amounts.items(), key=lambda item: -abs(item[1]))


def _name(one: Explained) -> str:
    """Return the model, or what is charged without one: web searches, containers."""
    line = one.row.line
    return line.cost_type if line.model == NO_MODEL else line.model


def _by_name(lines: Iterable[Explained]) -> Iterator[Sum]:
    groups: dict[str, list[Explained]] = defaultdict(list)
    for one in lines:
        groups[_name(one)].append(one)
    return (_sum(name, group) for name, group in sorted(groups.items()))


def _sum(name: str, lines: Iterable[Explained]) -> Sum:
    rows = [one.row for one in lines]
    billed = [row.billed for row in rows if row.billed is not None]
    return Sum(name, sum(row.estimated for row in rows), sum(billed) if billed else None)


def _reasons(lines: Iterable[Explained], *, may_change: bool) -> dict[str, tuple[str, ...]]:
    details: dict[str, dict[Reason, set[str]]] = defaultdict(lambda: defaultdict(set))
    for one in lines:
        if one.reason is not None:
            details[_name(one)][one.reason] |= {one.detail} - {""}
    names: dict[str, list[str]] = defaultdict(list)
    for name, reasons in sorted(details.items()):
        for reason, figures in reasons.items():
            names[sentence(reason, figures, may_change=may_change)].append(name)
    return {said: tuple(models) for said, models in names.items()}
