"""The process as a user runs it: how soon it helps, and how much memory it takes."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Figure
from benchmarks.series import COUNT, series
from claude_cost_exporter.clock import SystemClock
from claude_cost_exporter.config.places import default_ledger_url, status_file
from claude_cost_exporter.ledger.base import Settings
from claude_cost_exporter.ledger.sql import SqlLedger
from claude_cost_exporter.report.status import BudgetStatus, Status
from claude_cost_exporter.simulator import Simulator, find
from claude_cost_exporter.simulator import serve as serve_simulator
from claude_cost_exporter.web.server import listen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROGRAM = (sys.executable, "-m", "claude_cost_exporter")
CONFIG = """
sources:
  - {{type: anthropic, account: acme, admin_key_env: KEY, base_url: "{url}",
     poll_interval: {poll}, history: {history}}}
ledger: {{url: "sqlite:///{folder}/ledger.db"}}
series_cap: 100000
"""
PATIENCE_SECONDS = 60
ENOUGH_POLLS = 5
PEAK, NOW = "VmHWM", "VmRSS"
FORMATS = ("text/plain", "application/openmetrics-text;version=1.0.0")


def figures() -> Iterator[Figure]:
    """Measure the command line, a normal organisation, and a very large one."""
    yield Figure("help", min(_timed("--help") for _ in range(5)), "s", 0.5)
    with tempfile.TemporaryDirectory() as folder:
        _write_status(Path(folder))
        yield Figure("status", min(_timed("status", HOME=folder) for _ in range(5)), "s", 0.3)
    with tempfile.TemporaryDirectory() as folder, serve_simulator(_organisation()) as api:
        with _exporter(folder, api.url, "90d", poll="5s") as (process, url):
            _wait_for(lambda: "loading" not in _get(url))
            idle = _megabytes(process.pid, NOW)
        yield Figure("idle_rss_of_a_normal_organisation", idle, "MB", 100, enforced=True)
    with tempfile.TemporaryDirectory() as folder, serve_simulator(_organisation()) as api:
        _fill(folder)
        with _exporter(folder, api.url, "0d", poll="1s") as (process, url):
            _wait_for(lambda: _polls(url) > ENOUGH_POLLS)
            peak = _megabytes(process.pid, PEAK)
        yield Figure("peak_rss_of_100k_series", peak, "MB", 250, enforced=True)


def _organisation() -> Simulator:
    return Simulator(find("steady"), seed=1)


def _timed(*arguments: str, **environment: str) -> float:
    """Return how long a command takes, the start of Python included."""
    started = time.perf_counter()
    subprocess.run(
        [*PROGRAM, *arguments], check=True, capture_output=True, env=os.environ | environment
    )
    return time.perf_counter() - started


def _write_status(home: Path) -> None:
    """Write what `status` reads where it looks for it."""
    now = SystemClock().now()
    budgets = tuple(BudgetStatus(f"team {n}", "month", 1.0, 2.0, 0.5, "") for n in range(20))
    known = Status(now, now, 900.0, 0, False, 1.0, 2.0, 3.0, 4.0, 5.0, budgets)  # noqa: FBT003
    path = status_file("", default_ledger_url({"HOME": str(home)}), {})
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(known.data()))


@contextmanager
def _exporter(
    folder: str, api: str, history: str, poll: str
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run `serve` against a simulated organisation; yield the process and its URL."""
    config = Path(folder) / "config.yml"
    config.write_text(CONFIG.format(url=api, folder=folder, history=history, poll=poll))
    with listen(["127.0.0.1:0"])[0] as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = subprocess.Popen(
        [*PROGRAM, "serve", f"--config.file={config}", f"--web.listen-address={address}"],
        env=os.environ | {"KEY": "sk-ant-admin01-benchmark"},
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(lambda: _get(f"http://{address}/-/ready") == "ready\n")
        yield process, f"http://{address}/"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _wait_for(happened: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        if time.monotonic() > give_up:
            raise TimeoutError("the exporter did not get to where it should be measured")
        time.sleep(0.2)


def _get(url: str, accept: str = "*/*") -> str:
    """Return a body; empty while nobody is listening or it is not ready."""
    request = urllib.request.Request(url, headers={"accept": accept})  # noqa: S310 - http only
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own process
            return str(answer.read().decode())
    except (urllib.error.URLError, ConnectionError):
        return ""


def _polls(url: str) -> float:
    """Scrape every format; return how often the usage was polled."""
    bodies = [_get(f"{url}metrics", accept) for accept in FORMATS]
    line = 'claude_cost_exporter_polls_total{account="acme",source="usage"} '
    counts = [row.removeprefix(line) for row in bodies[0].splitlines() if row.startswith(line)]
    if bodies[0].count("\nllm_") < COUNT:
        raise RuntimeError(f"fewer than {COUNT} series are exposed")
    return float(counts[0]) if counts else 0


def _megabytes(pid: int, field: str) -> float:
    """Return a memory figure of a process from Linux."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith(f"{field}:"))
    return int(kilobytes) / 1024


def _fill(folder: str) -> None:
    """Write a ledger whose counters were exposed before."""
    url = f"sqlite:///{folder}/ledger.db"
    ledger = SqlLedger(url, Settings(), SystemClock())
    ledger.register("acme", "anthropic")
    ledger.close()
    connection = sqlite3.connect(Path(folder) / "ledger.db")
    rows = (
        (number, family, json.dumps(labels), number * 10**9, number * 10**9)
        for number, (family, labels) in enumerate(series(), 1)
    )
    connection.executemany(
        "insert into counters (id, family, labels, total, exposed) values (?, ?, ?, ?, ?)",
        rows,
    )
    connection.commit()
    connection.close()
