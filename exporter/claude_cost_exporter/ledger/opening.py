"""Opening a ledger: the lock, the migrations, and what to do with a corrupt file (floor 2)."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

import structlog
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from claude_cost_exporter.errors import LedgerCorruptError, LedgerError, LedgerLockedError
from claude_cost_exporter.ledger.schema import VERSION_TABLE, bring_up_to_date

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")
ONLY_OWNER = 0o600
UNOPENED = "unable to open database file"
_CORRUPT = ("malformed", "not a database", "disk image", "file is encrypted")


def sqlite_path(url: str) -> Path | None:
    """Return the file of a SQLite URL, or None when it has none."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    return Path(str(parsed.database))


class FileLock:
    """An exclusive OS lock beside the ledger. The system drops it when the process dies."""

    def __init__(self, ledger: Path) -> None:
        self.path = ledger.with_name(ledger.name + ".lock")
        self.was_there = self.path.exists()
        """Whether a ledger has been here before, whatever the file is now."""
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock, or say who has it."""
        try:
            self._file = self.path.open("a+")
        except OSError as error:
            raise LedgerError(f"cannot write {self.path}: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise LedgerLockedError(
                f"another exporter (process {holder}) holds the ledger behind {self.path}; "
                "stop it, or give this one a ledger of its own with ledger.url"
            ) from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def remove_new(self) -> None:
        """Leave no trace beside a file that turned out not to be a ledger."""
        if not self.was_there:
            self.path.unlink(missing_ok=True)

    def release(self) -> None:
        """Give the lock back."""
        if self._file is not None:
            self._file.close()
            self._file = None


def connect(url: str, *, read_only: bool = False) -> Engine:
    """Return an engine; SQLite in WAL mode, with full durability and foreign keys."""
    path = sqlite_path(url)
    if path is None:
        return create_engine(url)
    engine = create_engine(f"sqlite:///file:{path}?mode=ro&uri=true" if read_only else url)

    @event.listens_for(engine, "connect")
    def _configure(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in () if read_only else PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        connection.isolation_level = None  # the driver's own BEGIN leaves out CREATE TABLE

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def empty_log(engine: Engine) -> None:
    """Bring everything into the file itself: what was deleted is nowhere any more."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            raw = connection.connection.dbapi_connection
            if raw is not None:  # outside of a transaction
                raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")


def open_engine(url: str, now: datetime, *, ours: bool = True) -> tuple[Engine, Path | None]:
    """Return a ready engine and, when a corrupt file had to be moved aside, its new name.

    A file that is not known to be `ours` is left alone.
    """
    path = sqlite_path(url)
    if path is not None:
        make_folder(path)
        make_private(path)
    try:
        return _checked(url), None
    except LedgerCorruptError as error:
        if path is None:
            raise
        if not ours and not path.with_name(f"{path.name}-wal").exists():
            raise LedgerError(
                f"{path} is not a ledger: {error.reason}; check ledger.url"
            ) from error
        aside = move_aside(path, now)
        structlog.get_logger().error(
            "ledger is corrupt: moved aside, counters start again at 0",
            ledger=str(path),
            moved_to=str(aside),
            reason=error.reason,
        )
        make_private(path)
        return _checked(url), aside


def make_folder(path: Path) -> None:
    """Create the ledger's folder, private to its owner."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise LedgerError(
            f"cannot create {path.parent} for the ledger {path.name}: {error.strerror}"
        ) from error


def make_private(path: Path) -> None:
    """Create an empty ledger that only its owner may read; SQLite's side files follow its mode."""
    with suppress(OSError):  # what is there already stays, and SQLite says what is wrong
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, ONLY_OWNER))


def _checked(url: str) -> Engine:
    refuse_foreign(url)
    engine = connect(url)
    try:
        with translated(url), engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
                if verdict != "ok":
                    raise LedgerCorruptError(path_or_url(url), f"quick_check says: {verdict}")
        with translated(url):
            bring_up_to_date(engine)
    except LedgerError:
        engine.dispose()
        raise
    return engine


def refuse_foreign(url: str) -> None:
    """Refuse a database that holds somebody else's tables, before anything there is changed."""
    path = sqlite_path(url)
    if path is None or not path.exists():
        return
    # Without a log the file is whole; reading it as it lies then leaves no new files beside it.
    how = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "immutable=1"
    engine = create_engine(f"sqlite:///file:{path}?{how}&uri=true", poolclass=NullPool)
    with translated(url), engine.connect() as connection:
        names = set(connection.exec_driver_sql("select name from sqlite_master").scalars())
    if names and VERSION_TABLE not in names:
        raise LedgerError(
            f"{path} is a database of something else (it has {min(names)}); check ledger.url"
        )


def move_aside(path: Path, now: datetime) -> Path:
    """Rename a ledger and its side files; nothing is ever deleted."""
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}.corrupt-{stamp}")
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside


def path_or_url(url: str) -> Path | str:
    """Return what a sentence calls the ledger."""
    return sqlite_path(url) or make_url(url).render_as_string(hide_password=True)


def _why(name: Path | str, cause: str) -> str:
    """Return the system's reason where SQLite knows none."""
    if cause == UNOPENED and isinstance(name, Path):
        try:
            name.open("rb").close()
        except OSError as error:
            return error.strerror or cause
    return cause


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Turn database errors into ours: a sentence with the ledger's name."""
    name = path_or_url(url)
    try:
        yield
    except DatabaseError as error:
        cause = str(error.orig)
        if any(mark in cause for mark in _CORRUPT):
            raise LedgerCorruptError(name, cause) from error
        if isinstance(error, OperationalError) or isinstance(error.orig, sqlite3.Error):
            raise LedgerError(f"the ledger {name} cannot be used: {_why(name, cause)}") from error
        raise
    except SQLAlchemyError as error:
        raise LedgerError(f"the ledger {name} cannot be used: {error}") from error
