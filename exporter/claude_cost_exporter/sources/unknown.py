"""Fields that answers have and no struct knows: tolerated, and counted once (floor 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from claude_cost_exporter.records import label_value
from claude_cost_exporter.sources.pages import unknown_fields

if TYPE_CHECKING:
    import msgspec

    from claude_cost_exporter.sources.base import FieldObserver

MOST = 50


class UnknownFields:
    """Tells of each unknown field of one source once."""

    def __init__(self, source: str, endpoint: str, observer: FieldObserver) -> None:
        self._source, self._endpoint, self._observer = source, endpoint, observer
        self._seen: set[str] = set()

    def look(self, body: bytes, kind: type[msgspec.Struct]) -> None:
        """Count what is new in an answer."""
        for field in unknown_fields(body, kind) - self._seen:
            if len(self._seen) >= MOST:
                return
            self._seen.add(field)
            name = label_value(field)
            self._observer.unknown_field(self._source, name)
            structlog.get_logger().warning("unknown field", endpoint=self._endpoint, field=name)
