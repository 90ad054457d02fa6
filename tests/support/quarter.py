"""A quarter in which everything happens that makes a bill differ from an estimate.

One exporter reads it twice a day, each source on its own schedule, and is looked at after each
poll. Half-way it changes from the legacy cost report to analytics, and moves to another time zone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from claude_cost_exporter.clock import DAY, ManualClock
from claude_cost_exporter.ledger.reader import LedgerReader
from claude_cost_exporter.simulator import find
from claude_cost_exporter.snapshot import LINE, Line, Scope
from claude_cost_exporter.views.bill import billed
from claude_cost_exporter.views.reconciliation import reconcile
from claude_cost_exporter.views.spend import spend
from tests.support.simulated import Simulated

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

    from claude_cost_exporter.simulator import Scenario, Simulator
    from claude_cost_exporter.snapshot import Snapshot
    from claude_cost_exporter.views.reconciliation import Reconciliation

START, END = datetime(2026, 10, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
SWITCH = datetime(2026, 11, 20, tzinfo=UTC)
ZONE, OTHER_ZONE = "America/Los_Angeles", "Asia/Kolkata"
"""Before and after the switch: one whose clocks change on 1 November, one with half hours."""
REACH = timedelta(days=50)
"""How far back a look sees hours; a snapshot has those of eight days more."""
SETTLED = END + timedelta(days=5)
FIRST_POLL = timedelta(hours=3, minutes=20)
STEP = timedelta(hours=12)
MIDDLE = 15
FEMTO = 10**6
"""Femto-USD of a nano-USD: the simulator's unit, and ours."""
NANO = 10**9
REPORT = {"legacy": "cost_report", "analytics": "analytics"}
WHOLE = Scope("sim", "all", "all")
UNLISTED = "claude-lyra-1"
LEFT_OUT = {
    *("evals", "notebooks", "notebooks-long", "console"),
    *("claude-code-opus", "claude-code-fast"),
}
"""Ordinary traffic like that of others, and half of what each read has to read."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look showed, in nano-USD. Days are UTC days, hours those of the last weeks."""

    at: datetime
    api: str
    hours: Mapping[datetime, int]
    spend: Mapping[date, int]
    estimated: Mapping[date, int]
    billed: frozenset[date]
    windows: Mapping[str, int]
    """llm_spend_usd by window."""
    charged: Mapping[str, int]
    """llm_billed_spend_usd by window."""
    learned: int
    """How many prices of the unlisted model are known."""


class Quarter:
    """One organisation, and what its exporter showed."""

    def __init__(self, folder) -> None:
        self.simulated = Simulated(
            folder,
            scenario(),
            start=START,
            clock=ManualClock(START + FIRST_POLL),
            poll="3600s",
            history="2d",
            api="legacy",
            more=f"time_zone: {ZONE}",
        )
        self.seen: list[Seen] = []
        self.reconciled: list[Reconciliation] = []
        """The days before, in the middle of each month."""
        self._render_only_when_asked()

    @property
    def simulator(self) -> Simulator:
        return self.simulated.simulator

    @property
    def api(self) -> str:
        """Return which API the bill is read from."""
        return self.simulated.options["api"]

    def live(self) -> None:
        """Poll until the last bill of the quarter has settled."""
        clock, due = self.simulated.clock, START + FIRST_POLL
        while due < SETTLED:
            clock.advance(due - clock.now())
            if due > SWITCH and self.api == "legacy":
                self.restart(api="analytics", more=f"time_zone: {OTHER_ZONE}")
            self.simulated.poll()
            while self.simulated.poller.load_history():
                pass
            self.seen.append(self.look())
            if due.day == MIDDLE and due.hour == FIRST_POLL.seconds // 3600:
                self.reconciled.append(self.reconcile(due.date().replace(day=1), due.date() - DAY))
            due += STEP

    def restart(self, **options) -> None:
        """Begin anew on the same ledger, with other options."""
        self.simulated.options |= options
        self.simulated.restart()
        self._render_only_when_asked()

    def _render_only_when_asked(self) -> None:
        self.simulated.poller._changed = lambda: None

    def look(self) -> Seen:
        now, snapshot = self.simulated.clock.now(), self.simulated.snapshot()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)  # whole days only
        older = self.simulated.exporter.ledger.snapshot(midnight - REACH)
        learned = self.simulated.exporter.prices.current.learned
        return Seen(
            now,
            self.api,
            dict(older.hours[WHOLE]),
            by_day(older.hours[WHOLE]),
            by_day(older.estimated_hours[WHOLE]),
            snapshot.billed_days.get("sim", frozenset()),
            windows(snapshot, now),
            _charged(snapshot, now),
            sum(entry.model == UNLISTED for entry in learned),
        )

    def estimates(self, model: str) -> dict[date, int]:
        """Return estimated nano-USD of a model's tokens by UTC day, as they are now."""
        sums: Counter[date] = Counter()
        snapshot = self.simulated.exporter.ledger.snapshot(START)
        for scope, days in snapshot.estimated_days.items():
            if scope.kind == LINE and Line.of(scope)[:2] == (model, "tokens"):
                sums.update(days)
        return dict(sums)

    def reconcile(self, first: date, last: date) -> Reconciliation:
        """Return both truths of some days with the reasons, as the command reads them."""
        with LedgerReader(self.simulated.exporter.ledger_url) as ledger:
            (comparison,) = ledger.comparisons(first, last)
        return reconcile(comparison)


def scenario() -> Scenario:
    """Return the quarter with everything that makes a bill differ from an estimate."""
    whole = find("quarter")
    return replace(whole, flows=tuple(flow for flow in whole.flows if flow.name not in LEFT_OUT))


def windows(snapshot: Snapshot, now: datetime) -> dict[str, int]:
    """Return what llm_spend_usd shows, by window."""
    return {
        sample.labels[3]: round(sample.value * NANO)
        for sample in spend(snapshot, now)
        if sample.metric == "llm_spend_usd"
    }


def _charged(snapshot: Snapshot, now: datetime) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for sample in billed(snapshot, now):
        if sample.metric == "llm_billed_spend_usd":
            sums[sample.labels[3]] += round(sample.value * NANO)
    return dict(sums)


def by_day(hours: Mapping[datetime, int], zone: tzinfo = UTC) -> dict[date, int]:
    """Return sums by calendar day."""
    sums: Counter[date] = Counter()
    for hour, amount in hours.items():
        sums[hour.astimezone(zone).date()] += amount
    return dict(sums)
