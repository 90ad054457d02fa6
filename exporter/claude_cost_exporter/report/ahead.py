"""What the months to come will cost, as pure data; JSON shows it as it stands here (floor 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from claude_cost_exporter.views.projection import MonthAhead, projection, together

if TYPE_CHECKING:
    from datetime import date, datetime

    from claude_cost_exporter.snapshot import Snapshot

UNKNOWN = (None, None, None)


@dataclass(frozen=True, slots=True)
class Month:
    """One month of one account, or of all together: then `account` is empty.

    Metered cost is null where there is no history for it, and so are the sums.
    """

    provider: str
    account: str
    month: date
    metered_p10_usd: float | None
    metered_p50_usd: float | None
    metered_p90_usd: float | None
    fixed_fees_usd: float
    p10_usd: float | None
    p50_usd: float | None
    p90_usd: float | None
    history_days: int | None
    """Complete days behind it; below 7 it is a first guess. Null where nothing is read."""


@dataclass(frozen=True, slots=True)
class Projection:
    """What `forecast` knows: all accounts together first, then each of them."""

    taken_at: datetime
    time_zone: str
    months: tuple[Month, ...]


def project(snapshot: Snapshot, months: int, now: datetime) -> Projection:
    """Return what is to be expected of each month, the one that runs first."""
    each = projection(snapshot, months, now)
    rows = tuple(_month(one) for one in (*together(snapshot, months, now), *each))
    return Projection(now, str(snapshot.time_zone), rows)


def _month(one: MonthAhead) -> Month:
    metered = one.metered or UNKNOWN
    whole = one.metered.plus(one.fees) if one.metered else UNKNOWN
    return Month(
        one.provider,
        one.account,
        one.first,
        metered[0],
        metered[1],
        metered[2],
        one.fees,
        whole[0],
        whole[1],
        whole[2],
        one.history_days,
    )
