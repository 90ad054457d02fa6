"""1,000 API keys x 10 models x 90 days: loaded in one go, and killed and resumed on the way.

Two loads run side by side, each in processes of its own (tests/support/huge.py): one is left
alone, the other one, of 30 days, is killed four times and started anew on the same ledger. The
simulator is in the same process and counts towards its memory. The key of the load that is killed
may not read the bill: every start would read a month of it anew, and take the test's time.

In an hour about thirty keys are active, each with all ten models; a page with more than 5,000
rows is refused; all waiting is done on the simulated clock.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.simulator import Simulator
from tests.support.huge import START, SWITCHES

ROOT = Path(__file__).parent.parent
DAYS = {"one go": 90, "killed": 30}
MOST_MEGABYTES = 400
MOMENTS = {"commit": (0, 0, 1), "request": (3, 8, 20), "usage": (10, 18, 300), "days": (60, 70, 50)}
"""When it is killed: between which percents, and at the latest at which count."""
AWAY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Life:
    """What one process left behind."""

    code: int
    log: list[dict[str, Any]]
    figures: list[dict[str, Any]]

    def progress(self, message="loading history") -> list[dict[str, Any]]:
        """Return the log's lines about the history of usage."""
        return [
            line for line in self.log if line["msg"] == message and line.get("source") == "usage"
        ]


def _live(folder: Path, now: str, *death: str) -> Life:
    process = subprocess.run(
        [sys.executable, "-m", "tests.support.huge", str(folder), now, *death],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'exporter'}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    log, figures = (
        [json.loads(line) for line in text.splitlines()]
        for text in (process.stderr, process.stdout)
    )
    return Life(process.returncode, log, figures)


def _deaths() -> list[tuple[str, str, str]]:
    draw = random.Random(90)
    return [
        (f"{draw.uniform(low, high):.1f}", moment, str(draw.randint(1, most)))
        for moment, (low, high, most) in MOMENTS.items()
    ]


def _load(folder: Path, days: int, deaths: list[tuple[str, str, str]]) -> list[Life]:
    """Load to the end, one life after each death."""
    folder.mkdir()
    now, lives = START, []
    for death in (*deaths, ()):
        bill = "forbidden" if deaths else "served"
        lives.append(_live(folder, now.isoformat(), str(days), bill, *death))
        if lives[-1].figures:
            now = datetime.fromisoformat(lives[-1].figures[-1]["now"])
        now += AWAY
    return lives


def _truth() -> dict[tuple[str, str, int], int]:
    """Return nano-USD by kind, member and day, of all days that were over."""
    simulator = Simulator("huge_history", seed=7, start=START, switches=SWITCHES)
    sums: dict[tuple[str, str, int], int] = {}
    for number in range(DAYS["one go"]):
        day = START - (number + 1) * DAY
        truth, ordinal = simulator.truth(day, day + DAY), day.toordinal()
        for model, cost in truth.cost_by_model().items():
            sums["model", model, ordinal] = cost
        for (_, key, _), cost in truth.cost_by_api_key().items():
            sums["api_key", key, ordinal] = sums.get(("api_key", key, ordinal), 0) + cost
    return sums


@dataclass(frozen=True, slots=True)
class Loads:
    """Both loads, and what both should have found."""

    lives: dict[str, list[Life]]
    folders: dict[str, Path]
    truth: dict[tuple[str, str, int], int]

    def query(self, name: str, sql: str) -> list[tuple[Any, ...]]:
        """Ask the ledger of a load."""
        with closing(sqlite3.connect(self.folders[name] / "ledger.db")) as connection:
            return connection.execute(sql, {"start": int(START.timestamp())}).fetchall()


@pytest.fixture(scope="module")
def loads(tmp_path_factory):
    """The load that was left alone, and the one that was killed."""
    home = tmp_path_factory.mktemp("huge")
    deaths = {"one go": [], "killed": _deaths()}
    folders = {name: home / name.replace(" ", "-") for name in deaths}
    with ThreadPoolExecutor() as threads:
        lives = list(threads.map(_load, folders.values(), DAYS.values(), deaths.values()))
    found = Loads(dict(zip(deaths, lives, strict=True)), folders, _truth())
    for name, chain in found.lives.items():
        (rows,) = found.query(name, "SELECT count(*) FROM usage")
        print(name, rows, [(life.code, life.figures[-1:]) for life in chain])  # noqa: T201
    return found


