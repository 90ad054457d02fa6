"""Reports for programs (floor 4)."""

from __future__ import annotations

import msgspec


def as_json(report: object) -> str:
    """Return the data of a report as JSON; its keys are the names of their fields."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode()
