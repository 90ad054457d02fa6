"""Best-known spend: a billed day's amounts, spread over its hours by the estimates (floor 2).

Every scope that the bill knows gets its own billed total; the account's total is the sum of its
models. Scopes that the bill does not know keep their estimate.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from claude_cost_exporter.ledger import tables
from claude_cost_exporter.ledger.bill_days import bills_that_count
from claude_cost_exporter.ledger.bills import BillKey, api_of, midnight, role_of, stored_bill
from claude_cost_exporter.ledger.upsert import upsert
from claude_cost_exporter.records import BILL, BILL_WHO, NONE, model_label
from claude_cost_exporter.snapshot import LINE, Line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from sqlalchemy import Connection

    from claude_cost_exporter.ledger.registry import Account, Registry
    from claude_cost_exporter.ledger.sums import DayOf

HOURS = 24
HOUR_SECONDS = 3600
KNOWN_KINDS = {
    "legacy": ("model", "token_type", LINE, "workspace"),
    "analytics": ("model", "token_type", LINE, "workspace", "api_key"),
}
"""The kinds of scopes that the bills of each API tell apart."""


class Cell(NamedTuple):
    """What is stored of one scope and hour."""

    cost: int = 0
    spend: int = 0
    tokens: int = 0


def spread(total: int, shape: Sequence[int]) -> list[int]:
    """Return `total` in the proportions of `shape`, to the nano-dollar; evenly without a shape.

    >>> spread(10, [1, 2, 0])
    [3, 7, 0]
    """
    weights = list(shape) if sum(shape) > 0 and min(shape) >= 0 else [1] * len(shape)
    parts, passed, given = [], 0, 0
    for weight in weights:
        passed += weight
        upto = total * passed // sum(weights)
        parts.append(upto - given)
        given = upto
    return parts


def spread_day(
    connection: Connection, registry: Registry, account: Account, day: date, day_of: DayOf
) -> None:
    """Make the best-known spend of a billed day what the bill says."""
    start = int(midnight(day).timestamp())
    cells = _cells(connection, account, start)
    kinds = {scope_id: kind for scope_id, (kind, _) in cells.items()}
    api = _api_in_force(connection, account, day)
    billed = _billed(connection, registry, account, day, start, api)
    for scope_id, (kind, _) in billed.items():
        kinds.setdefault(scope_id, kind)
    targets: dict[int, list[int]] = {}
    for scope_id, kind in kinds.items():
        stored = cells[scope_id][1] if scope_id in cells else [Cell()] * HOURS
        estimate = [cell.cost for cell in stored]
        total = billed[scope_id][1] if scope_id in billed else 0
        targets[scope_id] = spread(total, estimate) if kind in KNOWN_KINDS[api] else estimate
    whole = registry.scope_id(connection, account.id, "all", "all", start)
    kinds[whole] = "all"
    models = [targets[scope_id] for scope_id, kind in kinds.items() if kind == "model"]
    targets[whole] = [sum(hour) for hour in zip(*models, strict=True)] or [0] * HOURS
    _write(connection, cells, kinds, targets, start, day_of)


def _cells(
    connection: Connection, account: Account, start: int
) -> dict[int, tuple[str, list[Cell]]]:
    hours, scopes = tables.hours, tables.scopes
    columns = (scopes.c.kind, hours.c.scope_id, hours.c.hour)
    query = (
        select(*columns, hours.c.cost, hours.c.spend, hours.c.tokens)
        .join_from(hours, scopes)
        .where(scopes.c.account_id == account.id)
        .where(hours.c.hour >= start, hours.c.hour < start + HOURS * HOUR_SECONDS)
    )
    cells: dict[int, tuple[str, list[Cell]]] = {}
    for kind, scope_id, hour, *amounts in connection.execute(query):
        _, day = cells.setdefault(scope_id, (kind, [Cell()] * HOURS))
        day[(hour - start) // HOUR_SECONDS] = Cell(*amounts)
    return cells


def _api_in_force(connection: Connection, account: Account, day: date) -> str:
    """Return whose bill of the day is in force: legacy or analytics."""
    return api_of(bills_that_count(connection, account.id, day, day)[day].query_set)


def _billed(  # noqa: PLR0913, PLR0917 - where, whose, which day and by whom
    connection: Connection, registry: Registry, account: Account, day: date, start: int, api: str
) -> Mapping[int, tuple[str, int]]:
    """Return kind and billed nano-USD by scope id, as one API tells it."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    ordinal = day.toordinal()
    for key, _, amount in stored_bill(connection, account.id, ordinal, ordinal):
        if api_of(key.query_set) == api:
            for scope in billed_scopes(key):
                sums[scope] += amount.amount
    billed: dict[int, tuple[str, int]] = {}
    for (kind, member), amount_sum in sums.items():
        scope_id = registry.scope_id(connection, account.id, kind, member, start)
        before = billed[scope_id][1] if scope_id in billed else 0  # members beyond the cap share
        billed[scope_id] = (kind, before + amount_sum)
    return billed


def billed_scopes(key: BillKey) -> Iterator[tuple[str, str]]:
    """Yield kind and member of every scope that a line of the bill belongs to."""
    role, dim = role_of(key.query_set), key.dimensions
    if role == BILL:
        model = model_label(dim.model) if dim.model else NONE
        yield "model", model
        yield "token_type", dim.token_type or NONE
        named = model if dim.token_type else NONE
        yield LINE, Line(named, dim.cost_type or NONE, dim.token_type or NONE).member
    if role in (BILL, BILL_WHO) and dim.workspace_id:
        yield "workspace", dim.workspace_id
    if role == BILL_WHO:
        yield "api_key", dim.api_key_id


def _write(  # noqa: PLR0913, PLR0917 - the two sides of a comparison
    connection: Connection,
    cells: Mapping[int, tuple[str, list[Cell]]],
    kinds: Mapping[int, str],
    targets: Mapping[int, list[int]],
    start: int,
    day_of: DayOf,
) -> None:
    by_hour: list[dict[str, int]] = []
    by_day: dict[tuple[int, int], int] = defaultdict(int)
    for scope_id, target in targets.items():
        stored = cells[scope_id][1] if scope_id in cells else [Cell()] * HOURS
        for index, (cell, spend) in enumerate(zip(stored, target, strict=True)):
            if cell.spend == spend:
                continue
            hour = start + index * HOUR_SECONDS
            row = cell._replace(spend=spend)._asdict()
            by_hour.append({"scope_id": scope_id, "hour": hour, **row})
            by_day[scope_id, day_of(kinds[scope_id], hour)] += spend - cell.spend
    upsert(connection, tables.hours, by_hour)
    changes = [
        {"scope_id": scope_id, "day": day, "cost": 0, "spend": spend, "tokens": 0}
        for (scope_id, day), spend in by_day.items()
    ]
    upsert(connection, tables.days, changes, added=("cost", "spend", "tokens"))
