"""Which generation of the API the bill is read from (floor 2)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import structlog

from claude_cost_exporter.clock import DAY, floor_to
from claude_cost_exporter.errors import BadRequestError, ForbiddenError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.errors import SourceError

Api = Literal["legacy", "analytics"]
Wanted = Literal["auto", "analytics", "legacy"]
REVISED_FOR = timedelta(days=31)
"""Bills do not change any more after that."""
REFUSALS = (BadRequestError, ForbiddenError, NotFoundError)
"""Errors that mean that a key or an organisation has no analytics; the others pass."""


class ApiChoice:
    """What the configuration says or, when it says auto, what the key turned out to be allowed.

    Auto begins with analytics. A refusal means legacy for as long as the exporter runs; once
    analytics has worked, a refusal must last for a day to be believed.
    """

    def __init__(
        self,
        wanted: Wanted,
        clock: Clock,
        read_to: Callable[[str], datetime | None] = lambda _: None,
    ) -> None:
        """`read_to` tells up to when a source has been read."""
        self._clock, self._read_to = clock, read_to
        self._auto = wanted == "auto"
        self.api: Api = "legacy" if wanted == "legacy" else "analytics"
        self._why = "" if self._auto else f"the bill comes from the {wanted} API, as configured"
        self._last_worked: float | None = None

    def history_from(self, wanted: datetime, successor_of: str) -> datetime:
        """Return where the history of a bill begins.

        What the other API's bill may still revise must be read again by its successor, however
        little history is wanted.
        """
        read = self._read_to(successor_of)
        return wanted if read is None else min(wanted, floor_to(DAY, read) - REVISED_FOR)

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
