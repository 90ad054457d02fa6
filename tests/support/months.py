"""Snapshots with spend by day and hour, made by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from claude_cost_exporter.clock import HOUR
from claude_cost_exporter.plans import Plans
from claude_cost_exporter.records import NANO
from claude_cost_exporter.snapshot import AccountState, Scope, Snapshot, SourceState

ALL = ("all", "all")


def snapshot(now, per_hour, *, since, accounts=("acme",), members=(), zone=UTC, plans=None, **rest):
    """`per_hour(moment)` USD in every hour from `since` on, in each account and member alike.

    Hours that have not begun cost nothing; the hour under way costs its share.
    """
    days, hours = {}, {}
    for account in accounts:
        for kind, member in (ALL, *members):
            scope = Scope(account, kind, member)
            days[scope], hours[scope] = _sums(now, per_hour, since, zone)
    known = {"watermark": now} | rest
    return Snapshot(
        taken_at=now,
        time_zone=zone,
        accounts=tuple(AccountState("anthropic", account) for account in accounts),
        sources=tuple(
            SourceState("anthropic", account, source, history_start=since, **known)
            for account in accounts
            for source in ("usage", "analytics")
        ),
        days=days,
        hours=hours,
        plans=plans or Plans(),
    )


def _sums(now, per_hour, since, zone):
    days, hours, hour = {}, {}, since
    while hour <= now:
        share = min(HOUR, now - hour) / HOUR
        hours[hour] = round(per_hour(hour) * share * NANO)
        day = hour.astimezone(zone).date()
        days[day] = days.get(day, 0) + hours[hour]
        hour += HOUR
    return days, hours


def flat(_hour):
    """A dollar an hour."""
    return 1.0


def values(samples, metric):
    """Values by labels of one family."""
    return {sample.labels: sample.value for sample in samples if sample.metric == metric}


def at(year, month, day, hour=0, minute=0):
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def days_before(now, count):
    return (now - timedelta(days=count)).replace(hour=0, minute=0)