def test_one_go_needs_at_most_400_mb(loads):
    """Peak memory of the whole load, simulator included, is at most 400 MB; so is every life's."""
    (whole,) = loads.lives["one go"]

    assert whole.code == 0
    assert whole.figures[-1]["loaded"] == 100
    for life in (whole, *loads.lives["killed"]):
        assert max((one["megabytes"] for one in life.figures), default=0) <= MOST_MEGABYTES


def test_pages_shrink_where_rows_are_dense(loads):
    """Refused pages are few: what a page may hold is found out once, and kept."""
    (whole,) = loads.lives["one go"]

    assert 1 <= whole.figures[-1]["refused"] <= 10
    assert whole.figures[-1]["requests"] > DAYS["one go"]


def test_the_limiter_waits_on_the_simulated_clock(loads):
    """Every request for history but the first one comes a simulated second after another."""
    (whole,) = loads.lives["one go"]
    first, last = whole.figures[0], whole.figures[-1]
    passed = datetime.fromisoformat(last["now"]) - datetime.fromisoformat(first["now"])

    assert last["requests"] - first["requests"] <= 2 * passed.total_seconds()
    assert passed > timedelta(seconds=DAYS["one go"])


def test_the_progress_line_rises_to_100_percent(loads):
    """Each chunk is a line with what is loaded, from 0 % on; the last line says that all is."""
    (whole,) = loads.lives["one go"]
    lines = [*whole.progress(), *whole.progress("history loaded")]
    loaded = [int(line["loaded"].rstrip("%")) for line in lines]

    assert loaded[0] == 0
    assert loaded[-1] == 100
    assert loaded == sorted(set(loaded))
    assert len(loaded) > DAYS["one go"] / 7


def test_killed_anywhere_it_resumes_where_it_was(loads):
    """SIGKILL in a request, amid writing, before a commit: only the chunk at hand is lost."""
    *killed, last = loads.lives["killed"]

    assert [life.code for life in killed] == [-signal.SIGKILL] * len(MOMENTS)
    assert last.code == 0
    assert last.figures[-1]["loaded"] == 100
    lives = loads.lives["killed"]
    for before, after in pairwise(lives):
        died_at, resumed_at = before.progress()[-1], after.progress()[0]
        assert resumed_at["days_left"] == died_at["days_left"]
    assert last.progress()[0]["days_left"] < DAYS["killed"] / 2


@pytest.mark.parametrize("name", ["one go", "killed"])
def test_the_sums_equal_the_truth(loads, name):
    """Every model's and every key's cost of every day is exact, whatever was read how often."""
    rows = loads.query(
        name,
        "SELECT kind, member, day, cost FROM days JOIN scopes ON scopes.id = scope_id "
        "WHERE kind IN ('model', 'api_key') AND cost <> 0",  # the bill names no model for searches
    )
    closed = {(k, m, day): cost for k, m, day, cost in rows if day < START.toordinal()}
    first = (START - DAYS[name] * DAY).toordinal()
    truth = {key: cost for key, cost in loads.truth.items() if key[2] >= first}

    assert len({member for kind, member, _ in closed if kind == "model"}) == 10
    assert len({member for kind, member, _ in closed if kind == "api_key"}) == 1_000
    assert closed == truth


@pytest.mark.parametrize("name", ["one go", "killed"])
def test_the_counters_count_only_what_came_after_the_start(loads, name):
    """History moves no counter; what was used since the first poll counts once."""
    ((counted,),) = loads.query(
        name, "SELECT sum(total) FROM counters WHERE family = 'llm_cost_usd_total'"
    )
    ((used,),) = loads.query(
        name,
        "SELECT sum(cost) FROM usage JOIN series ON series.id = series_id "
        "WHERE role = 'attribution' AND bucket_start >= :start",
    )

    assert counted == used > 0
