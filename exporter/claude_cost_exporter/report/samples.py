"""Samples of views, found by their labels (floor 4)."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from claude_cost_exporter.samples import Sample


class Found:
    """The samples of a moment by family and labels."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._by_family: dict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
        for family, labels, value in samples:
            self._by_family[family][labels] = value

    def of(self, family: str) -> Iterator[tuple[tuple[str, ...], float]]:
        """Yield labels and value of every series of a family."""
        yield from self._by_family.get(family, {}).items()

    def get(self, family: str, *labels: str) -> float | None:
        """Return the value of one series, None where there is none."""
        return self._by_family.get(family, {}).get(labels)

    def moment(self, family: str, *labels: str) -> datetime | None:
        """Return the time that a timestamp tells."""
        value = self.get(family, *labels)
        return None if value is None else datetime.fromtimestamp(value, UTC)
