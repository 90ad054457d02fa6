"""How SQLite reads the rows, which are millions in a large ledger."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

import pytest
from sqlalchemy import event

from claude_cost_exporter.ledger.reader import LedgerReader
from tests.support.simulated import Simulated

BY_TIME = "SEARCH usage USING PRIMARY KEY (bucket_start"


@pytest.fixture
def read(tmp_path):
    """What is asked of a ledger in a day of polls and by its reader: statements, and the plans."""
    simulated, asked = Simulated(tmp_path, "steady,unknown_model", poll="3600s"), {}
    engine = simulated.exporter.ledger._engine

    def note(connection, cursor, statement, parameters, context, many):
        if statement.startswith("SELECT") and "FROM usage" in statement:
            asked[statement] = parameters

    event.listen(engine, "before_cursor_execute", note)
    for _ in range(5):
        simulated.poll()
        while simulated.poller.load_history():
            pass
        simulated.wait(hours=9)
    today = simulated.clock.now().date()
    with LedgerReader(simulated.exporter.ledger_url) as reader:
        event.listen(reader._engine, "before_cursor_execute", note)
        list(reader.comparisons(today - timedelta(days=5), today - timedelta(days=1)))
    with engine.connect() as connection:
        yield {
            statement: connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            .mappings()
            .all()
            for statement, parameters in list(asked.items())
        }
    simulated.close()


def test_rows_of_a_time_are_read_once(read):
    """No join reads them once for each series: they come first in every loop, found by time."""
    assert len(read) >= 4
    for statement, plan in read.items():
        loops = defaultdict(list)
        for step in plan:
            if step["detail"].startswith(("SEARCH", "SCAN")):
                loops[step["parent"]].append(step["detail"])
        of_usage = [loop for loop in loops.values() if any(" usage" in step for step in loop)]
        assert of_usage, statement
        for first, *inner in of_usage:
            assert first.startswith(BY_TIME), (statement, first)
            assert not any(" usage" in step for step in inner), (statement, inner)
