"""The configuration, typed (floor 1). A source's own block is typed by the source.

The descriptions and examples are the only place where a setting is explained: the messages of
`check-config` and docs/configuration.md are made of them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal, NamedTuple

from msgspec import Meta, Struct

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


DEFAULT_HOLD = timedelta(seconds=90)
"""The least that a new series shows 0, unless the user says otherwise."""


class Problem(NamedTuple):
    """What is wrong with a block: a sentence, and the keys it is about, the first one's place."""

    keys: tuple[str, ...]
    sentence: str


class LedgerConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the ledger is."""

    url: Annotated[
        str,
        Meta(
            description="SQLite file that keeps usage and counters; three slashes and a relative "
            "path, or four and an absolute one. Empty: claude-cost-exporter/ledger.db in "
            "$XDG_STATE_HOME or ~/.local/state.",
            examples=["sqlite:////var/lib/claude-cost-exporter/ledger.db"],
        ),
    ] = ""


class PricesConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What differs from the list prices."""

    overrides: Annotated[
        list[dict[str, Any]],
        Meta(
            description="Contract rates and discounts. The last override that matches decides; "
            "new ones apply to hours that begin after they were loaded.",
            examples=[[{"factor": 0.85}]],
        ),
    ] = []


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything a user can set."""

    sources: Annotated[
        list[dict[str, Any]],
        Meta(
            description="The accounts to read, one block each.",
            examples=[[{"type": "anthropic", "account": "acme", "admin_key_env": "ACME_KEY"}]],
        ),
    ]
    ledger: Annotated[LedgerConfig, Meta(description="Where usage and counters are kept.")] = (
        LedgerConfig()
    )
    scrape_interval: Annotated[
        timedelta,
        Meta(
            description="How often Prometheus scrapes this exporter, as its configuration says.",
            examples=["15s"],
        ),
    ] = timedelta(seconds=15)
    new_series_hold: Annotated[
        timedelta | None,
        Meta(
            description="How long a counter of a new label set stays 0 before it shows its value, "
            "so that increase() sees the first one. Without it: the longer of 90s and 2.5 scrape "
            "intervals.",
            examples=["90s"],
        ),
    ] = None
    time_zone: Annotated[
        str,
        Meta(
            description="Time zone of today, of weeks and of months, by its IANA name.",
            examples=["Europe/Berlin"],
        ),
    ] = "UTC"
    week_start: Annotated[
        Weekday, Meta(description="First day of a week.", examples=["sunday"])
    ] = "monday"
    series_cap: Annotated[
        int,
        Meta(
            description="Label sets of one counter family, and members (models, workspaces, API "
            "keys) of one family of gauges in each account; later ones count together under other.",
            examples=[10_000],
            ge=1,
        ),
    ] = 10_000
    prices: Annotated[PricesConfig, Meta(description="What differs from the list prices.")] = (
        PricesConfig()
    )

    def hold(self) -> timedelta:
        """Return how long a new series shows 0."""
        default = max(DEFAULT_HOLD, 2.5 * self.scrape_interval)
        return default if self.new_series_hold is None else self.new_series_hold
