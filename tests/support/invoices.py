"""Simulators that begin at a midnight, and the invoices of their days."""

from __future__ import annotations

from datetime import UTC, date, datetime

from claude_cost_exporter.simulator import Simulator
from claude_cost_exporter.simulator.money import FEMTO_PER_NANO

START = datetime(2026, 11, 24, tzinfo=UTC)
YESTERDAY, TODAY, TOMORROW = (date(2026, 11, day) for day in (23, 24, 25))
HAIKU = "claude-haiku-4-5"


def simulator(name, start=START, **options):
    """Return a simulator of a scenario that begins at a midnight."""
    return Simulator(name, start=start, **options)


def midnight(day):
    """Return the start of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def estimate(one, first, end):
    """Return list cost by model label in femto-USD, as the exporter would estimate it."""
    truth = one.truth(midnight(first), midnight(end))
    return {model: nano * FEMTO_PER_NANO for model, nano in truth.cost_by_model().items()}


def by_model(one, first=YESTERDAY, end=TODAY, as_of=None):
    """Return charges by model label in femto-USD."""
    return one.invoice(first, end, as_of).by("model")
