"""Anthropic's Claude Code report: what each user did on one UTC day.

A request chain reads one day. Rows of one user differ by terminal, by remote or local use and by
subscription; they add up. Costs are Claude Code's own estimates in cents, as JSON numbers.
https://platform.claude.com/docs/en/api/admin/usage_report/retrieve_claude_code (2026-08)
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from claude_cost_exporter.clock import DAY, HOUR, floor_to
from claude_cost_exporter.errors import ForbiddenError, NotFoundError, ParseError
from claude_cost_exporter.records import (
    CLAUDE_CODE,
    NONE,
    CodingCounts,
    CodingDay,
    CodingRecord,
    CodingUse,
    label_value,
    model_label,
)
from claude_cost_exporter.sources.base import Cadence
from claude_cost_exporter.sources.buckets import Moment
from claude_cost_exporter.sources.money import Currency, nano_usd
from claude_cost_exporter.sources.pages import NEXT_PAGE, ReportPage, pages
from claude_cost_exporter.sources.unknown import UnknownFields

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.records import Window
    from claude_cost_exporter.sources.base import FieldObserver
    from claude_cost_exporter.sources.http import ApiClient
    from claude_cost_exporter.sources.people import People

PATH = "/v1/organizations/usage_report/claude_code"
LIMIT = ("limit", "1000")
HISTORY_LIMIT = 31 * DAY
MOST_CENTS = 10**8  # in a day of one user: more is a mistake, and sums must fit into the ledger
WITHOUT = "claude_code: {users: off} in the configuration does without it"
NOTE = (
    f"history is read {HISTORY_LIMIT.days} days back at most, because each day takes a request of "
    "its own"
)
Count = Annotated[int, msgspec.Meta(ge=0, le=10**12)]


class ClaudeCodeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What may be told of Claude Code's users."""

    users: Annotated[
        Literal["hashed", "shown", "off"],
        msgspec.Meta(
            description="How users are called: by hashes of their names (hashed) or by their "
            "e-mail addresses and key names (shown). off does not read Claude Code at all. The "
            "keys that Claude Code makes are named after people, claude_code_key_...: unless "
            "shown, llm_api_key_info has a hash of what follows.",
            examples=["shown"],
        ),
    ] = "hashed"
    max_users: Annotated[
        int,
        msgspec.Meta(
            ge=1,
            description="How many users get series of their own; all further ones are other, for "
            "ever.",
            examples=[300],
        ),
    ] = 100


class Actor(msgspec.Struct):
    """Who: a person or an API key, by name."""

    type: str
    email_address: str | None = None
    api_key_name: str | None = None


class Lines(msgspec.Struct):
    """Lines of code."""

    added: Count
    removed: Count


class CoreMetrics(msgspec.Struct):
    """What was achieved."""

    num_sessions: Count
    lines_of_code: Lines
    commits_by_claude_code: Count
    pull_requests_by_claude_code: Count


class Decisions(msgspec.Struct):
    """What was decided about one tool's proposals."""

    accepted: Count = 0
    rejected: Count = 0


class ModelTokens(msgspec.Struct):
    """Tokens of one model. Cache writes are not split by lifetime."""

    input: Count
    output: Count
    cache_read: Count
    cache_creation: Count


class EstimatedCost(msgspec.Struct):
    """Cents; a JSON number, of which every digit counts."""

    amount: Decimal
    currency: Currency


class ModelBreakdown(msgspec.Struct):
    """One model's part."""

    model: str
    tokens: ModelTokens
    estimated_cost: EstimatedCost


class Row(msgspec.Struct):
    """One user in one place on one day. `tool_actions` may name any tool."""

    date: Moment
    actor: Actor
    customer_type: str
    core_metrics: CoreMetrics
    model_breakdown: list[ModelBreakdown]
    tool_actions: dict[str, Decisions] = {}
    organization_id: str | None = None
    subscription_type: str | None = None
    terminal_type: str | None = None
    is_remote: bool | None = None


class Page(ReportPage):
    """One page of rows."""

    data: list[Row]


