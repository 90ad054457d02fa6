"""What an Anthropic key may read, and how its organisation's API behaves (floor 2).

Every question is one request, asked the way the sources ask it, about the last hours.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from claude_cost_exporter.clock import HOUR, floor_hour
from claude_cost_exporter.errors import (
    ForbiddenError,
    RateLimitedError,
    ServerError,
    SourceError,
    TransportError,
    UnauthorizedError,
)
from claude_cost_exporter.records import Window
from claude_cost_exporter.sources.anthropic_bill_probe import analytics_cost, cost_report
from claude_cost_exporter.sources.anthropic_entities import (
    API_KEYS,
    LIMIT,
    ORGANIZATION,
    WORKSPACES,
    ApiKeyPage,
    Organization,
    WorkspacePage,
)
from claude_cost_exporter.sources.anthropic_optional_probe import (
    claude_code_day,
    rate_limits,
    spend_limits,
)
from claude_cost_exporter.sources.anthropic_questions import (
    BILL,
    BY_MINUTE,
    BY_PRICE,
    BY_SPEED,
    BY_WHO,
    CLAUDE_CODE_USERS,
    DEFAULT,
    LEGACY_BILL,
    LIST_KEYS,
    LIST_WORKSPACES,
    OPEN_HOUR,
    ORGANISATION,
    RATE_CAPS,
    SPEND_CAPS,
    Answer,
    Question,
)
from claude_cost_exporter.sources.anthropic_usage import (
    PRICE_DIMENSIONS,
    WHO_DIMENSIONS,
    AnthropicUsage,
)
from claude_cost_exporter.sources.anthropic_usage_page import Bucket, Page
from claude_cost_exporter.sources.anthropic_usage_report import PATH, Query
from claude_cost_exporter.sources.buckets import MINUTE
from claude_cost_exporter.sources.findings import Finding, Verdict
from claude_cost_exporter.sources.pages import decode, unknown_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import timedelta

    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.records import UsageRecord
    from claude_cost_exporter.sources.api_choice import Wanted
    from claude_cost_exporter.sources.base import FieldObserver
    from claude_cost_exporter.sources.http import ApiClient

CLOSED_HOURS = 3
MINUTES_OF_AN_HOUR = 60
OK = 200
HOPELESS = (UnauthorizedError, TransportError, RateLimitedError, ServerError)
"""After these the other questions would only take long to fail as well."""


class AnthropicProbe:
    """Asks one organisation's API what there is to know about it."""

    def __init__(
        self,
        client: ApiClient,
        clock: Clock,
        fields: FieldObserver,
        api: Wanted,
        *,
        claude_code: bool,
    ) -> None:
        self._client, self._clock, self._api = client, clock, api
        self._claude_code = claude_code
        self._source = AnthropicUsage(client, clock, fields)
        self._given_up = ""
        self._ordinary: set[str] = set()
        self._hours: list[Bucket] = []

    def usage(self, window: Window) -> Iterable[UsageRecord]:
        """Return the organisation's total usage of a window."""
        return self._source.totals(window)

    def findings(self) -> Iterator[Finding]:
        """Yield one finding for each question, in the order in which they are asked."""
        yield self._ask(ORGANISATION, self._organisation)
        yield self._ask(LIST_WORKSPACES, self._workspaces)
        yield self._ask(DEFAULT, self._default_workspace)
        yield self._ask(LIST_KEYS, self._api_keys)
        by_speed = self._ask(BY_SPEED, lambda: self._report(["speed"])[1])
        yield by_speed
        speed = by_speed.verdict is Verdict.YES
        by_price = self._ask(BY_PRICE, lambda: self._by_price(speed=speed))
        yield by_price
        yield self._ask(BY_WHO, lambda: self._by_who(speed=speed))
        open_hour = self._open_hour(asked=by_price.verdict is Verdict.YES)
        yield open_hour
        otherwise = "it is not needed, because the open hour is there at 1h"
        by_minute = BY_MINUTE._replace(
            otherwise=otherwise if open_hour.verdict is Verdict.YES else ""
        )
        yield self._ask(by_minute, self._by_minute)
        yield from self._bill()
        yield from self._optional()

    def _bill(self) -> Iterator[Finding]:
        """Ask the API that the bill will come from; with auto, the other one where it must be."""
        now = self._clock.now()
        if self._api != "legacy":
            otherwise = "the bill comes from the cost report" if self._api == "auto" else ""
            found = self._ask(
                BILL._replace(otherwise=otherwise),
                lambda: Answer(*analytics_cost(self._client, now)),
            )
            yield found
            if found.verdict is Verdict.YES or self._api == "analytics":
                return
        yield self._ask(LEGACY_BILL, lambda: Answer(*cost_report(self._client, now)))

    def _optional(self) -> Iterator[Finding]:
        """Ask what is nice to have."""
        if self._claude_code:
            now = self._clock.now()
            yield self._ask(CLAUDE_CODE_USERS, lambda: claude_code_day(self._client, now))
        else:
            yield CLAUDE_CODE_USERS.finding(Verdict.NOT_ASKED, "switched off by claude_code.users")
        yield self._ask(SPEND_CAPS, lambda: spend_limits(self._client))
        yield self._ask(RATE_CAPS, lambda: rate_limits(self._client))

    def _ask(self, question: Question, ask: Callable[[], Answer]) -> Finding:
        """Return the finding of one request."""
        if self._given_up:
            return question.finding(Verdict.NOT_ASKED, self._given_up)
        try:
            answer = ask()
        except SourceError as error:
            refused = question is ORGANISATION and isinstance(error, ForbiddenError)
            if refused or isinstance(error, HOPELESS):
                self._given_up = f"not asked, because {question.name} failed"
            if not question.is_refusal(error):
                question = question._replace(otherwise="")  # the sources do not expect it either
            return question.finding(Verdict.NO, str(error), error.status)
        return question.finding(answer.verdict, answer.sentence, OK, answer.fields, answer.names)

    def _organisation(self) -> Answer:
        body = self._client.get(ORGANIZATION, [])
        found = decode(body, Organization, ORGANIZATION)
        return Answer(
            "the key is accepted", msgspec.json.decode(body), [found.name or "", found.id]
        )

    def _workspaces(self) -> Answer:
        page, fields = self._list(WORKSPACES, WorkspacePage)
        self._ordinary = {one.id for one in page.data}
        names = [f"{one.name} {one.id}" for one in page.data]
        return Answer(f"{_count(page)} without the default one", fields, names)

    def _default_workspace(self) -> Answer:
        page, fields = self._list(WORKSPACES, WorkspacePage, ("include_default", "true"))
        found = [one.id for one in page.data if one.id not in self._ordinary]
        words = "it can be listed" if found else "the list is the same when it is asked for"
        return Answer(words, fields, found, Verdict.YES if found else Verdict.NO)

    def _api_keys(self) -> Answer:
        page, fields = self._list(API_KEYS, ApiKeyPage)
        statuses = Counter(one.status for one in page.data)
        words = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
        names = [f"{one.name} {one.id}" for one in page.data]
        return Answer(f"{_count(page)}{words and f': {words}'}", fields, names)

    def _list(self, path: str, kind: type[Any], *params: tuple[str, str]) -> tuple[Any, set[str]]:
        """Return the first page of a list, and the fields of its items."""
        archived = [("include_archived", "true")] if path == WORKSPACES else []
        body = self._client.get(path, [*archived, *params, LIMIT])
        page = decode(body, kind, path)
        return page, {field for item in msgspec.json.decode(body)["data"] for field in item}

    def _by_price(self, *, speed: bool) -> Answer:
        dimensions = PRICE_DIMENSIONS if speed else PRICE_DIMENSIONS[:-1]
        self._hours, answer = self._report(dimensions)
        return answer

    def _by_who(self, *, speed: bool) -> Answer:
        """Ask for one combination of the price dimensions that there is, or a usual one."""
        rows = [row for bucket in self._hours for row in bucket.results]
        row = next((row for row in rows if row.context_window), None)
        filters = [("context_window[]", (row and row.context_window) or "0-200k")]
        if speed:
            filters.append(("speeds[]", (row and row.speed) or "standard"))
        buckets, answer = self._report(WHO_DIMENSIONS, filters)
        rows = [row for bucket in buckets for row in bucket.results]
        ids = {f"{row.workspace_id} {row.api_key_id}" for row in rows}
        return answer._replace(names=sorted(ids))

    def _open_hour(self, *, asked: bool) -> Finding:
        """Tell whether the answer by price had the hour that has not ended."""
        if not asked:
            return OPEN_HOUR.finding(
                Verdict.NOT_ASKED, f"not asked, because {BY_PRICE.name} failed"
            )
        now = self._clock.now()
        rows = [len(b.results) for b in self._hours if b.starting_at >= floor_hour(now)]
        if not rows:
            return OPEN_HOUR.finding(Verdict.NO, "the answer ends with the last full hour")
        return OPEN_HOUR.finding(
            Verdict.YES, f"{rows[0]} rows {now.minute} minutes after its start"
        )

    def _by_minute(self) -> Answer:
        now = self._clock.now().replace(second=0, microsecond=0)
        buckets, answer = self._report([], [], MINUTE, Window(now - HOUR, now))
        used = [bucket.ending_at for bucket in buckets if bucket.results]
        if not used:
            return answer
        age = int((self._clock.now() - max(used)).total_seconds() / 60)
        return answer._replace(sentence=f"{answer.sentence}; the newest usage is {age} minutes old")

    def _report(
        self,
        dimensions: Sequence[str],
        filters: Sequence[tuple[str, str]] = (),
        step: timedelta = HOUR,
        window: Window | None = None,
    ) -> tuple[list[Bucket], Answer]:
        """Return the first page of a usage query and the shape of what it holds."""
        end = floor_hour(self._clock.now()) + HOUR
        window = window or Window(end - HOUR * (CLOSED_HOURS + 1), end)
        query = Query(tuple(dimensions), tuple(filters))
        params = query.parameters(window, step, MINUTES_OF_AN_HOUR)
        page = decode(body := self._client.get(PATH, params, headers=query.headers), Page, PATH)
        return page.data, _shape(page, body, dimensions)


def _shape(page: Page, body: bytes, dimensions: Sequence[str]) -> Answer:
    """Say what a page holds without saying what it says."""
    rows = [row for bucket in page.data for row in bucket.results]
    parts = [f"{len(page.data)} buckets, {len(rows)} rows"]
    if rows and dimensions:
        counts = (f"{name} {len({getattr(row, name) for row in rows})}" for name in dimensions)
        parts.append(f"distinct values: {', '.join(counts)}")
    if unknown := unknown_fields(body, Page):
        parts.append(f"fields unknown to this version: {', '.join(sorted(unknown))}")
    return Answer("; ".join(parts), {
        field
        for bucket in msgspec.json.decode(body)["data"]
        for row in bucket["results"]
        for field in row
    })  # fmt: skip


def _count(page: ApiKeyPage | WorkspacePage) -> str:
    return f"{len(page.data)}{' or more' if page.has_more else ''}"
