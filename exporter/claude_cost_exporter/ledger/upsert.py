"""INSERT ... ON CONFLICT, the same on SQLite and PostgreSQL (floor 2)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Table
    from sqlalchemy.sql import Executable


def upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    added: tuple[str, ...] = (),
) -> None:
    """Insert rows; where the primary key exists, replace the columns given, or add to them."""
    if rows:
        names = frozenset(rows[0])
        connection.execute(_statement(connection.dialect.name, table, names, added), list(rows))


@cache  # a poll writes the same tables again and again, and to build costs more than to run
def _statement(
    dialect: str, table: Table, names: frozenset[str], added: tuple[str, ...]
) -> Executable:
    statement = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    given = [column for column in table.columns if column.name in names]
    keys = [column.name for column in given if column.primary_key]
    changed = {
        column.name: column + statement.excluded[column.name]
        if column.name in added
        else statement.excluded[column.name]
        for column in given
        if not column.primary_key
    }
    whole: Executable = statement.on_conflict_do_update(index_elements=keys, set_=changed)
    return whole
