"""What a benchmark returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure beside its target. CI enforces ratios and memory, never seconds."""

    name: str
    value: float
    unit: str
    target: float
    at_least: bool = False
    enforced: bool = False

    @property
    def ok(self) -> bool:
        """Return whether the target is met."""
        return self.value >= self.target if self.at_least else self.value <= self.target
