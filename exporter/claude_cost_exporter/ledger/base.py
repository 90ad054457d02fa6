"""The ledger's contract: what goes in, what comes out (floor 2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from claude_cost_exporter.config.model import DEFAULT_HOLD
from claude_cost_exporter.records import (
    ApiKeyRecord,
    OrganizationRecord,
    WorkspaceRecord,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime, timedelta

    from claude_cost_exporter.ledger.notebook import AccountNotebook
    from claude_cost_exporter.pricing.evidence import Evidence
    from claude_cost_exporter.pricing.rates import Rates
    from claude_cost_exporter.records import (
        BillRecord,
        CodingDay,
        LimitsRecord,
        Record,
        UsageRecord,
        Window,
    )
    from claude_cost_exporter.snapshot import Snapshot


class PricedUsage(NamedTuple):
    """A usage record with the rates that apply to it, should it be new to the ledger."""

    record: UsageRecord
    rates: Rates


@dataclass(frozen=True, slots=True)
class Batch:
    """One complete read of a window, by price and by who: it replaces all usage there."""

    account: str
    source: str
    window: Window
    read_at: datetime
    rows: Sequence[PricedUsage]
    is_history: bool = False
    """History says nothing about how fresh the data are."""
    catching_up_until: datetime | None = None
    """Set by the poll that ended a long gap."""


@dataclass(frozen=True, slots=True)
class BillBatch:
    """One complete read of the bill of some UTC days; it replaces what the roles hold there.

    `window` goes from midnight to midnight.
    """

    account: str
    source: str
    window: Window
    read_at: datetime
    rows: Sequence[BillRecord]
    query_sets: tuple[str, ...]
    """What was asked, also where the answer was empty."""
    is_history: bool = False
    catching_up_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class BillChanges:
    """What one read of the bill changed."""

    written: int = 0
    newly_billed: tuple[date, ...] = ()
    """UTC days whose bill is in force from now on."""
    silent: tuple[date, ...] = ()
    """UTC days with usage that the bill has no line for: they stay as they were."""
    restated: tuple[date, ...] = ()
    """UTC days whose bill is in force, and says something else from now on."""


@dataclass(frozen=True, slots=True)
class CodingBatch:
    """A complete read of Claude Code on some UTC days, each of which it replaces.

    `window` goes from midnight to midnight.
    """

    account: str
    source: str
    window: Window
    read_at: datetime
    days: Sequence[CodingDay]
    is_history: bool = False
    catching_up_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What one batch changed."""

    written: int = 0


@dataclass(frozen=True, slots=True)
class Names:
    """Names read from the provider."""

    organization: OrganizationRecord | None = None
    workspaces: Sequence[WorkspaceRecord] = ()
    api_keys: Sequence[ApiKeyRecord] = ()

    @classmethod
    def among(cls, records: Sequence[Record]) -> Self | None:
        """Return the names in a complete read of them, None when it is a read of other things."""
        organizations = [r for r in records if isinstance(r, OrganizationRecord)]
        if not organizations:
            return None
        return cls(
            organization=organizations[-1],
            workspaces=[r for r in records if isinstance(r, WorkspaceRecord)],
            api_keys=[r for r in records if isinstance(r, ApiKeyRecord)],
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one source of one account has been read. Times are None before the first read."""

    last_success: datetime | None = None
    watermark: datetime | None = None
    history_start: datetime | None = None
    history_target: datetime | None = None
    catching_up_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What the ledger must know to aggregate and to expose."""

    time_zone: str = "UTC"
    week_start: int = 0
    new_series_hold: timedelta = DEFAULT_HOLD
    """How long a new label set shows 0."""
    series_cap: int = 10_000
    budgeted: frozenset[str] = frozenset()
    """Kinds of scopes with a budget, whose days are shown as far back as forecasts look."""


@dataclass(frozen=True, slots=True)
class StoredBook:
    """A price book that was in force for buckets from `accepted_at` on (None: from ever)."""

    accepted_at: datetime | None
    document: str = field(repr=False)


class CodingLedger(Protocol):
    """What Claude Code did, by day, user and model."""

    def name_users(self, account: str, naming: str, most: int) -> None:
        """Set how many users get names, the rest is `other`; forget whom `naming` does not fit."""
        ...

    def upsert(self, batch: CodingBatch) -> int:
        """Replace the days; return how many rows differ."""
        ...


class LimitsLedger(Protocol):
    """The provider's own caps, as they were read last."""

    def replace(self, account: str, found: LimitsRecord, read_at: datetime) -> None:
        """Replace all caps on spend, and those on rates of the workspaces that were read."""
        ...


class Ledger(Protocol):
    """Everything that was read, priced and counted. One writer; replace, never add."""

    @property
    def coding(self) -> CodingLedger:
        """Return the part that holds Claude Code."""
        ...

    @property
    def limits(self) -> LimitsLedger:
        """Return the part that holds the provider's caps."""
        ...

    def upsert(self, batch: Batch) -> Changes:
        """Replace the usage of the window; keep totals and coverage in one transaction."""
        ...

    def bill(self, batch: BillBatch) -> BillChanges:
        """Replace the bill of the days; put it in force where it has settled."""
        ...

    def name(self, account: str, names: Names, read_at: datetime) -> None:
        """Store names; decide the default workspace's id the first time."""
        ...

    def register(self, account: str, provider: str) -> None:
        """Make an account known before its first poll."""
        ...

    def owners(self) -> Mapping[str, str]:
        """Return the organisation id of every account, empty while it is not known."""
        ...

    def claim(self, account: str, organization: OrganizationRecord) -> None:
        """Bind an account to its organisation; raise OrganizationError when it cannot be."""
        ...

    def aim_history(self, account: str, source: str, target: datetime) -> None:
        """Store how far back the history load shall reach; it only ever moves back."""
        ...

    def progress(self, account: str, source: str) -> Progress:
        """Return how far a source has been read."""
        ...

    def notebook(self, account: str) -> AccountNotebook:
        """Return what the sources of an account remember across restarts."""
        ...

    def books(self) -> Sequence[StoredBook]:
        """Return the price books, oldest first."""
        ...

    def evidence(self, account: str, since: date) -> Evidence:
        """Return usage and bill of the UTC days from `since` on that have both, whole."""
        ...

    def accept_book(self, document: str, now: datetime) -> None:
        """Store a price book when it differs from the newest one."""
        ...

    def snapshot(self, now: datetime) -> Snapshot:
        """Persist what will be exposed, then return the ledger's view at `now`."""
        ...

    def close(self) -> None:
        """Release the file and the lock."""
        ...
