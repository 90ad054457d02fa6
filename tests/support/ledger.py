"""A ledger on a temporary file, polled by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from claude_cost_exporter.clock import HOUR, ManualClock, floor_hour
from claude_cost_exporter.ledger.base import Batch, PricedUsage, Settings
from claude_cost_exporter.ledger.sql import SqlLedger
from claude_cost_exporter.pricing.rates import Rates
from claude_cost_exporter.records import ATTRIBUTION, PROBE, Dimensions, Tokens, UsageRecord, Window

START = datetime(2026, 11, 3, 10, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RATES = Rates((3_000_000_000, 15_000_000_000, 300_000_000, 3_750_000_000, 6_000_000_000), 10**7)
INPUT_NANO = 3000  # nano-USD for one input token
MODEL = Dimensions("claude-x-1", "standard", "0-200k", "global", "standard")


class Account:
    """One account of a ledger, polled by hand."""

    def __init__(self, url: str, settings: Settings, now: datetime = START) -> None:
        self.url, self.settings = url, settings
        self.clock = ManualClock(now)
        self.open(now)

    def open(self, now: datetime) -> None:
        self.wait_until(now)
        self.ledger = SqlLedger(self.url, self.settings, self.clock)
        self.ledger.register("acme", "anthropic")

    def wait_until(self, now: datetime) -> None:
        """Let time pass; where `now` is in the past, the wall clock steps back."""
        step = now - self.clock.now()
        move = self.clock.advance if step > timedelta(0) else self.clock.step_wall
        move(step)

    def snapshot(self, now: datetime):
        """Return the ledger's view at `now`."""
        self.wait_until(now)
        return self.ledger.snapshot(now)

    def reopen(self, now: datetime) -> None:
        self.ledger.close()
        self.open(now)

    def poll(self, at: datetime, *usage, back: int = 3, **options):
        """Upsert `usage` as the last `back` hours and the open one, and show it, as polls do."""
        end = floor_hour(at) + HOUR
        window = Window(end - HOUR * (back + 1), end)
        batch = Batch("acme", "usage", window, at, list(usage), **options)
        changes = self.ledger.upsert(batch)
        self.snapshot(at)
        return changes

    def load(self, at: datetime, window: Window, *usage):
        """Upsert a chunk of history."""
        return self.ledger.upsert(Batch("acme", "usage", window, at, list(usage), is_history=True))

    def counter(self, now: datetime, family: str) -> dict:
        """Return the exposed values of a family by label values without provider and account."""
        series = self.snapshot(now).counters.get(family, {})
        return {labels[2:]: value for labels, value in series.items()}

    def cost(self, now: datetime) -> int:
        """Return the sum of llm_cost_usd_total in nano-USD."""
        return sum(self.counter(now, "llm_cost_usd_total").values())


def used(hour, tokens, *, rates=RATES, dims=MODEL, ws="wrkspc_a", key="apikey_a", searches=0):
    """Return the probe row and the attribution row of the same usage."""
    hour = floor_hour(hour)
    tokens = tokens if isinstance(tokens, Tokens) else Tokens(tokens)
    who = dims._replace(workspace_id=ws, api_key_id=key)
    return [
        PricedUsage(UsageRecord(PROBE, hour, dims, tokens, searches), rates),
        PricedUsage(UsageRecord(ATTRIBUTION, hour, who, tokens, searches), rates),
    ]
