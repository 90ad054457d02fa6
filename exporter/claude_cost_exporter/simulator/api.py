"""The simulator itself: a request in, an answer out, and the truth beside it."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from threading import RLock
from typing import TYPE_CHECKING, Any

from claude_cost_exporter.clock import SystemClock
from claude_cost_exporter.records import DEFAULT_WORKSPACE
from claude_cost_exporter.simulator import faults as spoil
from claude_cost_exporter.simulator import scenarios, truth
from claude_cost_exporter.simulator.access import (
    NOT_FOUND,
    authorise,
    check_available,
    check_beta,
)
from claude_cost_exporter.simulator.bill import DAY_SECONDS, FINAL, READINGS, Bill
from claude_cost_exporter.simulator.buckets import rfc3339
from claude_cost_exporter.simulator.call import Call
from claude_cost_exporter.simulator.endpoints import ROUTES, Route
from claude_cost_exporter.simulator.invoice import Invoice
from claude_cost_exporter.simulator.parameters import Parameters
from claude_cost_exporter.simulator.request_log import Entry, RequestLog
from claude_cost_exporter.simulator.row_cache import RowCache
from claude_cost_exporter.simulator.switches import OpenBucket, Switches
from claude_cost_exporter.simulator.traffic import DAY_MINUTES, Traffic, epoch
from claude_cost_exporter.simulator.wire import (
    ApiError,
    Request,
    Response,
    error_body,
    to_json,
    to_json_fast,
)

if TYPE_CHECKING:
    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.simulator.bill import Item
    from claude_cost_exporter.simulator.faults import Fault
    from claude_cost_exporter.simulator.scenario import Scenario

UNKNOWN = "unknown"
"""The endpoint name of requests that no route matches."""


class Simulator:
    """A fake organisation behind a fake Admin API; safe to call from several threads."""

    def __init__(  # noqa: PLR0913 - everything that makes one simulation differ from another
        self,
        scenario: Scenario | str = "steady",
        *,
        seed: int = 1,
        clock: Clock | None = None,
        switches: Switches | None = None,
        start: datetime | None = None,
        history_days: int = 90,
    ) -> None:
        self.scenario = scenarios.find(scenario) if isinstance(scenario, str) else scenario
        self.seed = seed
        self.clock: Clock = clock or SystemClock()
        self.switches = switches or Switches()
        self.start = (start or self.clock.now()).astimezone(UTC)
        self.faults = spoil.FaultQueue()
        self.requests = RequestLog()
        self.traffic = Traffic(self.scenario, seed, self.start, history_days)
        beside = replace(self.scenario, flows=self.scenario.services, crowds=())
        self.services = Traffic(beside, seed, self.start, history_days)
        self.bill = Bill(self.scenario.terms, seed, self.start, self.traffic, self.services)
        self._pages: RowCache[Any] = RowCache(rows=6_000)
        self._lock = RLock()
        self._serial = 0
        self._recent: deque[datetime] = deque()

    def handle(self, request: Request) -> Response:
        """Return the answer to one request."""
        with self._lock:
            now = self.clock.now() + timedelta(seconds=self.switches.clock_skew_seconds)
            self._serial += 1
            route, path_id = _route(request.path)
            name = route.name if route else UNKNOWN
            fault = self.faults.take(name) or self._disturbance(now) or self._throttle(now)
            now += fault.clock_offset if fault else timedelta(0)
            response = self._answer(request, route, path_id, now, fault)
            self.requests.add(Entry(now, name, request.path, request.query, response.status))
            return response

    def truth(
        self,
        start: datetime,
        end: datetime,
        as_of: datetime | None = None,
        *,
        visible: bool = False,
    ) -> truth.Truth:
        """Return exact usage and cost of `[start, end)`.

        Without `as_of`: final, with every correction that will ever be made. With it: what had
        been used by then, or, `visible`, what the API shows then.
        """
        moment = truth.moment_of(as_of, visible=visible)
        with self._lock:
            return truth.truth_of(self.traffic, self.default_workspace, start, end, moment)

    def invoice(
        self,
        start_day: date,
        end_day: date,
        as_of: datetime | None = None,
        *,
        api: str = "cost_report",
    ) -> Invoice:
        """Return exactly what the UTC days `[start_day, end_day)` cost.

        Without `as_of`: final, with every correction that will ever be made. With it: what the
        `cost_report`, or `analytics`, shows then, before it rounds.
        """
        first, end = ((day - date(1970, 1, 1)).days for day in (start_day, end_day))
        reading = FINAL if as_of is None else READINGS[api](as_of, self.switches)
        closed_only = self.switches.open_cost_day is OpenBucket.CLOSED_ONLY
        if as_of is not None and api == "cost_report" and closed_only:
            end = min(end, epoch(as_of) // DAY_SECONDS)

        def charges(day: int) -> list[Item]:
            with self._lock:
                return list(self.bill.items(day * DAY_MINUTES, (day + 1) * DAY_MINUTES, reading))

        return Invoice(range(first, end), charges, self.default_workspace)

    @property
    def default_workspace(self) -> str:
        """Return what the exporter calls the default workspace: its id if that can be read."""
        if not self.switches.default_workspace_readable:
            return DEFAULT_WORKSPACE
        return self.scenario.organisation.default_workspace_id

    def _answer(
        self,
        request: Request,
        route: Route | None,
        path_id: str,
        now: datetime,
        fault: Fault | None,
    ) -> Response:
        if fault is not None and fault.status is not None:
            return self._spoiled(fault, fault.status, now)
        try:
            response = self._true_answer(request, route, path_id, now)
        except ApiError as error:
            body = error_body(error.kind, error.message, self._request_id(), error.code)
            response = self._response(error.status, body, now, error.headers)
        if fault is not None:
            response = _spoil(response, fault)
        return replace(response, delay=response.delay + self.switches.latency_seconds)

    def _true_answer(
        self, request: Request, route: Route | None, path_id: str, now: datetime
    ) -> Response:
        authorise(request, self.switches)
        if route is None:
            raise ApiError(404, "not_found_error", NOT_FOUND)
        if request.method not in {"GET", "HEAD"}:
            raise ApiError(405, "invalid_request_error", "Method Not Allowed")
        check_available(route.availability(self.switches))
        check_beta(request, route.beta)
        call = Call(
            request,
            Parameters(request.query),
            path_id,
            now,
            self.scenario.organisation,
            self.traffic,
            self.services,
            self.bill,
            self._pages,
            self.switches,
        )
        return self._response(200, to_json_fast(route.answer(call)), now)

    def _spoiled(self, fault: Fault, status: int, now: datetime) -> Response:
        """Return an answer that never looked at the truth."""
        headers = fault.headers
        if fault.reset_offset is not None:
            reset = rfc3339((now + fault.reset_offset).timestamp())
            headers = (*headers, ("anthropic-ratelimit-requests-reset", reset))
        body = fault.body
        if body is None:
            kind = spoil.ERROR_KINDS.get(status, "api_error")
            body = error_body(kind, fault.message, self._request_id())
        response = self._response(status, body, now, headers, fault.content_type)
        return replace(response, repeat=fault.repeat, delivery=fault.delivery, delay=fault.delay)

    def _response(
        self,
        status: int,
        body: bytes,
        now: datetime,
        headers: tuple[tuple[str, str], ...] = (),
        content_type: str = "application/json",
    ) -> Response:
        common = (
            ("content-type", content_type),
            ("date", now.strftime("%a, %d %b %Y %H:%M:%S GMT")),
            ("request-id", self._request_id()),
            ("anthropic-organization-id", self.scenario.organisation.id),
        )
        return Response(status, (*common, *headers), body)

    def _request_id(self) -> str:
        digest = blake2b(f"{self.seed}/{self._serial}".encode(), digest_size=11).hexdigest()
        return f"req_01{digest}"

    def _disturbance(self, now: datetime) -> Fault | None:
        """Return what the scenario does to a request at this moment."""
        since = now - self.start
        for disturbance in self.scenario.disturbances:
            if disturbance.after <= since < disturbance.after + disturbance.lasts:
                draw = blake2b(f"{self.seed}/{self._serial}".encode(), digest_size=2).digest()
                if draw[0] * 100 < disturbance.percent * 256:
                    return disturbance.faults[self._serial % len(disturbance.faults)]
        return None

    def _throttle(self, now: datetime) -> Fault | None:
        """Return a 429 without `retry-after` when the organisation asks too often."""
        allowed = self.switches.requests_per_minute
        if allowed is None:
            return None
        minute_ago = now - timedelta(minutes=1)
        while self._recent and self._recent[0] <= minute_ago:
            self._recent.popleft()
        if len(self._recent) >= allowed:
            return spoil.rate_limited(reset_offset=timedelta(seconds=-30))
        self._recent.append(now)
        return None


def _route(path: str) -> tuple[Route | None, str]:
    for route in ROUTES:
        path_id = route.match(path)
        if path_id is not None:
            return route, path_id
    return None, ""


def _spoil(response: Response, fault: Fault) -> Response:
    """Return a true answer that got damaged on its way."""
    body = response.body if fault.body is None else fault.body
    if fault.edit is not None:
        document = json.loads(body)
        edited = fault.edit(document)
        body = to_json(document if edited is None else edited)
    return replace(response, body=body, delivery=fault.delivery, delay=fault.delay)