def parameters(day: date) -> list[tuple[str, str]]:
    """Return the query string's pairs for a UTC day."""
    return [("starting_at", day.isoformat()), LIMIT]


class AnthropicClaudeCode:
    """Reads `usage_report/claude_code` of one organisation."""

    name = CLAUDE_CODE
    cadences: Sequence[Cadence] = (Cadence(HOUR, DAY), Cadence(DAY, 3 * DAY))
    align = DAY
    reads_open = True
    history_chunk: timedelta | None = DAY  # a request chain each
    query_sets: tuple[str, ...] = ()
    api = ""

    def __init__(
        self, client: ApiClient, clock: Clock, fields: FieldObserver, people: People
    ) -> None:
        self._client, self._clock, self._people = client, clock, people
        self._unknown = UnknownFields(self.name, PATH, fields)

    def history_from(self, wanted: datetime) -> datetime:
        """Return where history begins: as far back as a month may reach, and no further."""
        return max(wanted, floor_to(DAY, self._clock.now()) - HISTORY_LIMIT)

    def notes(self) -> tuple[str, ...]:
        """Say what differs from other sources."""
        return (NOTE,)

    def fetch(self, window: Window, *, history: bool = False) -> Iterator[CodingDay]:
        """Yield the window day by day; what runs is read up to what the report has."""
        start = window.start
        while start < window.end:
            try:
                rows = tuple(self._rows(start.date(), history=history))
            except (ForbiddenError, NotFoundError) as error:
                raise type(error)(f"{error}; {WITHOUT}") from None
            yield CodingDay(start.date(), rows)
            start += DAY

    def _rows(self, day: date, *, history: bool) -> Iterator[CodingRecord]:
        walk = pages(self._client, PATH, parameters(day), Page, NEXT_PAGE, history=history)
        for page, body in walk:
            self._unknown.look(body, Page)
            for index, row in enumerate(page.data):
                found = row.date.astimezone(UTC).date()
                if found != day:
                    raise ParseError(f"{PATH}: $.data[{index}].date is {found}, expected {day}")
                yield CodingRecord(
                    self._user(row.actor),
                    label_value(row.customer_type) or NONE,
                    _counts(row),
                    _models(row, index),
                )

    def _user(self, actor: Actor) -> str:
        """Return what a user may be called; one address is one person, however it is written."""
        if actor.email_address:
            return self._people.call("user", actor.email_address.strip().casefold())
        return self._people.call("api_key", actor.api_key_name)


def _counts(row: Row) -> CodingCounts:
    core, decisions = row.core_metrics, row.tool_actions.values()
    return CodingCounts(
        sessions=core.num_sessions,
        lines_added=core.lines_of_code.added,
        lines_removed=core.lines_of_code.removed,
        commits=core.commits_by_claude_code,
        pull_requests=core.pull_requests_by_claude_code,
        edits_accepted=sum(one.accepted for one in decisions),
        edits_rejected=sum(one.rejected for one in decisions),
    )


def _models(row: Row, index: int) -> dict[str, CodingUse]:
    """Return each model's part; a dated and an undated id of a model add up."""
    models: dict[str, CodingUse] = {}
    for number, part in enumerate(row.model_breakdown):
        where = f"{PATH}: $.data[{index}].model_breakdown[{number}].estimated_cost"
        tokens, cost = part.tokens, _cost(part.estimated_cost, where)
        use = CodingUse(tokens.input, tokens.output, tokens.cache_read, tokens.cache_creation, cost)
        model = label_value(model_label(part.model)) or NONE
        before = models.get(model, CodingUse())
        models[model] = CodingUse(*(a + b for a, b in zip(before, use, strict=True)))
    return models


def _cost(estimate: EstimatedCost, where: str) -> int:
    amount = estimate.amount
    if not amount.is_finite() or not 0 <= amount <= MOST_CENTS:
        raise ParseError(f"{where}.amount is {amount:.6g}, expected 0 to {MOST_CENTS} cents")
    return nano_usd(amount)
