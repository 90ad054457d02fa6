"""What it takes to ask a server: a free port, and its answers as values."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Series:
    """One answer of a query: its labels and its (Unix time, value) pairs in time order."""

    labels: dict[str, str]
    points: tuple[tuple[float, float], ...]

    @property
    def value(self) -> float:
        """The only value of an instant query's answer."""
        ((_, value),) = self.points
        return value


def free_port() -> int:
    """Return a loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def unix(moment: datetime | float) -> float:
    """Return a time as Prometheus takes it."""
    return float(moment) if isinstance(moment, (int, float)) else moment.timestamp()


def series_of(row: dict[str, Any]) -> Series:
    """Return a row of a query's answer."""
    points = row["values"] if "values" in row else [row["value"]]
    return Series(row["metric"], tuple(point_of(point) for point in points))


def point_of(pair: list[Any]) -> tuple[float, float]:
    """Return a pair of a query's answer as numbers."""
    return float(pair[0]), float(pair[1])
