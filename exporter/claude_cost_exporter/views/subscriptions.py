"""Fixed fees, spread over the days that they pay for (floor 3).

A month's fee is spent evenly over that month's days, whatever their number, and a day's share
over its hours. Sums are whole nano-USD and exact: the parts of any stretch add up to it.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from functools import lru_cache
from math import floor
from typing import TYPE_CHECKING

from claude_cost_exporter.calendars import Stretch, locate, midnight, next_month, stretch
from claude_cost_exporter.plans import MONTHS_OF_A_YEAR
from claude_cost_exporter.records import NANO
from claude_cost_exporter.samples import Sample
from claude_cost_exporter.views.windows import calendar_windows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime, tzinfo

    from claude_cost_exporter.plans import Subscription
    from claude_cost_exporter.snapshot import Snapshot


def fees_between(subscriptions: Iterable[Subscription], span: Stretch, zone: tzinfo) -> int:
    """Return the nano-USD of fees that a stretch of time takes."""
    return sum(_fee_until(one, span.end, zone) - _fee_until(one, span.start, zone)
               for one in subscriptions)  # fmt: skip


def fees_of_month(subscriptions: Iterable[Subscription], month: date, zone: tzinfo) -> int:
    """Return the nano-USD of fees of a whole month: what its last moment will have taken."""
    return fees_between(subscriptions, stretch(month.replace(day=1), next_month(month), zone), zone)


@lru_cache(maxsize=1024)  # budgets ask for the same midnights at every poll
def _fee_until(one: Subscription, moment: datetime, zone: tzinfo) -> int:
    """Return the fees up to a moment, since a day long ago; rounding this lets parts add up."""
    if one.first is not None:
        moment = max(moment, midnight(one.first, zone))
    if one.end is not None:
        moment = min(moment, midnight(one.end, zone))
    return floor(Fraction(one.fee, one.months) * _months_until(moment, zone))


def _months_until(moment: datetime, zone: tzinfo) -> Fraction:
    """Return the months up to a moment; each day of a month is an equal part of it."""
    day, share = locate(moment, zone)
    first = day.replace(day=1)
    days = (next_month(first) - first).days
    return MONTHS_OF_A_YEAR * day.year + day.month + (day.day - 1 + share) / days


def subscription_spend(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield what fixed fees have taken of each calendar window up to now."""
    zone = snapshot.time_zone
    payers = defaultdict(list)
    for one in snapshot.plans.subscriptions:
        payers[one.provider, one.account].append(one)
    for window in calendar_windows(snapshot, now):
        whole = stretch(window.first, window.end, zone)
        so_far = Stretch(whole.start, min(whole.end, now))
        for who, subscriptions in payers.items():
            amount = fees_between(subscriptions, so_far, zone) / NANO
            yield Sample("llm_spend_usd", (*who, "subscription", window.name), amount)


def monthly_fees(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield the fee of a whole month of each plan that is paid today."""
    today = locate(now, snapshot.time_zone).day
    fees: dict[tuple[str, str, str], Fraction] = defaultdict(Fraction)
    for one in snapshot.plans.subscriptions:
        if (one.first is None or one.first <= today) and (one.end is None or today < one.end):
            fees[one.provider, one.account, one.plan] += Fraction(one.fee, one.months)
    for labels, fee in fees.items():
        yield Sample("llm_subscription_usd_per_month", labels, float(fee / NANO))
