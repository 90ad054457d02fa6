"""A usage report made of given rows: groups, filters and pages as the API documents."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from tests.support.api import answer, refused

WIDTHS = {"1h": timedelta(hours=1), "1m": timedelta(minutes=1)}
FILTERS = {"context_window[]": "context_window", "speeds[]": "speed"}
DIMENSIONS = (
    *("account_id", "api_key_id", "context_window", "inference_geo", "model"),
    *("service_account_id", "service_tier", "speed", "workspace_id"),
)
COUNTS = ("uncached", "output", "cache_read", "write_5m", "write_1h", "searches")


def usage(moment, counts, **dimensions):
    """Return usage at a minute: six counts, and dimensions that differ from the usual ones."""
    usual = {
        "api_key_id": "apikey_a",
        "context_window": "0-200k",
        "inference_geo": "global",
        "model": "claude-sonnet-4-5",
        "service_tier": "standard",
        "speed": "standard",
        "workspace_id": "wrkspc_a",
    }
    return moment, tuple(counts), {**dict.fromkeys(DIMENSIONS), **usual, **dimensions}


def row(counts, **dimensions):
    """Return one row as the API documents it."""
    named = dict(zip(COUNTS, counts, strict=True))
    return {
        **dict.fromkeys(DIMENSIONS),
        **dimensions,
        "cache_creation": {
            "ephemeral_1h_input_tokens": named["write_1h"],
            "ephemeral_5m_input_tokens": named["write_5m"],
        },
        "cache_read_input_tokens": named["cache_read"],
        "output_tokens": named["output"],
        "server_tool_use": {"web_search_requests": named["searches"]},
        "uncached_input_tokens": named["uncached"],
    }


def text(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Report:
    """Answers usage queries from a list of `usage`; what it does not do is set from outside."""

    def __init__(self, *used) -> None:
        self.used = list(used)
        self.refuse = lambda query: None
        self.serves = lambda width, start: True
        self.most_buckets = 10_000
        self.edit = lambda document: document

    def __call__(self, request):
        query = request.url.params.multi_items()
        if (refusal := self.refuse(request)) is not None:
            return refused(400, refusal)
        one = dict(query)
        width = WIDTHS[one["bucket_width"]]
        start, end = (datetime.fromisoformat(one[name]) for name in ("starting_at", "ending_at"))
        begin = datetime.fromisoformat(one["page"]) if "page" in one else start
        limit = min(int(one["limit"]), self.most_buckets)
        last = min(end, begin + limit * width)
        starts = [begin + n * width for n in range(int((last - begin) / width))]
        data = [
            {
                "starting_at": text(at),
                "ending_at": text(at + width),
                "results": self._rows(query, at, at + width),
            }
            for at in starts
            if self.serves(one["bucket_width"], at)
        ]
        more = last < end
        document = {"data": data, "has_more": more, "next_page": text(last) if more else None}
        return answer(200, self.edit(document))

    def _rows(self, query, start, end):
        group_by = [value for name, value in query if name == "group_by[]"]
        wanted = {FILTERS[name]: value for name, value in query if name in FILTERS}
        sums = defaultdict(lambda: (0,) * len(COUNTS))
        for moment, counts, dimensions in self.used:
            selected = all(dimensions[name] == value for name, value in wanted.items())
            if start <= moment < end and selected:
                group = tuple(dimensions[name] for name in group_by)
                sums[group] = tuple(map(sum, zip(sums[group], counts, strict=True)))
        return [
            row(counts, **dict(zip(group_by, group, strict=True))) for group, counts in sums.items()
        ]


def hour(n, minute=0):
    """Return an hour of 3 November 2026, UTC."""
    return datetime(2026, 11, 3, n, minute, tzinfo=UTC)
