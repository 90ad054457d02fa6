"""What a user's contract says instead of the list price (floor 1)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from claude_cost_exporter.records import TokenType, model_label

if TYPE_CHECKING:
    from collections.abc import Iterator


class Override(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """A contract rate or a discount. What is not given matches everything.

    `usd_per_million` replaces the list rate before batch, fast, long-context and geography
    factors; `factor` multiplies what is there. Later overrides are applied after earlier ones.
    """

    account: str | None = None
    model: str | None = None
    """An exact id or a `model` label."""
    token_type: TokenType | None = None
    service_tier: str | None = None
    since: date | None = msgspec.field(default=None, name="from")
    to: date | None = None
    """The first day after."""
    usd_per_million: Decimal | None = None
    factor: Decimal | None = None

    def matches(self, account: str, model: str, service_tier: str, day: date) -> bool:
        """Return whether it applies to an account's usage of a model on a UTC day."""
        return (
            self.account in (None, account)
            and self.model in (None, model, model_label(model))
            and self.service_tier in (None, service_tier)
            and (self.since is None or self.since <= day)
            and (self.to is None or day < self.to)
        )

    def problems(self) -> Iterator[str]:
        """Yield what contradicts itself."""
        if (self.usd_per_million is None) == (self.factor is None):
            yield "give exactly one of usd_per_million and factor"
        for name, value in (("usd_per_million", self.usd_per_million), ("factor", self.factor)):
            if value is not None and (not value.is_finite() or value < 0):
                yield f"{name} is {value}; it must be a number of 0 or more"
        if self.since and self.to and self.since >= self.to:
            yield f"from {self.since} is not before to {self.to}"
