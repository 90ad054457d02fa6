"""The names of organisations, workspaces and keys (floor 2)."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import select, update

from claude_cost_exporter.catalogue import OTHER
from claude_cost_exporter.clock import floor_hour
from claude_cost_exporter.errors import OrganizationError, OtherOrganizationError
from claude_cost_exporter.ledger import tables
from claude_cost_exporter.ledger.upsert import upsert
from claude_cost_exporter.records import BILL_WHO, DEFAULT_WORKSPACE
from claude_cost_exporter.snapshot import ApiKeyName, WorkspaceName

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date

    from sqlalchemy import Connection, Table

    from claude_cost_exporter.ledger.base import BillBatch, Names
    from claude_cost_exporter.ledger.registry import Account, Registry
    from claude_cost_exporter.records import OrganizationRecord, Window


WORKSPACE_INFO, API_KEY_INFO = "workspace_info", "api_key_info"
"""Kinds of scopes: they bound how many names are shown, once and for ever."""

N = TypeVar("N", WorkspaceName, ApiKeyName)


def store(
    connection: Connection, registry: Registry, account: Account, found: Names, read_at: datetime
) -> None:
    """Store what was read; what was not read keeps what it had."""
    if any(
        w.workspace_id == account.real_default_id and not w.is_default for w in found.workspaces
    ):
        account.real_default_id = None  # it was a guess, and a wrong one
    default = (w.workspace_id for w in found.workspaces if w.is_default)
    account.real_default_id = next(default, account.real_default_id)
    if account.default_workspace_id is None:
        account.default_workspace_id = account.real_default_id
    save(connection, account, "default_workspace_id", "real_default_id")
    _save_workspaces(connection, account, found)
    _save_api_keys(connection, account, found)
    hour = int(floor_hour(read_at).timestamp())
    for table, kind in ((tables.workspaces, WORKSPACE_INFO), (tables.api_keys, API_KEY_INFO)):
        _, member, *_ = table.columns
        for one in connection.execute(select(member).where(table.c.account_id == account.id)):
            registry.scope_id(connection, account.id, kind, one[0], hour)
    registry.save(connection)


def workspaces(connection: Connection, registry: Registry) -> tuple[WorkspaceName, ...]:
    """Return every workspace with its name."""
    return _read(connection, registry, tables.workspaces, WORKSPACE_INFO, WorkspaceName)


def api_keys(connection: Connection, registry: Registry) -> tuple[ApiKeyName, ...]:
    """Return every key with its name."""
    return _read(connection, registry, tables.api_keys, API_KEY_INFO, ApiKeyName)


def _read(
    connection: Connection, registry: Registry, table: Table, kind: str, name: type[N]
) -> tuple[N, ...]:
    """Return what is stored; all that is beyond the cap is one name of an account: `other`."""
    accounts = {account.id: account.name for account in registry.accounts.values()}
    found: dict[N, None] = {}
    for account_id, *values in connection.execute(select(table)):
        beyond = registry.is_beyond(account_id, kind, values[0])
        shown = [OTHER] * len(values) if beyond else values
        found[name(accounts[account_id], *shown)] = None
    return tuple(found)


def learn_default(
    connection: Connection, registry: Registry, account: Account, batch: BillBatch
) -> None:
    """Find out the default workspace's own id where no list has it: it is billed all the same.

    It is an id that is billed by its key and never used, on days on which `default` is used. The
    legacy report has no key, and calls the default workspace null: it cannot tell.
    """
    table = tables.workspaces
    query = select(table.c.workspace_id).where(table.c.account_id == account.id)
    listed = set(connection.execute(query).scalars())
    if account.real_default_id is not None or not listed:
        return
    billed: dict[str, set[date]] = defaultdict(set)
    for row in batch.rows:
        if row.query_set.startswith(BILL_WHO) and row.amount:
            billed[row.dimensions.workspace_id].add(row.day)
    unlisted = billed.keys() - listed - {"", DEFAULT_WORKSPACE}
    if len(unlisted) != 1:
        return
    (found,) = unlisted
    days_used = _days_used(connection, account, batch.window)
    if not registry.has_workspace(account.id, found) and billed[found] <= days_used:
        account.real_default_id = found
        save(connection, account, "real_default_id")


def _days_used(connection: Connection, account: Account, window: Window) -> set[date]:
    """Return the UTC days of a window on which the default workspace was used."""
    hours, scopes = tables.hours, tables.scopes
    query = (
        select(hours.c.hour)
        .join_from(hours, scopes)
        .where(scopes.c.account_id == account.id, scopes.c.kind == "workspace")
        .where(scopes.c.member == account.workspace(DEFAULT_WORKSPACE), hours.c.tokens > 0)
        .where(hours.c.hour >= int(window.start.timestamp()))
        .where(hours.c.hour < int(window.end.timestamp()))
    )
    return {
        datetime.fromtimestamp(hour, UTC).date() for hour in connection.execute(query).scalars()
    }


def bind(
    connection: Connection,
    accounts: Mapping[str, Account],
    account: Account,
    organization: OrganizationRecord,
    configured: Collection[str],
) -> None:
    """Write down whose an account is, once and for ever; nothing may count under two names."""
    found, known = organization.organization_id, account.organization_id
    if known not in {"", found}:
        raise OtherOrganizationError(
            f"account {account.name} has the key of organisation {found}, and in this ledger it "
            f"is organisation {known}: give it a key of that one, or another account name"
        )
    for other in accounts.values():
        if other.id != account.id and other.organization_id == found:
            raise _twin(account, other, found, is_configured=other.name in configured)
    account.organization_id, account.organization_name = found, organization.name
    save(connection, account, "organization_id", "organization_name")


def _twin(
    account: Account, other: Account, organization: str, *, is_configured: bool
) -> OrganizationError:
    if is_configured:
        first, second = sorted((other.name, account.name))
        return OrganizationError(
            f"accounts {first} and {second} both belong to organisation "
            f"{organization}: its usage would count twice; remove one of them"
        )
    return OrganizationError(
        f"account {account.name} belongs to organisation {organization}, which this ledger knows "
        f"as account {other.name}: use the old name again, or a new ledger (ledger.url)"
    )


def save(connection: Connection, account: Account, *fields: str) -> None:
    """Write fields of an account."""
    values = {name: getattr(account, name) for name in fields}
    table = tables.accounts
    connection.execute(update(table).where(table.c.id == account.id).values(values))


def _save_workspaces(connection: Connection, account: Account, found: Names) -> None:
    default = account.default_workspace_id or DEFAULT_WORKSPACE
    rows = [
        {
            "account_id": account.id,
            "workspace_id": default if w.is_default else w.workspace_id,
            "name": w.name,
            "status": w.status,
            "team": w.team,
        }
        for w in found.workspaces
    ]
    upsert(connection, tables.workspaces, rows)
    table = tables.workspaces
    known = select(table.c.workspace_id).where(
        table.c.account_id == account.id, table.c.workspace_id == default
    )
    if not connection.execute(known).first():
        row = {"account_id": account.id, "workspace_id": default, "name": "Default"}
        upsert(connection, table, [{**row, "status": "active", "team": ""}])


def _save_api_keys(connection: Connection, account: Account, found: Names) -> None:
    default = account.default_workspace_id or DEFAULT_WORKSPACE
    rows = [
        {
            "account_id": account.id,
            "api_key_id": key.api_key_id,
            "name": key.name,
            "workspace_id": account.workspace(key.workspace_id or default),
            "status": key.status,
        }
        for key in found.api_keys
    ]
    upsert(connection, tables.api_keys, rows)
