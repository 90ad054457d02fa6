"""What a source finds out about a key by asking: plain findings, for `probe` (floor 2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from claude_cost_exporter.records import UsageRecord, Window


class Verdict(StrEnum):
    """How a question was answered."""

    YES = "yes"
    NO = "no"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to one question about a key. It holds counts and names of fields, no data."""

    question: str
    endpoint: str
    needed: bool
    """Whether usage or the bill stays unread without it."""
    verdict: Verdict
    sentence: str
    status: int | None = None
    """The HTTP status, when there was one."""
    fields: tuple[str, ...] = ()
    """The fields of the answer."""
    names: tuple[str, ...] = ()
    """The customer's own names and ids; shown only to who asks for them."""

    @property
    def is_missed(self) -> bool:
        """Tell whether usage or the bill stays unread for want of this."""
        return self.needed and self.verdict is not Verdict.YES


class Probe(Protocol):
    """Asks a provider each question once."""

    def findings(self) -> Iterator[Finding]:
        """Yield the answers as they come; a refusal is a finding, not an error."""
        ...

    def usage(self, window: Window) -> Iterable[UsageRecord]:
        """Return the total usage of a window, or raise a SourceError."""
        ...
