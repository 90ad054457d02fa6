"""Claude Code: a snapshot of 300 users over two months, unchanged and after a change."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks.figures import Figure
from claude_cost_exporter.clock import DAY, ManualClock
from claude_cost_exporter.ledger.base import CodingBatch, Settings
from claude_cost_exporter.ledger.sql import SqlLedger
from claude_cost_exporter.records import (
    CLAUDE_CODE,
    CodingCounts,
    CodingDay,
    CodingRecord,
    CodingUse,
    Window,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 10, 31, 12, 30, tzinfo=UTC)
MIDNIGHT = NOW.replace(hour=0, minute=0)
USERS = 300
DAYS = 62
MODELS = 3


def figures() -> Iterator[Figure]:
    """Measure both on the last day of a long month."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = SqlLedger(f"sqlite:///{folder}/ledger.db", Settings(), ManualClock(NOW))
        ledger.register("acme", "anthropic")
        ledger.coding.name_users("acme", "hashed", USERS)
        yield Figure("claude_code_load_of_62_days", _read(ledger, 1), "s", 10)
        yield Figure("claude_code_snapshot_after_a_change", _snapshot(ledger), "s", 0.5)
        _read(ledger, 1)
        yield Figure("claude_code_snapshot_unchanged", _snapshot(ledger), "s", 0.05)
        ledger.close()


def _snapshot(ledger: SqlLedger) -> float:
    started = time.perf_counter()
    taken = ledger.snapshot(NOW)
    seconds = time.perf_counter() - started
    if [len(window.activity) for window in taken.coding] != [USERS] * 3:
        raise AssertionError(taken.coding)
    return seconds


def _read(ledger: SqlLedger, factor: int) -> float:
    """Upsert every day; return the seconds it took."""
    days = [CodingDay((MIDNIGHT - DAY * n).date(), _rows(factor)) for n in range(DAYS)]
    window = Window(MIDNIGHT - DAY * (DAYS - 1), MIDNIGHT + DAY)
    batch = CodingBatch("acme", CLAUDE_CODE, window, NOW, days)
    started = time.perf_counter()
    ledger.coding.upsert(batch)
    return time.perf_counter() - started


def _rows(factor: int) -> tuple[CodingRecord, ...]:
    use = CodingUse(1000 * factor, 200, 5000, 300, 9_000_000)
    models = {f"claude-{n}": use for n in range(MODELS)}
    counts = CodingCounts(2, 100, 50, 1, 1, 20, 2)
    return tuple(CodingRecord(f"user_{n:016x}", "api", counts, models) for n in range(USERS))
