"""Facts that the sources of one account write down (floor 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_cost_exporter.ledger import reading

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import datetime

    from sqlalchemy import Connection

    from claude_cost_exporter.ledger.base import Progress


class AccountNotebook:
    """The facts of one account, and how far its sources have been read."""

    def __init__(
        self,
        account: str,
        transaction: Callable[[], AbstractContextManager[Connection]],
        progress: Callable[[str, str], Progress],
    ) -> None:
        self._account, self._transaction, self._progress = account, transaction, progress

    def get(self, name: str) -> str | None:
        """Return a fact, None when it was never written down."""
        with self._transaction() as connection:
            return reading.fact(connection, self._full(name))

    def set(self, name: str, value: str) -> None:
        """Write a fact down."""
        with self._transaction() as connection:
            reading.set_fact(connection, self._full(name), value)

    def read_to(self, source: str) -> datetime | None:
        """Return up to when a source has been read, None when it never was."""
        return self._progress(self._account, source).watermark

    def _full(self, name: str) -> str:
        return f"{self._account}/{name}"
