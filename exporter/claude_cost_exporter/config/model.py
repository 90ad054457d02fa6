"""The configuration, typed (floor 1). A source's own block is typed by the source."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec


class LedgerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the ledger is."""

    url: str = ""


class PricesConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What differs from the list prices."""

    overrides: list[dict[str, Any]] = []


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything a user can set."""

    sources: list[dict[str, Any]]
    ledger: LedgerConfig = LedgerConfig()
    scrape_interval: timedelta = timedelta(seconds=15)
    new_series_hold: timedelta | None = None
    time_zone: str = "UTC"
    week_start: str = "monday"
    series_cap: int = 10_000
    prices: PricesConfig = PricesConfig()

    def hold(self) -> timedelta:
        """Return how long a new series shows 0."""
        default = max(timedelta(seconds=90), 2.5 * self.scrape_interval)
        return default if self.new_series_hold is None else self.new_series_hold
