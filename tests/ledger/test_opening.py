"""Opening: locks, corrupt and unwritable files, migrations, time zones."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from datetime import timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event

from claude_cost_exporter.clock import ManualClock
from claude_cost_exporter.errors import LedgerError, LedgerLockedError
from claude_cost_exporter.ledger import schema
from claude_cost_exporter.ledger.base import Settings
from claude_cost_exporter.ledger.opening import connect
from claude_cost_exporter.ledger.reader import LedgerReader
from claude_cost_exporter.ledger.sql import SqlLedger
from claude_cost_exporter.ledger.tables import metadata
from tests.support.ledger import INPUT_NANO, MINUTE, START, Account, used


def test_two_exporters_never_share_a_ledger(account, url):
    """A second exporter on the same ledger is refused, with the holder's process id."""
    with pytest.raises(LedgerLockedError, match=f"process {os.getpid()}"):
        SqlLedger(url, Settings(), ManualClock(START))


def test_the_lock_does_not_survive_kill_9(url):
    """The lock is the system's: it is free as soon as its process is dead."""
    code = (
        "import time; from claude_cost_exporter.clock import SystemClock; "
        "from claude_cost_exporter.ledger.sql import SqlLedger; "
        "from claude_cost_exporter.ledger.base import BillBatch, Settings; "
        f"ledger = SqlLedger({url!r}, Settings(), SystemClock()); print('open', flush=True); "
        "time.sleep(60)"
    )
    environment = os.environ | {"PYTHONPATH": "exporter"}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as holder:
        try:
            assert holder.stdout.readline() == b"open\n"
            with pytest.raises(LedgerLockedError):
                SqlLedger(url, Settings(), ManualClock(START))
        finally:
            holder.kill()
    SqlLedger(url, Settings(), ManualClock(START)).close()


def test_only_its_owner_may_read_a_new_ledger(url, tmp_path):
    """The file and what SQLite keeps beside it are private from the start."""
    before = os.umask(0o022)
    try:
        account = Account(url, Settings())
        account.poll(START, *used(START, 10))
        files = [tmp_path / f"ledger.db{suffix}" for suffix in ("", "-wal", "-shm")]
        assert [stat.S_IMODE(path.stat().st_mode) for path in files] == [0o600] * 3
        account.ledger.close()
    finally:
        os.umask(before)


def test_a_corrupt_ledger_is_moved_aside(url, tmp_path):
    """A corrupt file is kept under a new name; counters start again and say so for a day."""
    account = Account(url, Settings())
    account.poll(START, *used(START, 10))
    account.ledger.close()
    path = tmp_path / "ledger.db"
    path.write_bytes(b"this is not a database" * 100)
    later = START + MINUTE
    account.open(later)
    assert account.ledger.moved_aside is not None
    assert account.ledger.moved_aside.read_bytes().startswith(b"this is not a database")
    assert account.snapshot(later).state_lost_at == later
    account.poll(later, *used(START, 30))
    account.poll(later + MINUTE, *used(START, 40))
    assert account.cost(later + 5 * MINUTE) == 10 * INPUT_NANO
    account.ledger.close()


def test_a_ledger_that_is_damaged_inside_is_moved_aside(url, tmp_path):
    """Damage behind an intact header is found before anything is counted on it."""
    account = Account(url, Settings())
    rows = [row for n in range(300) for row in used(START, n + 1, key=f"apikey_{n}")]
    account.poll(START, *rows)
    account.ledger.close()
    path = tmp_path / "ledger.db"
    body = bytearray(path.read_bytes())
    body[4096 * 3 : 4096 * 20] = b"\xff" * (4096 * 17)
    path.write_bytes(body)
    account.open(START)
    assert account.ledger.moved_aside is not None
    account.ledger.close()


