"""All of the past that a ledger can tell, from its first hour to the live counters (floor 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from claude_cost_exporter.assemble import as_configured
from claude_cost_exporter.backfill.counters import CounterLines
from claude_cost_exporter.backfill.gauges import GaugeLines, replayed
from claude_cost_exporter.backfill.replay import Replay
from claude_cost_exporter.clock import HOUR, floor_hour
from claude_cost_exporter.errors import BackfillError

if TYPE_CHECKING:
    from claude_cost_exporter.backfill.spool import Spool
    from claude_cost_exporter.ledger.base import Settings
    from claude_cost_exporter.ledger.history import CountedAccount, CounterHistory
    from claude_cost_exporter.ledger.reader import LedgerReader
    from claude_cost_exporter.plans import Plans

HOUR_SECONDS = 3600
DAY_SECONDS = 24 * HOUR_SECONDS

Track = Callable[[Iterable[Any], int, str], Iterable[Any]]
"""Hands items on, and shows how many of so many there were."""


class Configured(NamedTuple):
    """What a configuration says about the ledger."""

    accounts: frozenset[str]
    settings: Settings
    plans: Plans


class Past:
    """The past of every account; an error where it is not known, or not all of it yet."""

    def __init__(
        self,
        ledger: LedgerReader,
        counters: CounterHistory,
        configured: Configured,
        *,
        partial: bool = False,
        days: int | None = None,
    ) -> None:
        self._ledger, self._counters, self._configured = ledger, counters, configured
        self._accounts = [_lately(account, days) for account in counters.accounts()]
        if not partial:
            self._refuse_unloaded()
        if not self._accounts:
            raise BackfillError("the ledger knows no usage from before its counters began")
        self.start = min(account.start for account in self._accounts)
        """Epoch seconds, as all times here."""
        self.first_live = min(account.end for account in self._accounts)
        """When the first live counters begin, and with them the live gauges."""
        self.end = max(account.end for account in self._accounts)

    def _refuse_unloaded(self) -> None:
        """Refuse while any account that is configured, also one never polled, may bring more."""
        for name in sorted(self._configured.accounts):
            progress = self._counters.progress(name)
            start, target = progress.history_start, progress.history_target
            if start is None or target is None or start > target:
                known = f"back to {start:%Y-%m-%d}" if start else "not begun"
                raise BackfillError(
                    f"the history of {name} is being loaded ({known}): try again when it "
                    "is complete, or write what there is with --partial"
                )

    def write(self, spool: Spool, step: int, track: Track = lambda items, *_: items) -> None:
        """Write a sample of everything for each step."""
        for account in self._accounts:
            self._write_counters(account, spool, step, track)
        start, end = (datetime.fromtimestamp(at, UTC) for at in (self.start, self.first_live))
        lines = GaugeLines(spool, step, self.first_live)
        hours = (end - floor_hour(start)) // HOUR
        for hour, samples in track(self._gauges(start, end), hours, "gauges"):
            lines.write(int(hour.timestamp()), samples)

    def _write_counters(
        self, account: CountedAccount, spool: Spool, step: int, track: Track
    ) -> None:
        lines = CounterLines(spool, step)
        hours = -(-(account.end - account.start) // HOUR_SECONDS)
        for hour in track(self._counters.hours(account), hours, "counters"):
            lines.write(hour)
        lines.begin_anew(account.end, self._counters.series(account))

    def _gauges(self, start: datetime, end: datetime) -> Iterator[Any]:
        accounts, settings, plans = self._configured
        base = as_configured(self._ledger.snapshot(settings, end), set(accounts), plans)
        replay = Replay(base, end, settings.budgeted)
        return replayed(replay, self._ledger.hourly_sums(end), start, end)


def _lately(account: CountedAccount, days: int | None) -> CountedAccount:
    """Return an account with some days only, from a midnight on: a day rolled up stays whole."""
    if days is None:
        return account
    first = (account.end // DAY_SECONDS - days) * DAY_SECONDS
    return account._replace(start=max(account.start, first))
