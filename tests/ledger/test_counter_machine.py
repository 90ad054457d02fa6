"""The counters under everything that can happen to them at once, beside a model of what is true."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from contextlib import contextmanager
from datetime import timedelta
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from claude_cost_exporter.clock import HOUR, floor_hour
from claude_cost_exporter.errors import LedgerError
from claude_cost_exporter.ledger.base import Batch, PricedUsage, Settings
from claude_cost_exporter.records import ATTRIBUTION, PROBE, Tokens, UsageRecord, Window
from claude_cost_exporter.snapshot import Scope
from tests.support.ledger import INPUT_NANO, MINUTE, MODEL, RATES, Account

CAP = 4
HOLD = timedelta(seconds=90)
CHUNK = 6 * HOUR
WORKSPACES = st.sampled_from(["wrkspc_a", "wrkspc_b", "wrkspc_c", "wrkspc_d"])
SPEEDS = st.sampled_from(["standard", "fast"])
OF_A_TOKEN = {
    "llm_cost_usd_total": INPUT_NANO,
    "llm_api_key_cost_usd_total": INPUT_NANO,
    "llm_tokens_total": 1,
}
AGO = st.sampled_from([0, 0, 1, 2, 3, 4, 6, 8])  # hours; from 4 on it is history
USES = st.lists(st.tuples(AGO, WORKSPACES, SPEEDS, st.integers(0, 200)), min_size=1, max_size=6)
MINUTES = st.sampled_from([0, 1, 2, 15, 60, 150])
SOMETIMES = st.sampled_from([False, False, False, True])


class Counting(RuleBasedStateMachine):
    """One account: what its API says, what the ledger should hold, what has been shown."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.account = Account(f"sqlite:///{self.folder.name}/ledger.db", Settings(series_cap=CAP))
        self.suffix = ""
        self.api = defaultdict(dict)  # hour -> (workspace, speed) -> tokens
        self.rows = defaultdict(dict)  # hour -> (query set, workspace, speed) -> tokens
        self.first_hour = None
        self.baseline = self.fallen = 0
        self.seen, self.shown_since = {}, {}

    @property
    def now(self):
        return self.account.clock.now()

    def teardown(self) -> None:
        self.settle()
        self.account.ledger.close()
        self.folder.cleanup()

    @contextmanager
    def failing(self, fails):
        """Make every commit fail, if it shall, and expect that it is said."""
        if not fails:
            yield
            return

        def fail(_):
            raise OperationalError("COMMIT", {}, sqlite3.OperationalError("disk I/O error"))

        engine = self.account.ledger._engine
        event.listen(engine, "commit", fail)
        with pytest.raises(LedgerError, match="disk I/O error"):
            yield
        event.remove(engine, "commit", fail)

    # --- what happens outside

    @rule(uses=USES)
    def use(self, uses):
        """Hours are used, late or now, or restated."""
        for ago, who, speed, tokens in uses:
            self.api[floor_hour(self.now) - ago * HOUR][who, speed] = tokens

    @rule(who=WORKSPACES)
    def vanish(self, who):
        """A workspace is no longer in any answer."""
        for used in self.api.values():
            for speed in ("standard", "fast"):
                used.pop((who, speed), None)

    @rule(minutes=st.integers(-90, 90))
    def step(self, minutes):
        """The wall clock steps."""
        self.account.clock.step_wall(minutes * MINUTE)

    @rule()
    def switch(self):
        """Grouping by speed is refused, or offered again: another query set."""
        self.suffix = "" if self.suffix else "/nospeed"

    @rule()
    def restart(self):
        """The process dies and another one starts."""
        self.account.reopen(self.now)
        self.shown_since.clear()

    # --- what the exporter does

    def answer(self, window):
        """Return what the API says of a window, cut as the query set of now cuts it."""
        found = defaultdict(lambda: defaultdict(int))
        for hour, used in self.api.items():
            if window.start <= hour < window.end:
                for (who, speed), tokens in used.items():
                    cut = "standard" if self.suffix else speed
                    found[hour][who, cut] += tokens
        return found

    def read(self, window, *, fails, history=False):
        """Read a window into the ledger and, if that goes well, into the model."""
        answer, batch_rows = self.answer(window), []
        for hour, used in answer.items():
            for (who, speed), tokens in used.items():
                dims = MODEL._replace(speed=speed)
                by_who = dims._replace(workspace_id=who, api_key_id=f"apikey_{who}")
                for role, about in ((PROBE, dims), (ATTRIBUTION, by_who)):
                    record = UsageRecord(role + self.suffix, hour, about, Tokens(tokens))
                    batch_rows.append(PricedUsage(record, RATES))
        batch = Batch("acme", "usage", window, self.now, batch_rows, is_history=history)
        with self.failing(fails):
            self.account.ledger.upsert(batch)
        if not fails:
            self.believe(window, answer)

    def believe(self, window, answer):
        """Replace the hours of the window, but for settled ones that another query set has read."""
        starting = self.first_hour is None
        if starting:
            self.first_hour = floor_hour(self.now)
        hour = window.start
        while hour < window.end:
            new = {(self.suffix, *who): tokens for who, tokens in answer[hour].items() if tokens}
            old = self.rows[hour]
            foreign = any(suffix != self.suffix for suffix, *_ in old)
            if not (new and foreign and hour <= self.now - 2 * HOUR):
                self.rows[hour] = new
                if hour >= self.first_hour:
                    self.fallen += sum(max(0, old[who] - new.get(who, 0)) for who in old)
            hour += HOUR
        if starting:
            self.baseline = self.counted()

    def counted(self):
        """Return the tokens that the ledger should hold from the first hour on."""
        return sum(
            sum(used.values()) for hour, used in self.rows.items() if hour >= self.first_hour
        )

    @initialize()
    def first_poll(self):
        """The ledger begins with a poll."""
        self.poll(0, fails=False)

    @rule(minutes=MINUTES, fails=SOMETIMES)
    def poll(self, minutes, *, fails):
        """The trailing window is read, back to where the last read ended."""
        self.account.clock.advance(minutes * MINUTE)
        known = self.account.ledger.progress("acme", "usage")
        hour = floor_hour(self.now)
        start = min(hour - 3 * HOUR, floor_hour(known.watermark or self.now))
        window = Window(start, hour + HOUR)
        if known.history_start and self.now < known.history_start:
            before = self.account.ledger.progress("acme", "usage")
            with pytest.raises(LedgerError, match="is the clock right"):
                self.account.ledger.upsert(Batch("acme", "usage", window, self.now, []))
            assert self.account.ledger.progress("acme", "usage") == before
        else:
            self.read(window, fails=fails)
        self.look(0, fails=False)

    @rule(fails=SOMETIMES)
    def load(self, *, fails):
        """The next older chunk of history is read."""
        end = self.account.ledger.progress("acme", "usage").history_start
        if self.now >= end:
            self.read(Window(floor_hour(end) - CHUNK, floor_hour(end)), fails=fails, history=True)

    @rule(minutes=MINUTES, fails=SOMETIMES)
    def look(self, minutes, *, fails):
        """Something is shown, unless that cannot be written down."""
        self.account.clock.advance(minutes * MINUTE)
        with self.failing(fails):
            snapshot = self.account.ledger.snapshot(self.now)
        if fails:
            return
        self.check_counters(snapshot.counters)
        held = sum(sum(used.values()) for used in self.rows.values()) * INPUT_NANO
        for kind in ("all", "attributed"):
            by_day = snapshot.estimated_days.get(Scope("acme", kind, "all"), {})
            assert sum(by_day.values()) == held

    def check_counters(self, counters):
        """Nothing falls or vanishes, all begins at 0 and stays there until it was seen."""
        at, shown = self.account.clock.monotonic(), {}
        for family, series in counters.items():
            assert len(series) <= CAP + 1
            shown |= {(family, labels): value for labels, value in series.items()}
        assert shown.keys() >= self.seen.keys()
        for place, value in shown.items():
            assert value >= self.seen.get(place, 0)
            if value and not self.seen.get(place):
                assert at - self.shown_since[place] >= HOLD.total_seconds()
            self.shown_since.setdefault(place, at)
        self.seen = shown

    @rule()
    def settle(self):
        """Once every hold is over the counters are what was used, and what was taken back."""
        self.look(0, fails=False)
        self.account.clock.advance(HOLD)
        self.look(0, fails=False)
        used = self.counted() - self.baseline
        for family, worth in OF_A_TOKEN.items():
            shown = sum(value for (name, _), value in self.seen.items() if name == family)
            assert max(0, used) * worth <= shown <= (used + self.fallen) * worth


Counting.TestCase.settings = settings(max_examples=40, stateful_step_count=30)


class TestCounting(Counting.TestCase):
    """Whatever happens, in whatever order: no counter falls, counts twice or forgets."""
