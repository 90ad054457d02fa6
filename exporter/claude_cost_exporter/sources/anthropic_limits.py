"""Anthropic's own caps: on spend, and on rates of the organisation and of its workspaces.

Not every key may read them; what may not be read is noted, and absent.
https://platform.claude.com/docs/en/manage-claude/rate-limits-api (2026-08),
https://platform.claude.com/docs/en/api/beta/organization/spend_limits (2026-10)
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar
from urllib.parse import quote

import msgspec
import structlog

from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.errors import ForbiddenError, SourceError
from claude_cost_exporter.records import (
    LimitsRecord,
    RateLimit,
    SpendLimit,
    label_value,
    model_label,
)
from claude_cost_exporter.sources.anthropic_entities import (
    AFTER_ID,
    LIMIT,
    WORKSPACES,
    WorkspacePage,
    read_organization,
)
from claude_cost_exporter.sources.base import Cadence
from claude_cost_exporter.sources.money import Cents, nano_usd
from claude_cost_exporter.sources.pages import NEXT_PAGE, pages
from claude_cost_exporter.sources.refusals import is_unserved

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.records import Window
    from claude_cost_exporter.sources.http import ApiClient

SPEND_LIMITS = "/v1/organizations/spend_limits"
RATE_LIMITS = "/v1/organizations/rate_limits"
BETA = {"anthropic-beta": "spend-limit-reads-2026-09-26"}
SPEND_SCOPES = [("scope_type[]", scope) for scope in ("organization", "workspace", "usage_tier")]
"""Caps of single members are not asked for: an organisation may have thousands."""
WORKSPACES_A_READ = 10
MOST_WORKSPACES = 100  # an organisation has no more unless Anthropic raises it
Count = Annotated[int, msgspec.Meta(ge=0, le=10**15)]


class SpendCap(msgspec.Struct):
    """One cap on spend. `scope` has a type and, by type, an id."""

    scope: dict[str, Any]
    amount: Cents | None
    currency: str
    period: str
    is_enabled: bool = True


class Limit(msgspec.Struct):
    """One rate of a group; null in a workspace: not overridden."""

    type: str
    value: Count | None


class Group(msgspec.Struct):
    """What a group of models or requests is (anthropic-version 2026-10-21)."""

    type: str


class RateCaps(msgspec.Struct):
    """The rates of one group; groups other than of models name none."""

    limits: list[Limit]
    models: list[str] | None = None
    group_type: str | None = None
    group: Group | None = None


C = TypeVar("C")


class _Page(msgspec.Struct, Generic[C]):
    """A page of a list that has no `has_more`: it ends where there is no next page."""

    data: list[C]
    next_page: str | None = None
    has_more: bool = False

    def __post_init__(self) -> None:
        self.has_more = self.next_page is not None


SpendPage = _Page[SpendCap]
RatePage = _Page[RateCaps]


class AnthropicLimits:
    """Reads caps as they are now: the organisation's every hour, each workspace's once a day."""

    name = "limits"
    cadences: Sequence[Cadence] = (Cadence(HOUR, timedelta(0)),)
    align = HOUR
    reads_open = True
    history_chunk: timedelta | None = None
    query_sets: tuple[str, ...] = ()
    api = ""

    def __init__(self, client: ApiClient, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._notes: dict[str, str] = {}
        self._waiting: list[str] = []
        self._round_begins = float("-inf")
        self._key_is_good = False

    def history_from(self, wanted: datetime) -> datetime:
        """Return `wanted`: caps have no history."""
        return wanted

    def notes(self) -> tuple[str, ...]:
        """Say what may not be read, and what is left out."""
        return tuple(self._notes.values())

    def fetch(self, window: Window, *, history: bool = False) -> Iterator[LimitsRecord]:
        """Yield the caps on spend, the organisation's rates, and those of some workspaces."""
        del window, history  # caps have no history
        self._key_is_good = False
        spend = list(self._read("spend limits", SPEND_LIMITS, SpendPage, SPEND_SCOPES, BETA))
        rates = list(self._rates("rate limits", "", RATE_LIMITS))
        read = self._some_workspaces() if rates else ()
        for workspace in read:
            path = f"{WORKSPACES}/{quote(workspace, safe='')}/rate_limits"
            rates += self._rates("rate limits of workspaces", label_value(workspace), path)
        self._waiting = self._waiting[len(read) :]
        yield LimitsRecord(
            tuple(self._spend_limits(spend)),
            tuple(rates),
            frozenset({"", *map(label_value, read)}),
        )

    def _some_workspaces(self) -> Sequence[str]:
        """Return whose turn it is; a round over all workspaces begins once a day."""
        now = self._clock.monotonic()
        if now >= self._round_begins:
            walk = pages(self._client, WORKSPACES, [LIMIT], WorkspacePage, AFTER_ID)
            found = [workspace.id for page, _ in walk for workspace in page.data]
            self._waiting = found[:MOST_WORKSPACES]
            self._round_begins = now + DAY.total_seconds()
            left_out = len(found) - len(self._waiting)
            self._note("workspaces", f"rate limits of {left_out} workspaces are not read: only "
                       f"{MOST_WORKSPACES} are" if left_out else "")  # fmt: skip
        return self._waiting[:WORKSPACES_A_READ]

    def _rates(self, topic: str, workspace: str, path: str) -> Iterator[RateLimit]:
        for caps in self._read(topic, path, RatePage):
            for limit in caps.limits:
                if limit.value is not None:
                    kind = label_value(limit.type)
                    yield RateLimit(workspace, _models(caps), kind, limit.value)

    def _spend_limits(self, caps: Sequence[SpendCap]) -> Iterator[SpendLimit]:
        foreign = {cap.currency for cap in caps} - {"USD"}
        self._note("currency", f"spend limits in {', '.join(sorted(foreign))} are not shown: only "
                   "USD is" if foreign else "")  # fmt: skip
        for cap in caps:
            if cap.is_enabled and cap.amount is not None and cap.currency == "USD":
                amount = nano_usd(cap.amount)
                yield SpendLimit(*_scope(cap.scope), label_value(cap.period), amount)

    def _read(
        self,
        topic: str,
        path: str,
        kind: type[_Page[C]],
        params: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[C]:
        """Yield the whole list, or nothing and a note when it may not be read."""
        try:
            for page, _ in pages(self._client, path, params, kind, NEXT_PAGE, headers=headers):
                yield from page.data
        except SourceError as error:
            if not is_unserved(error):
                raise
            if isinstance(error, ForbiddenError):
                self._check_key()
            self._note(topic, f"{topic} cannot be read and are absent: {error}")
        else:
            self._note(topic, "")

    def _check_key(self) -> None:
        """Raise when it is not this list that the key may not read, but anything at all."""
        if not self._key_is_good:
            read_organization(self._client)
            self._key_is_good = True

    def _note(self, topic: str, sentence: str) -> None:
        """Remember a sentence, or that there is nothing to say any more; log what is new."""
        if not sentence:
            self._notes.pop(topic, None)
            return
        if topic not in self._notes:
            structlog.get_logger().warning(sentence, source=self.name)
        self._notes[topic] = sentence


def _scope(scope: Mapping[str, Any]) -> tuple[str, str]:
    """Return the type and the id of what a cap is on; the organisation is the account itself."""
    kind = str(scope.get("type"))
    found = (value for key, value in sorted(scope.items()) if key != "type" and key.endswith("id"))
    if kind == "organization":
        return "account", ""
    return label_value(kind), label_value(str(next(found, None) or ""))


def _models(caps: RateCaps) -> str:
    """Return the models that share a rate, or else what kind of requests do."""
    kind = caps.group.type if caps.group else caps.group_type
    models = sorted({model_label(model) for model in caps.models or ()})
    return label_value(",".join(models) or kind or "")
