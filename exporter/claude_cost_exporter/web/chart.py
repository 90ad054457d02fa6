"""Spend by day and model, as bars (floor 5)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.records import NANO
from claude_cost_exporter.snapshot import Scope
from claude_cost_exporter.views.windows import usage_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from claude_cost_exporter.snapshot import Snapshot

DAYS_SHOWN = 31
OTHERS = 5
"""The colour of every model beyond the first five."""


def spend_by_day(
    snapshot: Snapshot, account: str, now: datetime, colours: Mapping[str, int]
) -> Iterator[str]:
    """Yield a bar for each completely read day of the last 31, and for today so far."""
    days = _days(snapshot, account, now)
    stacks = {day: _stack(snapshot, account, day, colours) for day in days}
    totals = {day: sum(stack.values()) for day, stack in stacks.items()}
    highest = max(days, key=totals.__getitem__, default=None)
    if highest is None or not totals[highest]:
        return
    yield f'<div class="card chart"><p>Spend by day <small>highest {_dollars(totals[highest])} on '
    yield f'{highest.day} {highest:%B}</small></p><div class="bars">'
    for day, stack in stacks.items():
        opened = ' class="open"' if day == days[-1] else ""
        yield f'<div{opened} title="{day:%a} {day.day} {day:%b}: {_dollars(totals[day])}">'
        for colour, amount in sorted(stack.items()):
            yield f'<i class="c{colour}" style="height:{100 * amount / totals[highest]:.2f}%"></i>'
        yield "</div>"
    yield '</div><div class="days dim">'
    yield from (f"<span>{day.day} {day:%b}</span>" for day in (days[0], days[len(days) // 2]))
    yield "<span>today</span></div></div>"


def _days(snapshot: Snapshot, account: str, now: datetime) -> Sequence[date]:
    """Return the days that can be shown, oldest first: read as a whole, or still running."""
    state = usage_state(snapshot, account)
    if state is None or state.history_start is None:
        return []
    today = now.astimezone(snapshot.time_zone).date()
    first = (today.replace(day=1) - DAY).replace(day=1)  # the snapshot reaches no further back
    days = (today - timedelta(days=back) for back in range(DAYS_SHOWN))
    midnight = {
        day: datetime(day.year, day.month, day.day, tzinfo=snapshot.time_zone) for day in days
    }
    start = state.history_start
    shown = [day for day, began in midnight.items() if day == today or began >= start]
    return sorted(day for day in shown if day >= first)


def _stack(
    snapshot: Snapshot, account: str, day: date, colours: Mapping[str, int]
) -> Mapping[int, int]:
    """Return nano-USD by colour."""
    stack: dict[int, int] = {}
    for model, colour in colours.items():
        amount = snapshot.days.get(Scope(account, "model", model), {}).get(day, 0)
        if amount > 0:
            stack[colour] = stack.get(colour, 0) + amount
    return stack


def _dollars(nano: int) -> str:
    return f"${nano / NANO:,.2f}"
