"""The two cost reports, made of given lines in the shapes that the API documents, and read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from claude_cost_exporter.records import Window
from tests.support.api import answer

DAY = timedelta(days=1)
DIMENSIONS = (
    *("actor", "actor_type", "agent_id", "api_key_id", "claude_tag_category"),
    *("claude_tag_user_id", "context_window", "deployment_id", "environment_id", "inference_geo"),
    *("model", "organization_id", "product", "rbac_group_id", "service_tier", "session_id"),
    *("slack_channel_id", "speed", "user_profile_id", "workspace_id"),
)
FAN_OUT = ("cost_type", "token_type")
PRICE = {
    "model": "claude-opus-5-5",
    "service_tier": "standard",
    "context_window": "0-200k",
    "inference_geo": "us",
    "speed": "fast",
    "cost_type": "tokens",
    "token_type": "output_tokens",
}
"""What a row of analytics/cost may be about."""


def day(number):
    """Return the start of a day of November 2026, UTC; 0 and less are days before it."""
    return datetime(2026, 11, 1, tzinfo=UTC) + (number - 1) * DAY


def text(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def line(amount="100", **fields):
    """Return one row of the legacy report: input tokens, unless told otherwise."""
    usual = {
        "amount": amount,
        "context_window": "0-200k",
        "cost_type": "tokens",
        "currency": "USD",
        "description": "Claude Sonnet 4.5 Usage - Input Tokens",
        "inference_geo": "global",
        "model": "claude-sonnet-4-5",
        "service_tier": "standard",
        "token_type": "uncached_input_tokens",
        "workspace_id": "wrkspc_a",
    }
    return {**usual, **fields}


def beside_tokens(cost_type, amount, **fields):
    """Return one row of the legacy report that is about no tokens."""
    nothing = dict.fromkeys(
        ("context_window", "inference_geo", "model", "service_tier", "token_type")
    )
    return line(amount, **{**nothing, "cost_type": cost_type, "description": cost_type, **fields})


def bucket(number, *lines):
    return {
        "starting_at": text(day(number)),
        "ending_at": text(day(number + 1)),
        "results": list(lines),
    }


def page(*data, next_page=None, **more):
    return {"data": list(data), "has_more": next_page is not None, "next_page": next_page, **more}


class CostReport:
    """Answers any range of days from `lines` by the number of the day."""

    def __init__(self, lines=None) -> None:
        self.lines = lines or {}
        self.edit = lambda document: document

    def __call__(self, request):
        query = dict(request.url.params.multi_items())
        start, end = (datetime.fromisoformat(query[name]) for name in ("starting_at", "ending_at"))
        first = datetime.fromisoformat(query.get("page", query["starting_at"]))
        last = min(end, first + int(query["limit"]) * DAY)
        numbers = [(first - day(1)) // DAY + 1 + n for n in range((last - first) // DAY)]
        data = [bucket(number, *self.lines.get(number, ())) for number in numbers]
        more = text(last) if last < end else None
        assert start <= first
        return answer(200, self.edit(page(*data, next_page=more)))


def row(number, amount="100", *, listed=None, ending=None, **group):
    """Return one row of analytics/cost about a day."""
    return {
        "starting_at": text(day(number)),
        "ending_at": text(ending or day(number + 1)),
        "group": {**dict.fromkeys((*DIMENSIONS, *FAN_OUT)), **group},
        "cost": {
            "amount": amount,
            "list_amount": listed or amount,
            "currency": "USD",
            "requests": None,
        },
    }


class AnalyticsCost:
    """Answers the three queries of the bill: each gets the rows of its first dimension."""

    def __init__(self, price=(), who=(), customer=(), *, refreshed=None) -> None:
        self.rows = {"model": price, "workspace_id": who, "user_profile_id": customer}
        self.refreshed = refreshed
        self.edit = lambda document: document

    def __call__(self, request):
        group_by = request.url.params.get_list("group_by[]")
        data = self.rows[group_by[0]]
        stamp = text(self.refreshed) if self.refreshed else None
        return answer(200, self.edit(page(*data, data_refreshed_at=stamp)))


def fetch(bench, first=1, end=2):
    """Return what was read of the window, and the records."""
    read, *records = bench.source.fetch(Window(day(first), day(end)))
    return read, records
