"""Which generation of the API the bill is read from (floor 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import structlog

from claude_cost_exporter.clock import DAY

if TYPE_CHECKING:
    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.errors import SourceError

Api = Literal["legacy", "analytics"]
Wanted = Literal["auto", "analytics", "legacy"]


class ApiChoice:
    """What the configuration says or, when it says auto, what the key turned out to be allowed.

    Auto begins with analytics. A refusal means legacy for as long as the exporter runs; once
    analytics has worked, a refusal must last for a day to be believed.
    """

    def __init__(self, wanted: Wanted, clock: Clock) -> None:
        self._clock = clock
        self._auto = wanted == "auto"
        self.api: Api = "legacy" if wanted == "legacy" else "analytics"
        self._why = "" if self._auto else f"the bill comes from the {wanted} API, as configured"
        self._last_worked: float | None = None

    def worked(self) -> None:
        """Remember that analytics answered."""
        if self._last_worked is None and self._auto:
            self._why = "the bill comes from the analytics API, which this key may read"
            structlog.get_logger().info(self._why)
        self._last_worked = self._clock.monotonic()

    def falls_back(self, error: SourceError) -> bool:
        """Return whether a refusal of analytics was answered by changing to legacy."""
        if not self._auto or self._is_sudden():
            return False
        self.api = "legacy"
        self._why = (
            "the bill comes from the legacy API until the next start, because analytics was "
            f"refused: {error}"
        )
        structlog.get_logger().warning(self._why)
        return True

    def _is_sudden(self) -> bool:
        last = self._last_worked
        return last is not None and self._clock.monotonic() - last < DAY.total_seconds()

    def notes(self) -> tuple[str, ...]:
        """Say which API it is, and why."""
        return (self._why,) if self._why else ()
