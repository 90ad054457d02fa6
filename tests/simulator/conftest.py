"""One simulated organisation at a fixed time, and short ways to ask it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from claude_cost_exporter.clock import DAY, ManualClock
from claude_cost_exporter.simulator import Request, Simulator

NOW = datetime(2026, 11, 24, 14, 23, 30, tzinfo=UTC)
TODAY = datetime(2026, 11, 24, tzinfo=UTC)
YESTERDAY = TODAY - DAY
HEADERS = {
    "x-api-key": "sk-ant-admin01-of-a-test",
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "fast-mode-2026-02-01,analytics-usage-cost-2026-08-24,"
    "spend-limit-reads-2026-09-26",
}
NO_BETA = {name: value for name, value in HEADERS.items() if name != "anthropic-beta"}
PATHS = {
    "me": "/v1/organizations/me",
    "workspaces": "/v1/organizations/workspaces",
    "api_keys": "/v1/organizations/api_keys",
    "usage": "/v1/organizations/usage_report/messages",
    "cost": "/v1/organizations/cost_report",
    "analytics_usage": "/v1/organizations/analytics/usage",
    "analytics_cost": "/v1/organizations/analytics/cost",
    "claude_code": "/v1/organizations/usage_report/claude_code",
    "spend_limits": "/v1/organizations/spend_limits",
    "rate_limits": "/v1/organizations/rate_limits",
}


def groups(*names):
    """Return the query parameters for group_by[]."""
    return [("group_by[]", name) for name in names]


class Asker:
    """A simulator with a manual clock, asked in one line."""

    def __init__(self, scenario="steady", **options) -> None:
        self.clock = ManualClock(options.pop("now", NOW))
        self.simulator = Simulator(scenario, clock=self.clock, **options)

    def send(self, path, query=(), headers=None, method="GET"):
        """Return the response to one request; short names stand for paths."""
        pairs = tuple((name, str(value)) for name, value in query)
        request = Request(method, PATHS.get(path, path), pairs, headers or HEADERS)
        return self.simulator.handle(request)

    def get(self, path, *query, headers=None):
        """Return the document of a 200."""
        response = self.send(path, query, headers)
        assert response.status == 200, response.body
        return json.loads(response.body)

    def refused(self, path, *query, headers=None, status=400):
        """Return the error object of a refusal."""
        response = self.send(path, query, headers)
        assert response.status == status, response.body
        document = json.loads(response.body)
        assert document["type"] == "error"
        assert document["request_id"] == response.header("request-id")
        return document["error"]

    def usage(self, start, end, width="1h", group_by=(), **filters):
        """Return all buckets of a usage query, over as many pages as it takes."""
        query = [("starting_at", start.isoformat()), ("bucket_width", width)]
        query += [("ending_at", end.isoformat())] if end else []
        query += [("group_by[]", name) for name in group_by]
        query += [(f"{name}[]", v) for name, values in filters.items() for v in values]
        return self.everything("usage", query)

    def costs(self, start, end=None, group_by=("workspace_id", "description")):
        """Return all days of the legacy cost report."""
        query = [("starting_at", start.isoformat()), ("limit", 31)]
        query += [("ending_at", end.isoformat())] if end else []
        return self.everything("cost", query + [("group_by[]", name) for name in group_by])

    def analytics(self, which, start, end, width="1d", group_by=(), **rest):
        """Return all rows of an analytics query, oldest first; list values are filters."""
        query = [("starting_at", start.isoformat()), ("ending_at", end.isoformat())]
        query += [("time_bucket_width", width)] if width else []
        query += [("group_by[]", name) for name in group_by]
        rest = {"limit": 1000, "order_by": "time", "order": "asc"} | rest
        for name, value in rest.items():
            several = isinstance(value, list)
            query += [(f"{name}[]", v) for v in value] if several else [(name, value)]
        return self.everything(f"analytics_{which}", query)

    def everything(self, path, query):
        """Return `data` over as many pages as it takes."""
        data, page = [], None
        while True:
            document = self.get(path, *query, *([("page", page)] if page else []))
            data += document["data"]
            page = document["next_page"]
            if not document["has_more"]:
                return data


@pytest.fixture
def asker():
    """Return the class, for tests that need a scenario or switches of their own."""
    return Asker


@pytest.fixture
def steady():
    """Return steady traffic at a Tuesday afternoon."""
    return Asker()