def test_a_full_disk_loses_nothing(account, url):
    """When the disk is full the poll fails with a sentence and the next good one catches up."""
    account.poll(START, *used(START, 10))
    pages = account.ledger._engine.connect().exec_driver_sql("PRAGMA page_count").scalar()
    limit = _limit_pages(account.ledger, pages)
    many = [row for n in range(2000) for row in used(START, 5, key=f"apikey_{n}")]
    with pytest.raises(LedgerError, match=r"ledger\.db cannot be used: .*full"):
        account.poll(START + MINUTE, *used(START, 10), *many)
    assert account.cost(START + 3 * MINUTE) == 0
    limit(2**30)
    account.poll(START + 4 * MINUTE, *used(START, 10), *many)
    assert account.cost(START + 9 * MINUTE) == 10_000 * INPUT_NANO


def _limit_pages(ledger, pages):
    """Make SQLite believe that the disk ends after `pages`."""

    def limit(count):
        ledger._engine.dispose()
        from sqlalchemy import event  # noqa: PLC0415

        def set_limit(connection, _):
            connection.execute(f"PRAGMA max_page_count={count}")

        event.listen(ledger._engine, "connect", set_limit)

    limit(pages)
    return limit


def test_an_unwritable_folder_is_a_sentence(tmp_path):
    """A ledger that cannot be created names the place and the cause."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(LedgerError, match=r"cannot create .*file"):
        SqlLedger(f"sqlite:///{blocked}/ledger.db", Settings(), ManualClock(START))


def test_a_read_only_ledger_is_a_sentence(url, tmp_path):
    """A ledger on read-only storage fails the poll with a sentence and keeps its rows."""
    account = Account(url, Settings())
    account.poll(START, *used(START, 10))
    account.ledger._engine.dispose()
    uri = f"sqlite:///file:{tmp_path}/ledger.db?mode=ro&uri=true"
    writable, account.ledger._engine = account.ledger._engine, connect(uri)
    with pytest.raises(LedgerError, match="readonly"):
        account.poll(START + MINUTE, *used(START, 20))
    account.ledger._engine.dispose()
    account.ledger._engine = writable
    account.poll(START + 2 * MINUTE, *used(START, 20))
    assert account.cost(START + 5 * MINUTE) == 10 * INPUT_NANO
    account.ledger.close()


def test_what_cannot_be_opened_has_the_systems_reason(tmp_path):
    """A folder in the place of the ledger is called one, and named once."""
    (tmp_path / "ledger.db").mkdir()
    with pytest.raises(LedgerError) as caught:
        SqlLedger(f"sqlite:///{tmp_path}/ledger.db", Settings(), ManualClock(START))
    assert str(caught.value) == f"the ledger {tmp_path}/ledger.db cannot be used: Is a directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_ledger_that_may_not_be_read_says_so(tmp_path):
    """A file without permissions is told apart from a broken one."""
    path = tmp_path / "ledger.db"
    path.write_bytes(b"")
    path.chmod(0)
    with pytest.raises(LedgerError, match="cannot be used: Permission denied"):
        SqlLedger(f"sqlite:///{path}", Settings(), ManualClock(START))


def test_who_only_reads_refuses_what_is_no_ledger(tmp_path):
    """A database of something else is called that, and a text file is named once."""
    foreign, text = tmp_path / "foreign.db", tmp_path / "notes.txt"
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("create table songs (id integer)")
    text.write_text("sources: []\n" * 200)
    with pytest.raises(LedgerError, match=r"is a database of something else \(it has songs\)"):
        LedgerReader(f"sqlite:///{foreign}")
    with pytest.raises(LedgerError) as caught:
        LedgerReader(f"sqlite:///{text}")
    assert str(caught.value) == f"the ledger {text} is corrupt: file is not a database"


def test_a_file_that_is_no_ledger_is_left_alone(tmp_path):
    """A mistyped ledger.url renames nobody's file, writes no tables, and leaves no lock behind."""
    (tmp_path / "config.yml").write_text("sources: []\n" * 200)
    for mode in ("delete", "wal"):
        connection = sqlite3.connect(tmp_path / f"{mode}.db")
        connection.execute(f"pragma journal_mode={mode}")
        connection.execute("create table accounts (id integer)")
        connection.commit()
        connection.close()
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for path in before:
        sentence = "something else" if path.suffix == ".db" else "is not a ledger"
        for _ in range(2):
            with pytest.raises(LedgerError, match=sentence):
                SqlLedger(f"sqlite:///{path}", Settings(), ManualClock(START))
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_database_in_use_by_something_else_is_left_alone(tmp_path):
    """What another program has written and not yet put into its file stays where it is."""
    path = tmp_path / "busy.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma journal_mode=wal")
        connection.execute("create table accounts (id integer)")
        connection.commit()
        files = (path, path.with_name("busy.db-wal"))
        before = [each.read_bytes() for each in files]
        with pytest.raises(LedgerError, match="something else"):
            SqlLedger(f"sqlite:///{path}", Settings(), ManualClock(START))
        assert [each.read_bytes() for each in files] == before


