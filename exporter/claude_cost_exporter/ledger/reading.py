"""Reading the ledger: progress, facts and the snapshot (floor 2)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select

from claude_cost_exporter.errors import LedgerError
from claude_cost_exporter.ledger import names as stored_names
from claude_cost_exporter.ledger import tables
from claude_cost_exporter.ledger.base import Progress, StoredBook
from claude_cost_exporter.ledger.customers import CUSTOMER, billed_by_customer
from claude_cost_exporter.ledger.series import last_month, oldest_day, sums_by_day, sums_by_hour
from claude_cost_exporter.ledger.upsert import upsert
from claude_cost_exporter.records import PROBE
from claude_cost_exporter.snapshot import (
    AccountState,
    Scope,
    Snapshot,
    SourceState,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection, Row

    from claude_cost_exporter.ledger.base import Batch, BillBatch, CodingBatch, Settings
    from claude_cost_exporter.ledger.counters import CounterStore
    from claude_cost_exporter.ledger.recent import Lately
    from claude_cost_exporter.ledger.registry import Registry
    from claude_cost_exporter.ledger.series import Daily
    from claude_cost_exporter.records import Dimensions

IN_USE = timedelta(days=31)
_ALL_PROGRESS = select(tables.progress)
_PROGRESS = _ALL_PROGRESS.where(
    tables.progress.c.account_id == bindparam("account_id"),
    tables.progress.c.source == bindparam("source"),
)


def moment(epoch: int | None) -> datetime | None:
    """Return epoch seconds as an aware datetime."""
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC)


def fact(connection: Connection, name: str) -> str | None:
    """Return a single stored fact."""
    query = select(tables.facts.c.value).where(tables.facts.c.name == name)
    return connection.execute(query).scalar()


def set_fact(connection: Connection, name: str, value: str) -> None:
    """Store a single fact."""
    upsert(connection, tables.facts, [{"name": name, "value": value}])


def progress(connection: Connection, account_id: int, source: str) -> Progress:
    """Return how far a source has been read."""
    which = {"account_id": account_id, "source": source}
    row = connection.execute(_PROGRESS, which).one_or_none()
    return _progress_of(row) if row else Progress()


def all_progress(connection: Connection) -> dict[tuple[int, str], Progress]:
    """Return how far every source has been read, by account id and source."""
    rows = connection.execute(_ALL_PROGRESS).all()
    return {(row.account_id, row.source): _progress_of(row) for row in rows}


def _progress_of(row: Row[Any]) -> Progress:
    return Progress(
        last_success=moment(row.last_success),
        watermark=moment(row.covered_to),
        history_start=moment(row.covered_from),
        history_target=moment(row.history_target),
        catching_up_until=moment(row.catching_up_until),
    )


def _store(connection: Connection, account_id: int, source: str, **values: int | None) -> None:
    row = {"account_id": account_id, "source": source, **values}
    upsert(connection, tables.progress, [row])


def aim(connection: Connection, account_id: int, source: str, target: int) -> None:
    """Move the target of the history load back, never forward."""
    known = progress(connection, account_id, source).history_target
    if known is None or target < known.timestamp():
        _store(connection, account_id, source, history_target=target)


def advance(
    connection: Connection, account_id: int, batch: Batch | BillBatch | CodingBatch
) -> None:
    """Extend the stretch that has been read without a hole.

    A batch that does not touch the stretch starts a new one when it is newer; the history load
    then fills the hole. One that ends before the stretch would claim the hole between them.
    """
    known = progress(connection, account_id, batch.source)
    start, end = batch.window.start, min(batch.window.end, batch.read_at)
    if known.history_start and known.watermark and start <= known.watermark:
        if end < known.history_start:
            raise LedgerError(
                f"{batch.source} up to {end:%Y-%m-%dT%H:%M:%SZ} was read, and the ledger begins at "
                f"{known.history_start:%Y-%m-%dT%H:%M:%SZ}: is the clock right?"
            )
        start, end = min(start, known.history_start), max(end, known.watermark)
    until = batch.catching_up_until or known.catching_up_until
    success = known.last_success if batch.is_history else batch.read_at
    if success and known.last_success:
        success = max(success, known.last_success)
    _store(
        connection,
        account_id,
        batch.source,
        last_success=int(success.timestamp()) if success else None,
        covered_from=int(start.timestamp()),
        covered_to=int(end.timestamp()),
        catching_up_until=int(until.timestamp()) if until else None,
    )


def snapshot(  # noqa: PLR0913, PLR0917 - what the ledger holds, and when
    connection: Connection,
    registry: Registry,
    counters: CounterStore,
    settings: Settings,
    lately: Lately,
    now: datetime,
) -> Snapshot:
    """Return the ledger at `now`. Reads sums, never rows."""
    zone = ZoneInfo(settings.time_zone)
    names = {account.id: account.name for account in registry.accounts.values()}
    scopes = {
        scope_id: Scope(names[account_id], kind, member)
        for scope_id, (account_id, kind, member, _) in registry.scopes().items()
    }
    lost = fact(connection, "state_lost_at")
    today = min(now.astimezone(zone).date(), now.date())  # windows of the bill are in UTC
    days = partial(_days, connection, names, scopes, today, settings.budgeted)
    hours = partial(sums_by_hour, connection, scopes, now)
    sums = lately.sums(today, now, lambda: (*days(), *hours()))
    sources = _sources(connection, registry)
    recent = lately.recent.read(connection, names, sources, now)
    taken = Snapshot(
        taken_at=now,
        time_zone=zone,
        week_start=settings.week_start,
        accounts=_accounts(registry),
        sources=sources,
        counters=counters.values(),
        **sums._asdict(),
        past=lately.past.read(connection, scopes, sources, now),
        last_day=recent.last_day,
        last_week=recent.last_week,
        billed_days=_billed(connection, names, last_month(today)),
        state_lost_at=moment(int(lost)) if lost else None,
        ledger_bytes=_size(connection),
        series_dropped={**counters.dropped(), **registry.dropped()},
    )
    return _with_names(taken, connection, registry, names)


def _days(
    connection: Connection,
    names: dict[int, str],
    scopes: dict[int, Scope],
    today: date,
    budgeted: Collection[str],
) -> tuple[Daily, Daily]:
    """Return spend by scope and day, end customers included, and estimates."""
    spend, estimate = sums_by_day(connection, scopes, today, budgeted)
    since = oldest_day(today, CUSTOMER, budgeted)
    return spend | billed_by_customer(connection, names, since), estimate


def _with_names(
    taken: Snapshot, connection: Connection, registry: Registry, names: dict[int, str]
) -> Snapshot:
    return replace(
        taken,
        first_seen=_first_seen(registry, names),
        workspaces=stored_names.workspaces(connection, registry),
        api_keys=stored_names.api_keys(connection, registry),
        in_use=_in_use(registry, int((taken.taken_at - IN_USE).timestamp())),
    )


def _billed(
    connection: Connection, names: dict[int, str], since: date
) -> dict[str, frozenset[date]]:
    by_id = billed_days(connection, since)
    return {names[account_id]: frozenset(days) for account_id, days in by_id.items()}


def _in_use(registry: Registry, since: int) -> dict[str, frozenset[Dimensions]]:
    return {
        account.name: registry.in_use(account.id, PROBE, since)
        for account in registry.accounts.values()
    }


def _accounts(registry: Registry) -> tuple[AccountState, ...]:
    return tuple(
        AccountState(
            provider=account.provider,
            account=account.name,
            organization_id=account.organization_id,
            organization_name=account.organization_name,
            counting_since=moment(account.counting_since),
        )
        for account in registry.accounts.values()
    )


def _sources(connection: Connection, registry: Registry) -> tuple[SourceState, ...]:
    accounts = {account.id: account for account in registry.accounts.values()}
    return tuple(
        SourceState(
            provider=accounts[account_id].provider,
            account=accounts[account_id].name,
            source=source,
            last_success=known.last_success,
            watermark=known.watermark,
            history_start=known.history_start,
            history_target=known.history_target,
            catching_up_until=known.catching_up_until,
        )
        for (account_id, source), known in all_progress(connection).items()
    )


def billed_days(connection: Connection, since: date = date.min) -> dict[int, set[date]]:
    """Return by account id the UTC days whose bill is in force."""
    table = tables.bill_days
    days: dict[int, set[date]] = defaultdict(set)
    query = select(table.c.account_id, table.c.day).where(
        table.c.billed_at.is_not(None), table.c.day >= since.toordinal()
    )
    for account_id, day in connection.execute(query):
        days[account_id].add(date.fromordinal(day))
    return days


def _first_seen(registry: Registry, names: dict[int, str]) -> dict[Scope, datetime]:
    return {
        Scope(names[account_id], kind, member): datetime.fromtimestamp(hour, UTC)
        for account_id, kind, member, hour in registry.scopes().values()
        if kind == "model"
    }


def _size(connection: Connection) -> int:
    if connection.dialect.name != "sqlite":
        return 0
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar() or 0
    return int(pages) * int(connection.exec_driver_sql("PRAGMA page_size").scalar() or 0)


def books(connection: Connection) -> list[StoredBook]:
    """Return the price books, oldest first."""
    table = tables.price_books
    rows = connection.execute(select(table).order_by(table.c.id))
    return [StoredBook(moment(row.accepted_at), row.document) for row in rows]
