"""What `status` shows: a handful of figures, written by one process and read by another (floor 4).

It imports the standard library only, because `status` runs every few seconds.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

WRITTEN_EVERY = timedelta(minutes=1)
GONE_AFTER = timedelta(minutes=5)
"""An exporter that runs writes more often."""
LEVELS = ("", "soft", "warn", "hard")


class BudgetStatus(NamedTuple):
    """How far a budget is."""

    budget: str
    period: str
    spent_usd: float
    limit_usd: float
    used_ratio: float
    level: str
    """The highest level that was reached; empty below all of them."""


class Status(NamedTuple):
    """All accounts together, in USD with fixed fees; None is what is not known."""

    written_at: datetime
    read_at: datetime | None
    """When the usage of every account had been read."""
    stale_after_seconds: float
    """Older data are called old."""
    sources_down: int
    simulated: bool
    today_usd: float | None
    month_usd: float | None
    forecast_p10_usd: float | None
    forecast_p50_usd: float | None
    forecast_p90_usd: float | None
    budgets: tuple[BudgetStatus, ...] = ()

    @property
    def worst(self) -> BudgetStatus | None:
        """Return the budget that has reached the highest level, or is the furthest."""
        return max(self.budgets, key=_severity, default=None)

    def data(self) -> dict[str, object]:
        """Return it as JSON knows it."""
        return self._asdict() | {
            "written_at": self.written_at.isoformat(),
            "read_at": self.read_at and self.read_at.isoformat(),
            "budgets": [one._asdict() for one in self.budgets],
        }

    def trouble(self, now: datetime) -> str:
        """Return why the figures are old, empty when they are not."""
        if now - self.written_at > GONE_AFTER:
            return f"no exporter has written for {age(now - self.written_at)}"
        if self.read_at is None:
            return "nothing has been read yet"
        if now - self.read_at > timedelta(seconds=self.stale_after_seconds):
            return f"data are {age(now - self.read_at)} old"
        return ""


def _severity(budget: BudgetStatus) -> tuple[int, float]:
    return LEVELS.index(budget.level), budget.used_ratio


def age(elapsed: timedelta) -> str:
    """Return a time span as a person says it.

    >>> age(timedelta(minutes=90))
    '1 h'
    """
    seconds = int(elapsed.total_seconds())
    sizes = ((86_400, "d"), (3600, "h"), (60, "min"))
    size, unit = next((one for one in sizes if seconds >= one[0]), (1, "s"))
    return f"{seconds // size} {unit}"


def read(path: Path) -> Status | str:
    """Return what was written, or the reason why there is nothing."""
    try:
        return _decode(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return f"no exporter has written {path}"
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    except (ValueError, TypeError, KeyError):
        return f"{path} was not written by this version"


def _decode(text: str) -> Status:
    found = json.loads(text)
    for name in ("written_at", "read_at"):
        found[name] = found[name] and datetime.fromisoformat(found[name])
    found["budgets"] = tuple(BudgetStatus(**one) for one in found["budgets"])
    return Status(**found)
