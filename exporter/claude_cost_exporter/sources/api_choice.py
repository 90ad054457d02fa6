"""Which generation of the API the bill is read from (floor 2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import structlog

from claude_cost_exporter.clock import DAY, floor_to
from claude_cost_exporter.sources.refusals import is_unserved

if TYPE_CHECKING:
    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.errors import SourceError
    from claude_cost_exporter.sources.base import Notebook

Api = Literal["legacy", "analytics"]
Wanted = Literal["auto", "analytics", "legacy"]
REVISED_FOR = timedelta(days=31)
"""Bills do not change any more after that."""
FACT = "analytics refused since"
IT_WORKS = ""
"""Nothing is written down before analytics has worked for the first time."""


class ApiChoice:
    """What the configuration says or, when it says auto, what the key turned out to be allowed.

    Auto begins with analytics. A refusal means legacy for as long as the exporter runs; once
    analytics has worked, a refusal must last for a day to be believed, restarts or not.
    """

    def __init__(self, wanted: Wanted, clock: Clock, notebook: Notebook) -> None:
        self._clock, self._notebook = clock, notebook
        self._auto = wanted == "auto"
        self.api: Api = "legacy" if wanted == "legacy" else "analytics"
        self._why = "" if self._auto else f"the bill comes from the {wanted} API, as configured"
        self._refused_since = notebook.get(FACT)

    def history_from(self, wanted: datetime, successor_of: str) -> datetime:
        """Return where the history of a bill begins.

        What the other API's bill may still revise must be read again by its successor, however
        little history is wanted.
        """
        read = self._notebook.read_to(successor_of)
        return wanted if read is None else min(wanted, floor_to(DAY, read) - REVISED_FOR)

    def worked(self) -> None:
        """Remember that analytics answered."""
        if not self._why:
            self._why = "the bill comes from the analytics API, which this key may read"
            structlog.get_logger().info(self._why)
        if self._refused_since != IT_WORKS:
            self._remember(IT_WORKS)

    def falls_back(self, error: SourceError) -> bool:
        """Return whether a refusal of analytics was answered by changing to legacy.

        Only what says that the key or the organisation has no analytics is one.
        """
        if not self._auto or not is_unserved(error) or self._is_sudden():
            return False
        self.api = "legacy"
        self._why = (
            "the bill comes from the legacy API until the next start, because analytics was "
            f"refused: {error}"
        )
        structlog.get_logger().warning(self._why)
        return True

    def _is_sudden(self) -> bool:
        """Return whether analytics worked until less than a day ago; a refusal's start is kept."""
        now = self._clock.now()
        if self._refused_since == IT_WORKS:
            self._remember(now.isoformat())
        since = self._refused_since
        return since is not None and now - datetime.fromisoformat(since) < DAY

    def _remember(self, refused_since: str) -> None:
        self._notebook.set(FACT, refused_since)
        self._refused_since = refused_since

    def notes(self) -> tuple[str, ...]:
        """Say which API it is, and why."""
        return (self._why,) if self._why else ()
