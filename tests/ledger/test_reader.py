"""A reader beside a writer: one state of the ledger, and nothing changed."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from claude_cost_exporter.ledger import tables
from claude_cost_exporter.ledger.base import Settings
from claude_cost_exporter.ledger.reader import LedgerReader
from tests.support.simulated import Simulated


@pytest.fixture
def simulated(tmp_path):
    """An exporter that has polled once."""
    running = Simulated(tmp_path)
    running.poll()
    yield running
    running.close()


def test_what_is_written_meanwhile_is_not_seen(simulated):
    """One reading is one state, however often the exporter polls until it ends."""
    newest = select(func.max(tables.progress.c.last_success))
    with LedgerReader(simulated.exporter.ledger_url) as reader:
        with reader._reading() as (connection, _):
            before = connection.execute(newest).scalar()
            simulated.wait(minutes=10)
            simulated.poll()
            assert connection.execute(newest).scalar() == before
        with reader._reading() as (connection, _):
            assert connection.execute(newest).scalar() > before


def test_its_snapshot_is_the_writers(simulated):
    """A snapshot that is read says what the exporter's own one says.

    Counters and Claude Code are left out of it; of recent tokens the exporter keeps what it read
    once in the hour.
    """
    simulated.wait(minutes=10)
    simulated.poll()
    now, own = simulated.clock.now(), simulated.snapshot()
    with LedgerReader(simulated.exporter.ledger_url) as reader:
        read = reader.snapshot(Settings(), now)
    assert own.counters
    for name in own.__slots__:
        if name not in ("counters", "coding", "ledger_bytes", "last_day", "last_week"):
            assert getattr(read, name) == getattr(own, name), name


def test_it_cannot_write(simulated):
    """The file is opened for reading only."""
    with (
        LedgerReader(simulated.exporter.ledger_url) as reader,
        pytest.raises(OperationalError, match="readonly"),
        reader._engine.begin() as connection,
    ):
        connection.execute(tables.facts.delete())
