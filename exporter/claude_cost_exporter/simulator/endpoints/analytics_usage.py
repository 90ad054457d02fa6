"""GET /v1/organizations/analytics/usage: tokens and requests by almost any dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_cost_exporter.simulator.analytics import page_of, read_query, row_of
from claude_cost_exporter.simulator.corrections import NOTHING, Counts, plus
from claude_cost_exporter.simulator.ratecard import CODE_EXECUTION

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_cost_exporter.simulator.analytics import Query, Span
    from claude_cost_exporter.simulator.call import Answer, Call
    from claude_cost_exporter.simulator.facts import Facts


def total_tokens(counts: Counts) -> int:
    """Return the tokens of all five kinds."""
    return sum(counts[:5])


ORDERS: dict[str, Callable[[Counts], int]] = {
    "total_tokens": total_tokens,
    "output_tokens": lambda counts: counts[1],
    "uncached_input_tokens": lambda counts: counts[0],
    "requests": lambda counts: counts[6],
}


def answer(call: Call) -> Answer:
    """Return one page of rows."""
    query = read_query(call, tuple(ORDERS))
    rank = ORDERS.get(query.order_by, total_tokens)
    entries, page = page_of(call, query, lambda span: usage_of(call, query, span), rank)
    for entry in entries:
        page["data"].append(
            row_of(entry, query, call.organisation) | {"usage": _usage(entry.measure)}
        )
    return page


def usage_of(call: Call, query: Query, span: Span) -> dict[Facts, Counts]:
    """Return usage by group; a container that ran code is a request without tokens."""
    groups: dict[Facts, Counts] = {}
    metered = query.reading.metered
    usage = call.traffic.usage(span.first, span.stop, metered)
    services = call.services.usage(span.first, span.stop, metered)
    spans = {s: (*NOTHING[:6], c[6]) for s, c in services.items() if s.model == CODE_EXECUTION}
    for series, counts in (*usage.items(), *spans.items()):
        group = query.group.of(series)
        if group is not None:
            old = groups.get(group)
            groups[group] = plus(old, counts) if old else counts
    return groups


def _usage(counts: Counts) -> Answer:
    uncached, output, cache_read, write_5m, write_1h, searches, requests = counts
    return {
        "uncached_input_tokens": uncached,
        "cache_creation": {
            "ephemeral_1h_input_tokens": write_1h,
            "ephemeral_5m_input_tokens": write_5m,
        },
        "cache_read_input_tokens": cache_read,
        "output_tokens": output,
        "server_tool_use": {"web_search_requests": searches},
        "requests": requests,
        "total_tokens": total_tokens(counts),
    }
