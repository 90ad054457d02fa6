"""Writing thirty days of an organisation's past for Prometheus: counters, and gauges with them."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Figure
from benchmarks.ledger import NOW, RATES
from claude_cost_exporter.backfill.past import Configured, Past
from claude_cost_exporter.backfill.spool import Spool, Target
from claude_cost_exporter.clock import DAY, HOUR, ManualClock
from claude_cost_exporter.ledger.base import Batch, PricedUsage, Settings
from claude_cost_exporter.ledger.reader import LedgerReader
from claude_cost_exporter.ledger.sql import SqlLedger
from claude_cost_exporter.plans import Plans
from claude_cost_exporter.records import (
    ATTRIBUTION,
    PROBE,
    Dimensions,
    Tokens,
    UsageRecord,
    Window,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

DAYS = 30
SERIES = 30
STEP = 300


def figures() -> Iterator[Figure]:
    """Measure seconds of this process, so that others on the machine do not count."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/ledger.db"
        _fill(url)
        configured = Configured(frozenset({"acme"}), Settings(), Plans())
        started = time.process_time()
        with LedgerReader(url) as ledger, ledger.counter_history(10_000) as counters:
            past = Past(ledger, counters, configured, partial=True)
            with Spool(Path(folder) / "past.om", Target("job", "instance")) as spool:
                past.write(spool, STEP)
        rate = spool.samples / (time.process_time() - started)
    yield Figure("backfill_samples_a_second", rate, "samples/s", 200_000, at_least=True)


def _fill(url: str) -> None:
    """Load thirty days in which every series is used in every third hour."""
    ledger = SqlLedger(url, Settings(), ManualClock(NOW))
    ledger.register("acme", "anthropic")
    end = NOW.replace(minute=0)
    ledger.upsert(Batch("acme", "usage", Window(end - HOUR, end + HOUR), NOW, []))
    for day in range(DAYS):
        window = Window(end - HOUR - DAY * (day + 1), end - HOUR - DAY * day)
        hours = (window.start + n * HOUR for n in range(24))
        rows = [row for hour in hours for row in _rows(hour)]
        ledger.upsert(Batch("acme", "usage", window, NOW, rows, is_history=True))
    ledger.close()


def _rows(hour: datetime) -> Iterator[PricedUsage]:
    for n in range(SERIES):
        if (hour.hour + n) % 3 == 0:
            price = Dimensions(f"claude-{n % 5}", "standard", "0-200k", "global", "standard")
            who = price._replace(workspace_id=f"wrkspc_{n % 6}", api_key_id=f"apikey_{n}")
            tokens = Tokens(1000 * n, 200, 5000, 300, 100)
            yield PricedUsage(UsageRecord(ATTRIBUTION, hour, who, tokens), RATES)
            yield PricedUsage(UsageRecord(PROBE, hour, price, tokens), RATES)
