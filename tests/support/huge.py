"""A huge organisation's history, loaded by a process of its own that can kill itself on the way.

`python -m tests.support.huge FOLDER NOW DAYS BILL [PERCENT MOMENT COUNT]` loads what the ledger in
FOLDER lacks of the last DAYS, on a simulated clock that shows NOW; BILL (served or forbidden) is
what the key may do with the cost report. It writes its log to standard error, as `serve` does,
and its figures to standard output, one JSON object after each round. With the other arguments
it kills itself in the first round that begins with at least PERCENT loaded:

- `request COUNT`: in the middle of that request;
- `usage COUNT`: while rows are being written, after COUNT thousand steps of SQLite's machine;
- `days COUNT`: the same while sums are added up: all rows are written and not committed;
- `commit COUNT`: before that commit: everything is written and nothing is committed.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import event

from claude_cost_exporter.cli.logs import configure
from claude_cost_exporter.clock import ManualClock
from claude_cost_exporter.simulator import Switches
from claude_cost_exporter.simulator.switches import Availability
from tests.support.simulated import Simulated

START = datetime(2026, 11, 20, tzinfo=UTC)
SWITCHES = Switches(max_rows_per_page=5_000)
MINUTE = timedelta(minutes=1)
STEPS = 1_000


class Load:
    """The exporter and the simulator in this process, and how far they are."""

    def __init__(self, folder: str, now: datetime, days: int, bill: str) -> None:
        self.days, self.clock = days, ManualClock(now)
        self.simulated = Simulated(
            folder,
            "huge_history",
            start=START,
            clock=self.clock,
            rendered=True,
            switches=replace(SWITCHES, cost_report=Availability(bill)),
            poll="60s",
            history=f"{days}d",
            api="legacy",
        )

    @property
    def loaded(self) -> float:
        """Return how many percent of the usage history are in the ledger."""
        known = self.simulated.exporter.ledger.progress("sim", "usage")
        if known.history_start is None:
            return 0.0
        return (START - known.history_start) / timedelta(days=self.days) * 100

    def run(self, before_round) -> None:
        """Poll every minute and load history in between, as the exporter's thread does."""
        loading = True
        while loading:
            self.simulated.poll()
            polled_at = self.clock.now()
            while loading and self.clock.now() < polled_at + MINUTE:
                before_round(self.loaded)
                loading = self.simulated.poller.load_history()
                self.tell()
        self.clock.advance(timedelta(hours=1))  # then the last hour before START is complete
        self.simulated.poll()

    def tell(self) -> None:
        """Write the figures of now."""
        requests = self.simulated.simulator.requests
        figures = {
            "loaded": self.loaded,
            "now": self.clock.now().isoformat(),
            "requests": requests.total,
            "refused": requests.by_status[400],
            "megabytes": peak_megabytes(),
            "cpu_seconds": time.process_time(),
        }
        print(json.dumps(figures), flush=True)  # noqa: T201 - read by the test


def peak_megabytes() -> float:
    """Return the most memory this process ever had.

    On Linux `ru_maxrss` begins with what the process that started this one had.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    (line,) = (s for s in status.read_text(encoding="ascii").splitlines() if s.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


class Death:
    """Kills this process, at a moment that can be told beforehand."""

    def __init__(self, load: Load, percent: str, moment: str, count: str) -> None:
        self._percent, self._moment, self._left = float(percent), moment, int(count)
        self._armed = False
        self._engine = load.simulated.exporter.ledger._engine
        simulator = load.simulated.simulator
        if moment == "request":
            answer = simulator.handle
            simulator.handle = lambda request: (self._count(), answer(request))[1]
        else:
            event.listen(self._engine, "before_cursor_execute", self._executing)

    def arm(self, loaded: float) -> None:
        self._armed = self._armed or loaded >= self._percent

    def _count(self, *_) -> None:
        self._left -= self._armed
        if self._armed and self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def _executing(self, connection, cursor, statement, parameters, context, executemany) -> None:
        """Count while the table is written, or the commits from the first row of usage on."""
        if self._moment == "commit" and self._armed and statement.startswith("INSERT INTO usage "):
            event.listen(self._engine, "commit", self._count)
        steps = self._count if statement.startswith(f"INSERT INTO {self._moment} ") else None
        cursor.connection.set_progress_handler(steps, STEPS)


def main(folder: str, now: str, days: str, bill: str, *death: str) -> None:
    configure("info", "json")
    load = Load(folder, datetime.fromisoformat(now), int(days), bill)
    load.run(Death(load, *death).arm if death else lambda _: None)
    load.simulated.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
