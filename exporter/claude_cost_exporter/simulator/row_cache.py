"""A cache bounded by how many rows it holds, for what a simulation may compute again."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sized

Rows = TypeVar("Rows", bound="Sized")


class RowCache(Generic[Rows]):
    """Collections by key, least recently used first out; at least the newest one stays."""

    def __init__(self, rows: int) -> None:
        self._room = rows
        self._kept: OrderedDict[Hashable, Rows] = OrderedDict()

    def get(self, key: Hashable, compute: Callable[[], Rows]) -> Rows:
        """Return what is kept for a key, computed first when there is nothing."""
        rows = self._kept.get(key)
        if rows is not None:
            self._kept.move_to_end(key)
            return rows
        rows = compute()
        self._kept[key] = rows
        self._room -= len(rows) + 1
        while self._room < 0 and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._room += len(oldest) + 1
        return rows
