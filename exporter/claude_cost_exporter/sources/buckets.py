"""Stretches of time in the answers of reports: written, checked, counted (floor 2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import msgspec

from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Collection

    from claude_cost_exporter.records import Window

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
MINUTE = timedelta(minutes=1)
WIDTHS = {DAY: "1d", HOUR: "1h", MINUTE: "1m"}


class Stretch(msgspec.Struct):
    """A bucket, or a row that says which time it is about."""

    starting_at: Moment
    ending_at: Moment


def rfc3339(moment: datetime) -> str:
    """Return a moment as requests write it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def shown(moment: datetime) -> str:
    """Return a moment as messages write it, in its own zone."""
    return f"{moment:%Y-%m-%dT%H:%M:%S%z}".replace("+0000", "Z")


def start_of(
    stretch: Stretch,
    where: str,
    window: Window,
    step: timedelta,
    seen: Collection[datetime] = (),
) -> datetime:
    """Return the start in UTC. What was not asked for would count twice, or in the wrong time."""
    start, end = stretch.starting_at, stretch.ending_at
    if not window.start <= start < window.end or start in seen:
        raise ParseError(
            f"{where}.starting_at is {shown(start)}, twice or outside {shown(window.start)} to "
            f"{shown(window.end)}"
        )
    if (start - window.start) % step or not start < end <= start + step:
        raise ParseError(
            f"{where} is from {shown(start)} to {shown(end)}, not a bucket of {WIDTHS[step]}"
        )
    return start.astimezone(UTC)


def missing(found: Collection[datetime], window: Window, step: timedelta) -> list[datetime]:
    """Return the starts that no bucket has, oldest first."""
    count = int((window.end - window.start) / step)
    return [start for n in range(count) if (start := window.start + step * n) not in found]


def hole(path: str, lacking: list[datetime], window: Window) -> ParseError:
    """Return the error about buckets that are missing from an answer."""
    return ParseError(
        f"{path}: the bucket of {shown(lacking[0])} is missing from the answer for "
        f"{shown(window.start)} to {shown(window.end)}, and so are {len(lacking) - 1} others"
    )
