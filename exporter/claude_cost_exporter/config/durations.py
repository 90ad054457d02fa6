"""Durations as Prometheus writes them: 60s, 15m, 1h30m, 90d (floor 1)."""

from __future__ import annotations

import re
from datetime import timedelta

UNITS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
_PARTS = re.compile(r"([0-9]{1,9})(ms|[wdhms])")


def parse_duration(text: str) -> timedelta:
    """Return the duration, or raise a ValueError that shows the form."""
    parts = _PARTS.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is not a duration; write 60s, 15m, 1h30m or 90d")
    try:
        return timedelta(seconds=sum(int(number) * UNITS[unit] for number, unit in parts))
    except OverflowError:
        raise ValueError(f"{text!r} is longer than any calendar; write 90d or 3650d") from None


def format_duration(duration: timedelta) -> str:
    """Return a duration in the form that `parse_duration` reads."""
    rest = round(duration.total_seconds() * 1000)
    text = ""
    for unit, seconds in UNITS.items():
        size = round(seconds * 1000)
        if unit == "w" and rest % size:
            continue  # 90d is easier to read than 12w6d
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"
