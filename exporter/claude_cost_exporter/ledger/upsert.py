"""INSERT ... ON CONFLICT, the same on SQLite and PostgreSQL (floor 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Connection, Table


def upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    added: Collection[str] = (),
) -> None:
    """Insert rows; where the primary key exists, replace the columns given, or add to them."""
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    given = [column for column in table.columns if column.name in rows[0]]
    keys = [column.name for column in given if column.primary_key]
    changed = {
        column.name: column + statement.excluded[column.name]
        if column.name in added
        else statement.excluded[column.name]
        for column in given
        if not column.primary_key
    }
    connection.execute(
        statement.on_conflict_do_update(index_elements=keys, set_=changed), list(rows)
    )
