"""One simulated organisation at a fixed time, and short ways to ask it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from claude_cost_exporter.clock import ManualClock
from claude_cost_exporter.simulator import Request, Simulator

NOW = datetime(2026, 11, 24, 14, 23, 30, tzinfo=UTC)
HEADERS = {
    "x-api-key": "sk-ant-admin01-of-a-test",
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "fast-mode-2026-02-01",
}
PATHS = {
    "me": "/v1/organizations/me",
    "workspaces": "/v1/organizations/workspaces",
    "api_keys": "/v1/organizations/api_keys",
    "usage": "/v1/organizations/usage_report/messages",
}


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
        buckets, page = [], None
        while True:
            document = self.get("usage", *query, *([("page", page)] if page else []))
            buckets += document["data"]
            page = document["next_page"]
            if not document["has_more"]:
                return buckets


@pytest.fixture
def asker():
    """Return the class, for tests that need a scenario or switches of their own."""
    return Asker


@pytest.fixture
def steady():
    """Return steady traffic at a Tuesday afternoon."""
    return Asker()