def test_tables_are_made_together_or_not_at_all(url, tmp_path):
    """A start that dies while it makes the tables leaves a ledger that can be opened."""
    last = metadata.sorted_tables[-1]

    def dying(*_, **__):
        raise KeyboardInterrupt

    event.listen(last, "after_create", dying)
    try:
        with pytest.raises(KeyboardInterrupt):
            SqlLedger(url, Settings(), ManualClock(START))
    finally:
        event.remove(last, "after_create", dying)
    connection = sqlite3.connect(tmp_path / "ledger.db")
    assert connection.execute("select count(*) from sqlite_master").fetchone() == (0,)
    connection.close()
    SqlLedger(url, Settings(), ManualClock(START)).close()


def test_a_ledger_of_a_newer_version_is_a_sentence(url, tmp_path):
    """An older program does not touch it, and says which of the two must change."""
    SqlLedger(url, Settings(), ManualClock(START)).close()
    connection = sqlite3.connect(tmp_path / "ledger.db")
    connection.execute("update alembic_version set version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(LedgerError, match="written by a newer version"):
        SqlLedger(url, Settings(), ManualClock(START))


def test_migrations_build_what_the_tables_say(url):
    """Step by step or at once: the schema is the declared one, and has the same version."""
    stepwise, at_once = connect(url), connect(url.replace("ledger.db", "at-once.db"))
    with stepwise.begin() as connection:
        schema.upgrade(connection)
    schema.bring_up_to_date(at_once)
    for engine in (stepwise, at_once):
        with engine.connect() as connection:
            context = MigrationContext.configure(connection)
            assert compare_metadata(context, metadata) == []
            assert context.get_current_revision() == schema.NEWEST
        engine.dispose()


def test_an_older_ledger_is_migrated(url, tmp_path):
    """A ledger whose tables are older than the program's, here none, goes through the steps."""
    SqlLedger(url, Settings(), ManualClock(START)).close()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        tables = connection.execute("select name from sqlite_master where type = 'table'")
        for (name,) in tables.fetchall():
            connection.execute(f"drop table {name}")
        connection.execute("create table alembic_version (version_num varchar(32) primary key)")
        connection.commit()
    account = Account(url, Settings())
    account.poll(START, *used(START, 10))
    account.ledger.close()


def test_days_follow_the_time_zone(url):
    """When the time zone changes the calendar days are summed anew."""
    late = START.replace(hour=23)
    account = Account(url, Settings())
    account.poll(late, *used(late, 10))
    account.ledger.close()
    account.settings = Settings(time_zone="Asia/Tokyo")
    account.open(late)
    days = account.snapshot(late).days
    (total,) = (value for scope, value in days.items() if scope.kind == "all")
    assert total == {(late + timedelta(hours=9)).date(): 10 * INPUT_NANO}
    account.ledger.close()
