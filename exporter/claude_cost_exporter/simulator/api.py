"""The simulated Admin API as a pure function from request to response (floor 2).

An endpoint is one function and one row in `ROUTES`; all of them read the same truth.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

from claude_cost_exporter.clock import floor_hour
from claude_cost_exporter.simulator.entities import api_keys, organization, workspaces
from claude_cost_exporter.simulator.requests import Refusal, Response
from claude_cost_exporter.simulator.truth import Truth
from claude_cost_exporter.simulator.usage_report import usage_report

if TYPE_CHECKING:
    from datetime import datetime

    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.simulator.requests import Request
    from claude_cost_exporter.simulator.scenarios import Scenario

ROUTES = {
    "/v1/organizations/me": organization,
    "/v1/organizations/workspaces": workspaces,
    "/v1/organizations/api_keys": api_keys,
    "/v1/organizations/usage_report/messages": usage_report,
}


@dataclass(frozen=True, slots=True)
class Switches:
    """Behaviours of the API on which reports differ."""

    closed_hours_only: bool = False
    """The open hour is not served at 1h; at 1m it always is."""
    closed_days_only: bool = True
    refuse_speed: bool = False
    result_cap: int | None = None
    """More rows than this on one page are refused."""


@dataclass(slots=True)
class Faults:
    """Failures for the next requests to an endpoint, first come first served."""

    queue: dict[str, deque[Response]] = field(default_factory=dict)

    def next(self, path: str, response: Response, times: int = 1) -> None:
        """Answer the next `times` requests to `path` with `response`."""
        self.queue.setdefault(path, deque()).extend([response] * times)

    def take(self, path: str) -> Response | None:
        """Return the failure that is due, if one is."""
        waiting = self.queue.get(path)
        return waiting.popleft() if waiting else None


class Simulator:
    """One simulated organisation behind an Admin API."""

    organization_id = "5a31c0de-0000-4000-8000-000000000001"

    def __init__(
        self,
        scenario: Scenario,
        *,
        clock: Clock,
        seed: int = 1,
        history: timedelta = timedelta(days=90),
        switches: Switches | None = None,
    ) -> None:
        self.clock = clock
        self.switches = switches or Switches()
        self.start: datetime = clock.now()
        self.history_start = floor_hour(self.start - history)
        self.truth = Truth(scenario, seed, self.start)
        self.faults = Faults()
        self.requests: Counter[str] = Counter()

    def handle(self, request: Request) -> Response:
        """Return the answer to a GET, headers included."""
        self.requests[request.path] += 1
        number = self.requests.total()
        response = self.faults.take(request.path) or self._outage(number)
        if response is None:
            try:
                response = self._route(request)
            except Refusal as refusal:
                response = refusal.response(f"req_{number:08}")
        headers = {
            "date": format_datetime(self.clock.now().replace(microsecond=0), usegmt=True),
            "request-id": f"req_{number:08}",
            "content-type": "application/json",
        }
        return replace(response, headers=headers | response.headers)

    def _route(self, request: Request) -> Response:
        self._authenticate(request)
        handler = ROUTES.get(request.path)
        if handler is None:
            message = "The requested resource could not be found."
            raise Refusal(404, "not_found_error", message)
        return handler(self, request)

    def _authenticate(self, request: Request) -> None:
        key = request.headers.get("x-api-key", "")
        if not key.startswith("sk-ant-"):
            raise Refusal(401, "authentication_error", "invalid x-api-key")
        if not key.startswith("sk-ant-admin"):
            message = "this endpoint requires an Admin API key"
            raise Refusal(403, "permission_error", message)
        if "anthropic-version" not in request.headers:
            raise Refusal(400, "invalid_request_error", "anthropic-version: header is required")

    def _outage(self, number: int) -> Response | None:
        now = self.clock.now() - self.start
        for outage in self.truth.scenario.outages:
            if outage.start <= now < outage.end and number % outage.every == 0:
                kind = "rate_limit_error" if outage.status == 429 else "api_error"  # noqa: PLR2004
                response = Refusal(outage.status, kind, "simulated").response(f"req_{number:08}")
                return replace(response, headers=self._hints(outage.retry_after))
        return None

    def _hints(self, retry_after: str | None) -> dict[str, str]:
        """Return Retry-After, or the stale reset that the API sends without it."""
        if retry_after is not None:
            return {"retry-after": retry_after}
        stale = self.clock.now() - timedelta(minutes=3)
        return {"anthropic-ratelimit-requests-reset": f"{stale:%Y-%m-%dT%H:%M:%SZ}"}
