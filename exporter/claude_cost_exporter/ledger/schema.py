"""The ledger's tables: made at once in an empty database, migrated in an older one (floor 2)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Column, MetaData, String, Table, insert, inspect, select

from claude_cost_exporter.errors import LedgerError
from claude_cost_exporter.ledger.tables import metadata

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

NEWEST = "0001"
"""The last of migrations/versions: what `ledger.tables` declares."""
VERSION_TABLE = "alembic_version"
_version = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True))


def bring_up_to_date(engine: Engine) -> None:
    """Make or migrate the tables, all of them or none. Raises LedgerError for a newer ledger."""
    with engine.begin() as connection:
        found = _found(connection)
        if found is None:
            metadata.create_all(connection)
            _version.create(connection)
            connection.execute(insert(_version).values(version_num=NEWEST))
        elif found != NEWEST:
            upgrade(connection)


def upgrade(connection: Connection) -> None:
    """Run the migrations that a database has not seen."""
    # Here and not above: Alembic is 10 MB of modules that nearly no start needs.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util.exc import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise LedgerError(
            f"the ledger was written by a newer version of this program: {error}; use that "
            "version, or give this one a ledger of its own with ledger.url"
        ) from error


def _found(connection: Connection) -> str | None:
    """Return the version of the tables; None for an empty database, "" before the first step."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(select(_version.c.version_num)).scalar() or ""
