"""What the simulator's analytics endpoints are asked, and what their rows add up to."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

START = ("starting_at", "2026-11-23T00:00:00Z")
END = ("ending_at", "2026-11-24T00:00:00Z")
DAILY = (START, END, ("time_bucket_width", "1d"))
BOTH = pytest.mark.parametrize("which", ["usage", "cost"])
DEFAULT_ID = "wrkspc_01DefAcme4Qw8RtYuPn2LkZ"


def dollars(found, money="amount"):
    """Return the sum of a kind of money in rows, in dollars; they have cents."""
    return sum((Decimal(row["cost"][money]) for row in found), Decimal(0)) / 100


def by(found, *names, money="amount"):
    """Return dollars by dimensions."""
    sums = Counter()
    for row in found:
        key = tuple(row["group"][name] for name in names)
        sums[key if len(key) > 1 else key[0]] += Decimal(row["cost"][money]) / 100
    return dict(sums)
