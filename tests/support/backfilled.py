"""The past of a ledger as it was written for Prometheus, read back."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from claude_cost_exporter.backfill.counters import RESET_SECONDS
from claude_cost_exporter.backfill.past import Configured, Past
from claude_cost_exporter.backfill.spool import Spool, Target
from claude_cost_exporter.ledger.base import Settings
from claude_cost_exporter.ledger.reader import LedgerReader
from claude_cost_exporter.plans import Plans

if TYPE_CHECKING:
    from pathlib import Path

TARGET = Target("claude-cost-exporter", "localhost:9853")
LINE = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)(?: (\S+))?")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

Series = tuple[str, frozenset[tuple[str, str]]]


def series_of(text: str) -> dict[Series, list[tuple[float, float]]]:
    """Return the (Unix time, value) pairs of every series; without a time, 0."""
    found: dict[Series, list[tuple[float, float]]] = defaultdict(list)
    for line in text.splitlines():
        if match := LINE.fullmatch(line):
            name, labels, value, time = match.groups()
            series = (name, frozenset(LABEL.findall(labels or "")))
            found[series].append((float(time or 0), float(value)))
    return dict(found)


def before_the_reset(found: dict[Series, list[tuple[float, float]]]):
    """Return the same without what counters begin anew with."""
    kept = {
        series: [(at, value) for at, value in points if at % 1 != RESET_SECONDS]
        for series, points in found.items()
    }
    return {series: points for series, points in kept.items() if points}


def write(url: str, output: Path, *accounts: str, step: int = 300, partial: bool = False, **more):
    """Write the past of a ledger; return its text."""
    configured = Configured(
        frozenset(accounts), more.get("settings", Settings()), more.get("plans", Plans())
    )
    with (
        LedgerReader(url) as ledger,
        ledger.counter_history(configured.settings.series_cap) as counters,
    ):
        past = Past(ledger, counters, configured, partial=partial, days=more.get("days"))
        with Spool(output, TARGET) as spool:
            past.write(spool, step)
    text = output.read_text(encoding="utf-8")
    assert text.count("\n") - text.count("\n#") - text.startswith("#") == spool.samples
    return text
