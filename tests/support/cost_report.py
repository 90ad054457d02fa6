"""What the simulator's cost report is asked, and what its rows add up to."""

from __future__ import annotations

from decimal import Decimal


def rows(days):
    """Return the rows of all days."""
    return [row for day in days for row in day["results"]]


def total(days):
    """Return the sum of all amounts in dollars; the report has cents."""
    return sum((Decimal(row["amount"]) for row in rows(days)), Decimal(0)) / 100


def starting(moment, *rest):
    """Return query parameters that begin with `starting_at`."""
    return (("starting_at", moment.isoformat()), *rest)


def ending(moment):
    """Return the query parameter `ending_at`."""
    return ("ending_at", moment.isoformat())
