"""The ledger: a re-poll of 48 hours, and a snapshot of two million rows."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Figure
from claude_cost_exporter.clock import HOUR, ManualClock
from claude_cost_exporter.ledger.base import Batch, PricedUsage, Settings
from claude_cost_exporter.ledger.sql import SqlLedger
from claude_cost_exporter.pricing.rates import Rates
from claude_cost_exporter.records import ATTRIBUTION, Dimensions, Tokens, UsageRecord, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
SERIES = 240
HOURS = 48
MILLIONS_OF_ROWS = 2
RATES = Rates((3 * 10**9, 15 * 10**9, 3 * 10**8, 375 * 10**7, 6 * 10**9), 10**7)


def figures() -> Iterator[Figure]:
    """Measure both on one ledger."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = SqlLedger(f"sqlite:///{folder}/ledger.db", Settings(), ManualClock(NOW))
        ledger.register("acme", "anthropic")
        _poll(ledger, 0)
        yield Figure("repoll_48h_240_series_unchanged", _poll(ledger, 0), "s", 0.5)
        yield Figure("repoll_48h_240_series_all_changed", _poll(ledger, 1), "s", 0.5)
        ledger.close()
        _fill(Path(folder) / "ledger.db")
        ledger = SqlLedger(f"sqlite:///{folder}/ledger.db", Settings(), ManualClock(NOW))
        ledger.snapshot(NOW)
        started = time.perf_counter()
        ledger.snapshot(NOW)
        seconds = time.perf_counter() - started
        yield Figure("snapshot_of_2_million_rows", seconds, "s", 0.3)
        ledger.close()


def _poll(ledger: SqlLedger, tokens: int) -> float:
    """Upsert 48 hours of 240 series; return the seconds it took."""
    end = NOW.replace(minute=0) + HOUR
    rows = [
        PricedUsage(
            UsageRecord(ATTRIBUTION, end - HOUR * (hour + 1), _who(n), _used(tokens)), RATES
        )
        for hour in range(HOURS)
        for n in range(SERIES)
    ]
    batch = Batch("acme", "usage", Window(end - HOUR * HOURS, end), NOW, rows)
    started = time.perf_counter()
    ledger.upsert(batch)
    return time.perf_counter() - started


def _who(n: int) -> Dimensions:
    where = (f"wrkspc_{n % 5}", f"apikey_{n % 60}")
    return Dimensions(f"claude-{n % 4}", "standard", "0-200k", "global", "standard", *where)


def _used(tokens: int) -> Tokens:
    return Tokens(1000 + tokens, 200, 5000, 300, 100)


def _fill(path: Path) -> None:
    """Write two million rows and their sums, straight into the file."""
    connection = sqlite3.connect(path)
    first = int(NOW.timestamp()) // 3600 * 3600 - 60 * 3600
    hours = MILLIONS_OF_ROWS * 10**6 // SERIES
    connection.executemany(
        "insert or replace into usage values (?, ?, 3600, 1000, 200, 5000, 300, 100, 0, 1, 9000)",
        ((first - h * 3600, n + 1) for h in range(hours) for n in range(SERIES)),
    )
    connection.execute(
        "insert or replace into hours select s.id, b.bucket_start, 9000, 9000, 6600 from scopes s, "
        "(select distinct bucket_start from usage) b"
    )
    connection.execute(
        "insert or replace into days select scope_id, 719163 + hour / 86400, sum(cost), "
        "sum(spend), sum(tokens) from hours group by 1, 2"
    )
    connection.commit()
    connection.close()
