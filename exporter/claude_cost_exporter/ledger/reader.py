"""A ledger that is only read, also while an exporter writes it (floor 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from claude_cost_exporter.errors import LedgerError
from claude_cost_exporter.ledger import evidence, reading, tables
from claude_cost_exporter.ledger.comparing import compare
from claude_cost_exporter.ledger.opening import connect, refuse_foreign, sqlite_path, translated
from claude_cost_exporter.ledger.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from typing import Self

    from claude_cost_exporter.comparison import Comparison
    from claude_cost_exporter.ledger.base import StoredBook
    from claude_cost_exporter.pricing.evidence import Evidence


class LedgerReader:
    """Answers questions of commands. It takes no lock and changes nothing."""

    def __init__(self, url: str) -> None:
        path = sqlite_path(url)
        if path is not None and not path.exists():
            raise LedgerError(f"there is no ledger {path}; `serve` makes one, or see ledger.url")
        refuse_foreign(url)
        self._url = url
        self._engine = connect(url, read_only=True)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._engine.dispose()

    def comparisons(self, first: date, last: date) -> Iterator[Comparison]:
        """Yield estimates and bills of every account over days, both ends included."""
        with translated(self._url), self._engine.connect() as connection:
            accounts = tables.accounts
            for row in connection.execute(select(accounts.c.id, accounts.c.name)).all():
                yield compare(connection, row.id, row.name, first, last)

    def books(self) -> list[StoredBook]:
        """Return the price books, oldest first."""
        with translated(self._url), self._engine.connect() as connection:
            return reading.books(connection)

    def evidence(self, account: str, since: date) -> Evidence:
        """Return usage and bill of the UTC days from `since` on that have both, whole."""
        registry = Registry(cap=0)  # nothing is added to it
        with translated(self._url), self._engine.connect() as connection:
            registry.load(connection)
            return evidence.read(connection, registry, account, since)
