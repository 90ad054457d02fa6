"""A poller on a real ledger, reading from a source that tests script."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from claude_cost_exporter.clock import HOUR, ManualClock
from claude_cost_exporter.errors import ServerError
from claude_cost_exporter.ingest import AccountPoller
from claude_cost_exporter.ledger.base import Settings
from claude_cost_exporter.ledger.sql import SqlLedger
from claude_cost_exporter.pricing.book import PriceBook
from claude_cost_exporter.pricing.history import PriceHistory
from claude_cost_exporter.records import (
    ATTRIBUTION,
    PROBE,
    Dimensions,
    OrganizationRecord,
    Tokens,
    UsageRecord,
)
from claude_cost_exporter.sources.anthropic_usage import AnthropicUsage

START = datetime(2026, 11, 3, 10, 30, tzinfo=UTC)
ACME = OrganizationRecord("org-acme", "Acme")
MODEL = Dimensions("claude-sonnet-4-5", "standard", "0-200k", "global", "standard")
OPEN = START.replace(minute=0)
NANO_OF_AN_HOUR = 100 * 3_000  # 100 input tokens at $3 a million


class ScriptedUsage:
    """A usage source: 100 tokens in every hour, unless told to fail."""

    name = "usage"
    api = "legacy"
    cadences = AnthropicUsage.cadences
    align = AnthropicUsage.align
    reads_open = AnthropicUsage.reads_open
    history_chunk = AnthropicUsage.history_chunk
    query_sets = ()

    def __init__(self, clock) -> None:
        self.clock = clock
        self.windows = []
        self.rows_per_hour = 1
        self.seconds = 0.0
        self.fails = lambda window: None
        self.reads = lambda window: window
        self.serves_since = None

    def fetch(self, window, *, history=False):
        """Yield the probe's and the attribution's rows, the failure in the middle of them."""
        self.windows.append(window)
        self.clock.advance(timedelta(seconds=self.seconds))
        failure = self.fails(window)
        read = self.reads(window)
        if read != window:
            yield read
            window = read
        hour = window.start
        while hour < window.end:
            for number in range(self.rows_per_hour):
                who = MODEL._replace(workspace_id="wrkspc_a", api_key_id=f"apikey_{number}")
                tokens = Tokens(100)
                yield UsageRecord(PROBE, hour, MODEL, tokens)
                yield UsageRecord(ATTRIBUTION, hour, who, tokens)
            hour += HOUR
            if failure is not None:
                raise failure

    def history_from(self, wanted):
        return max(wanted, self.serves_since or wanted)

    def notes(self):
        return ()

    def lengths(self):
        """Return the length of every window so far, in hours."""
        return [round((window.end - window.start) / HOUR) for window in self.windows]


class Polls:
    """What the poller tells of its polls."""

    def __init__(self) -> None:
        self.failures = []

    def poll_finished(self, account, source, seconds, failure):
        self.failures.append(failure)

    def rows_upserted(self, account, source, rows):
        pass


class Polling:
    """One account, its ledger, and a clock that moves when told to."""

    def __init__(self, folder, *, start=START, history=timedelta(0), poll=timedelta(minutes=1)):
        self.clock = ManualClock(start)
        self.source = ScriptedUsage(self.clock)
        self.polls = Polls()
        self.owner = ACME
        self.asked = []
        self.listener = lambda: None
        self._options = {"history": history, "poll_interval": poll}
        self._url = f"sqlite:///{folder}/ledger.db"
        self.open()

    def open(self, account="acme") -> None:
        self.ledger = SqlLedger(self._url, Settings(), self.clock)
        self.ledger.register(account, "anthropic")
        self.poller = AccountPoller(
            account,
            "anthropic",
            lambda: [self.source],
            whose=self._whose,
            ledger=self.ledger,
            prices=PriceHistory([(None, PriceBook.packaged())]),
            clock=self.clock,
            observer=self.polls,
            changed=self._changed,
            **self._options,
        )

    def _changed(self):
        self.listener()

    def _whose(self, *, once):
        self.asked.append(once)
        if self.owner is None:
            raise ServerError("/v1/organizations/me: HTTP 503")
        return self.owner

    def restart(self, account="acme") -> None:
        """Do what a kill and a new start do."""
        self.ledger.close()
        self.open(account)

    def poll(self, **later):
        """Let time pass, poll, and return the windows that were read."""
        self.clock.advance(timedelta(**later))
        before = len(self.source.windows)
        self.poller.poll()
        return self.source.windows[before:]

    def progress(self, account="acme"):
        return self.ledger.progress(account, "usage")

    def total(self, account="acme"):
        """Return the nano-USD of the account's two newest months."""
        days = self.ledger.snapshot(self.clock.now()).days
        return sum(
            sum(by_day.values())
            for scope, by_day in days.items()
            if scope.kind == "all" and scope.account == account
        )

    def attempt(self):
        return self.poller.attempts["usage"]


def fail_with(error):
    return lambda window: error
