"""Storing names of organisations, workspaces and keys (floor 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from claude_cost_exporter.errors import LedgerError
from claude_cost_exporter.ledger import tables
from claude_cost_exporter.ledger.upsert import upsert
from claude_cost_exporter.records import DEFAULT_WORKSPACE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from claude_cost_exporter.ledger.base import Names
    from claude_cost_exporter.ledger.registry import Account


def store(
    connection: Connection,
    accounts: Mapping[str, Account],
    name: str,
    found: Names,
    read_at: datetime,
) -> None:
    """Store what was read at `read_at`; what was not read keeps what it had."""
    del read_at  # names carry no history: the newest read wins
    account = accounts[name]
    if found.organization:
        _refuse_twin(accounts, account, found.organization.organization_id)
        account.organization_id = found.organization.organization_id
        account.organization_name = found.organization.name
    default = (w.workspace_id for w in found.workspaces if w.is_default)
    account.real_default_id = next(default, account.real_default_id)
    if account.default_workspace_id is None:
        account.default_workspace_id = account.real_default_id
    _save_account(connection, account)
    _save_workspaces(connection, account, found)
    _save_api_keys(connection, account, found)


def _refuse_twin(accounts: Mapping[str, Account], account: Account, organization: str) -> None:
    for other in accounts.values():
        if other.id != account.id and other.organization_id == organization:
            raise LedgerError(
                f"accounts {other.name} and {account.name} both belong to organisation "
                f"{organization}: its usage would count twice; remove one of them"
            )


def _save_account(connection: Connection, account: Account) -> None:
    names = ("organization_id", "organization_name", "default_workspace_id", "real_default_id")
    values = {name: getattr(account, name) for name in names}
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
