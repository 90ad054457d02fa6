"""A day with an API that takes its time."""

from __future__ import annotations

import gc
import tracemalloc
from datetime import timedelta
from threading import Event

import httpx
import pytest

from claude_cost_exporter.cli.wiring import SOURCE_TYPES, Exporter
from claude_cost_exporter.clock import DAY, HOUR, ManualClock
from claude_cost_exporter.config.load import load
from claude_cost_exporter.pricing.overrides import Override
from tests.support.api import KEY, ScriptedApi, answer
from tests.support.organization import Organization
from tests.support.report import Report, hour, usage

START = hour(0)
CONFIG = """
sources: [{{type: anthropic, account: slow, admin_key_env: KEY, history: 2d,
           base_url: "http://127.0.0.1:9"}}]
ledger: {{url: "sqlite:///{folder}/ledger.db"}}
"""
SLICES = [
    {"context_window": window, "speed": speed}
    for window in ("0-200k", "200k-1M")
    for speed in ("standard", "fast")
]
NOTHING = answer(body={"data": [], "has_more": False, "next_page": None})


class SlowDay:
    """An exporter whose every request takes 29 s, and every 40th runs into its timeout."""

    def __init__(self, folder) -> None:
        self.clock, self.stop = ManualClock(START), Event()
        used = [usage(START + n * HOUR, (9, 8, 7, 6, 5, 1), **s) for n in range(26) for s in SLICES]
        self.report, self.organization = Report(*used), Organization()
        self.api = ScriptedApi(self.clock).will(self._answer)
        self.api.before = self._pass_time
        self.requests, self.lags, self.at = 0, [], {}
        self.exporter = Exporter(
            load(CONFIG.format(folder=folder), SOURCE_TYPES, Override),
            clock=self.clock,
            stop=self.stop,
            environment={"KEY": KEY},
            transport=self.api,
        )

    def _answer(self, request):
        if request.url.path.endswith(("_limits", "/claude_code")):
            return NOTHING
        if "usage_report" not in request.url.path:
            return self.organization(request)
        return self.report(request) if self.requests % 40 else httpx.ReadTimeout("timed out")

    def _pass_time(self):
        self.requests += 1
        self.api.requests.clear()
        self.clock.advance(timedelta(seconds=29))
        known = self.exporter.ledger.progress("slow", "usage")
        if known.watermark:
            self.lags.append(self.clock.now() - known.watermark)
        for moment, action in list(self.at.items()):
            if self.clock.now() >= moment:
                action()
                del self.at[moment]


@pytest.fixture
def slow_day(tmp_path):
    """An exporter with a slow API, before its first poll."""
    day = SlowDay(tmp_path)
    yield day
    tracemalloc.stop()
    day.exporter.close()


def held_bytes():
    """Return what is held, without this file's lists and the interpreter's table of names."""
    gc.collect()
    outside = [
        tracemalloc.Filter(inclusive=False, filename_pattern=f"*{name}")
        for name in (__file__, "pathlib.py")
    ]
    traced = tracemalloc.take_snapshot().filter_traces(outside)
    return sum(one.size for one in traced.statistics("filename"))


def test_t17_a_day_with_a_slow_api_keeps_lag_and_memory_bounded(slow_day):
    """T17: slow answers and timeouts for 24 h delay data by minutes and pile up nothing."""
    held = []
    slow_day.at[START + 20 * HOUR] = tracemalloc.start
    slow_day.at[START + 21 * HOUR] = lambda: held.append(held_bytes())
    slow_day.at[START + DAY] = slow_day.stop.set
    (poller,) = slow_day.exporter.pollers
    poller.run(slow_day.stop)
    held.append(held_bytes())
    assert slow_day.requests > 1_500
    assert max(slow_day.lags) < timedelta(minutes=10)
    assert held[1] - held[0] < 100_000
    assert slow_day.exporter.ledger.progress("slow", "usage").history_start == START - 2 * DAY
    snapshot = slow_day.exporter.ledger.snapshot(slow_day.clock.now())
    searches = sum(snapshot.counters["llm_server_tool_requests_total"].values())
    assert searches == 23 * len(SLICES)  # of 24 hours, without the first one: it is the baseline
