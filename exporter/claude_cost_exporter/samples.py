"""What views produce: samples of a metric family (floor 0, imports nothing of ours)."""

from __future__ import annotations

from typing import NamedTuple


class Sample(NamedTuple):
    """One line of the exposition.

    `labels` are the values in the order of the family's label names in the catalogue.
    """

    metric: str
    labels: tuple[str, ...]
    value: float
