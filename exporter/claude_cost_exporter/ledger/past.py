"""The estimated hours of past days, which tell what is normal (floor 2)."""

from __future__ import annotations

from array import array
from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from claude_cost_exporter.clock import DAY, HOUR, floor_hour, floor_to
from claude_cost_exporter.ledger import tables
from claude_cost_exporter.records import USAGE_SOURCE
from claude_cost_exporter.snapshot import HourSeries, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from claude_cost_exporter.snapshot import SourceState

LONGEST = 84 * DAY
RANKED_OVER = 28 * DAY
ALL = "all"
WATCHED = {"workspace": 20, "model": 10}
"""How many members of each kind are watched, those with the largest spend over all accounts."""
HOUR_SECONDS = 3600

Past = dict[Scope, HourSeries]


class PastHours:
    """Reads up to twelve weeks once an hour; in between they are kept."""

    def __init__(self) -> None:
        self._read_for: object = None
        self._past: Past = {}

    def read(
        self,
        connection: Connection,
        scopes: Mapping[int, Scope],
        sources: Iterable[SourceState],
        now: datetime,
    ) -> Past:
        """Return the hours of every watched scope over whole UTC days that have been read."""
        stretches = dict(_stretches(sources, now))
        read_for = (floor_hour(now), stretches)
        if read_for != self._read_for:
            watched = _watched(connection, scopes, now)
            self._past = _series(connection, watched, stretches)
            self._read_for = read_for
        return self._past


def _stretches(
    sources: Iterable[SourceState], now: datetime
) -> Iterator[tuple[str, tuple[datetime, datetime]]]:
    """Yield by account the first and the end of the whole UTC days that have been read."""
    today = floor_to(DAY, now)
    for state in sources:
        if state.source == USAGE_SOURCE and state.history_start and state.watermark:
            first = floor_to(DAY, state.history_start + DAY - HOUR)
            start, end = max(first, today - LONGEST), min(today, floor_to(DAY, state.watermark))
            if start < end:
                yield state.account, (start, end)


def _watched(
    connection: Connection, scopes: Mapping[int, Scope], now: datetime
) -> dict[int, Scope]:
    """Return the scopes of all spend and of the members with the largest estimated spend."""
    spent: dict[str, dict[str, int]] = {kind: defaultdict(int) for kind in WATCHED}
    days = tables.days.c
    first = (now - RANKED_OVER).date().toordinal()
    query = (
        select(days.scope_id, func.sum(days.cost))
        .join_from(tables.days, tables.scopes)
        .where(days.day >= first, tables.scopes.c.kind.in_(WATCHED))
        .group_by(days.scope_id)
    )
    for scope_id, amount in connection.execute(query):
        scope = scopes[scope_id]
        spent[scope.kind][scope.member] += amount
    first_of = {kind: largest(spent[kind], count) for kind, count in WATCHED.items()}
    return {
        scope_id: scope
        for scope_id, scope in scopes.items()
        if scope.kind == ALL or scope.member in first_of.get(scope.kind, ())
    }


def largest(spent: Mapping[str, int], count: int) -> set[str]:
    """Return the members with the largest spend."""
    return set(sorted(spent, key=lambda member: (-spent[member], member))[:count])


def _series(
    connection: Connection,
    watched: Mapping[int, Scope],
    stretches: Mapping[str, tuple[datetime, datetime]],
) -> Past:
    """Return one amount for each hour; an hour without a row cost nothing.

    An account that never spent anything has no scopes, and yet is known.
    """
    past = {
        Scope(account, ALL, ALL): HourSeries(start, _zeros(start, end))
        for account, (start, end) in stretches.items()
    }
    amounts: dict[int, array[int]] = {}
    begins: dict[int, int] = {}
    for scope_id, scope in watched.items():
        if scope.account in stretches:
            start, end = stretches[scope.account]
            begins[scope_id] = int(start.timestamp())
            amounts[scope_id] = _zeros(start, end)
            past[scope] = HourSeries(start, amounts[scope_id])
    hours = tables.hours.c
    query = select(hours.scope_id, hours.hour, hours.cost).where(
        hours.scope_id.in_(begins), hours.hour >= min(begins.values(), default=0)
    )
    for scope_id, epoch, cost in connection.execute(query).all():
        index = (epoch - begins[scope_id]) // HOUR_SECONDS
        if 0 <= index < len(amounts[scope_id]):
            amounts[scope_id][index] = cost
    return past


def _zeros(start: datetime, end: datetime) -> array[int]:
    return array("q", bytes(8 * ((end - start) // HOUR)))
