"""The file that `status` reads, as `serve` writes it (floor 4)."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import structlog

from claude_cost_exporter.report.budgets import budget_states
from claude_cost_exporter.report.samples import Found
from claude_cost_exporter.report.status import (
    LEVELS,
    WRITTEN_EVERY,
    BudgetStatus,
    Status,
)
from claude_cost_exporter.views.windows import usage_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from claude_cost_exporter.samples import Sample
    from claude_cost_exporter.snapshot import Snapshot

ONLY_OWNER = 0o600


class StatusFile:
    """Written as a whole, at most once a minute; a disk that is full stops nothing."""

    def __init__(self, path: Path, *, simulated: bool) -> None:
        self.path, self._simulated = path, simulated
        self._written_at: datetime | None = None
        self._failure = ""

    def offer(self, snapshot: Snapshot, samples: Sequence[Sample], now: datetime) -> None:
        """Write the figures of a moment, unless that was done within the last minute."""
        last = self._written_at
        if last is not None and last <= now < last + WRITTEN_EVERY:
            return
        self._written_at = now
        status = status_of(snapshot, samples, now, simulated=self._simulated)
        failure = ""
        try:
            _replace(self.path, json.dumps(status.data()))
        except OSError as error:
            failure = error.strerror or str(error)
            if failure != self._failure:
                structlog.get_logger().warning(
                    "the status file cannot be written", path=str(self.path), error=failure
                )
        self._failure = failure


def _replace(path: Path, text: str) -> None:
    """Swap the file as a whole: who reads it sees the old one or the new one."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, ONLY_OWNER)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def status_of(
    snapshot: Snapshot, samples: Sequence[Sample], now: datetime, *, simulated: bool
) -> Status:
    """Return what `status` shows of a moment."""
    found = Found(samples)
    states = [usage_state(snapshot, one.account) for one in snapshot.polled]
    reads = [state.last_success if state else None for state in states]
    known = [read for read in reads if read is not None]
    p10, p50, p90 = (
        found.get("llm_total_forecast_spend_usd", "month_end", "weekday_ewma", estimate)
        for estimate in ("p10", "p50", "p90")
    )
    return Status(
        now,
        min(known) if known and len(known) == len(reads) else None,
        max((state.stale_after.total_seconds() for state in states if state), default=0.0),
        sum(bool(source.last_attempt) and not source.up for source in snapshot.sources),
        simulated,
        _spent(snapshot, found, "today"),
        _spent(snapshot, found, "month_to_date"),
        p10,
        p50,
        p90,
        tuple(_budgets(found)),
    )


def _spent(snapshot: Snapshot, found: Found, window: str) -> float | None:
    """Return metered cost and fees of all accounts, None while one of them is not known."""
    metered = {
        account: value
        for (_, account, kind, name), value in found.of("llm_spend_usd")
        if (kind, name) == ("metered", window)
    }
    fees = sum(
        value
        for (_, _, kind, name), value in found.of("llm_spend_usd")
        if (kind, name) == ("subscription", window)
    )
    accounts = [one.account for one in snapshot.polled]
    if not metered.keys() >= set(accounts):
        return None
    return fees + sum(metered[account] for account in accounts)


def _budgets(found: Found) -> Iterator[BudgetStatus]:
    for one in budget_states(found):
        if one.used_ratio is not None and one.spent_usd is not None:
            level = one.level if one.level in LEVELS else ""
            yield BudgetStatus(
                one.budget, one.period, one.spent_usd, one.limit_usd, one.used_ratio, level
            )
