"""What a row of the catalogue is (floor 0)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

C = ("provider", "account")
"""Whose money it is."""
S = ("scope_type", "scope")
"""What it is about: everything, a provider, an account, or a member of one kind."""
ONE_SCOPE = "Select one scope_type."
OTHER = "other"
"""Every label value of the series that collects what is beyond a family's cap."""


class Kind(StrEnum):
    """The Prometheus type of a family."""

    COUNTER = "counter"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class Metric:
    """One family: name as it is exposed, type, labels in order, HELP without newlines."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str


def counter(name: str, labels: tuple[str, ...], text: str) -> Metric:
    """Return the row of a counter."""
    return Metric(name, Kind.COUNTER, labels, text)


def gauge(name: str, labels: tuple[str, ...], text: str) -> Metric:
    """Return the row of a gauge."""
    return Metric(name, Kind.GAUGE, labels, text)
