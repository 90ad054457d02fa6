"""GET /v1/organizations/analytics/cost: billed money by almost any dimension, in cents."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.simulator.analytics import page_of, read_query, row_of
from claude_cost_exporter.simulator.bill import Sum
from claude_cost_exporter.simulator.endpoints.analytics_usage import usage_of
from claude_cost_exporter.simulator.money import cents_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from claude_cost_exporter.simulator.analytics import Entry, Query, Span
    from claude_cost_exporter.simulator.call import Answer, Call
    from claude_cost_exporter.simulator.facts import Facts

COST_TYPE, TOKEN_TYPE = FAN_OUT = ("cost_type", "token_type")

Parts = dict[tuple["str | None", "str | None"], Sum]
"""Charges by cost type and token type, each None unless it was asked for."""


class Cost(NamedTuple):
    """What one group is charged."""

    parts: Parts
    requests: int | None = None

    @property
    def total(self) -> Sum:
        """Return the charges of all parts."""
        listed = sum(part.listed for part in self.parts.values())
        return Sum(listed, sum(part.amount for part in self.parts.values()))


ORDERS: dict[str, Callable[[Cost], int]] = {
    "amount": lambda cost: cost.total.amount,
    "list_amount": lambda cost: cost.total.listed,
}


def answer(call: Call) -> Answer:
    """Return one page of rows; a group may have several, one for each kind of charge."""
    query = read_query(call, tuple(ORDERS), FAN_OUT)
    rank = ORDERS.get(query.order_by, ORDERS["amount"])
    entries, page = page_of(call, query, lambda span: _cost_of(call, query, span), rank)
    page["data"] = [row for entry in entries for row in _rows(call, query, entry)]
    return page


def _cost_of(call: Call, query: Query, span: Span) -> dict[Facts, Cost]:
    costs: dict[Facts, Cost] = {}
    for first, stop in span.days():
        sums = call.bill.sums(first, stop, query.reading, query.group)
        for (group, cost_type, token_type), charge in sums.items():
            if charge.listed:
                parts = costs.setdefault(group, Cost({})).parts
                kind = (
                    cost_type if COST_TYPE in query.fan_out else None,
                    token_type if TOKEN_TYPE in query.fan_out else None,
                )
                old = parts.get(kind, Sum(0, 0))
                parts[kind] = Sum(old.listed + charge.listed, old.amount + charge.amount)
    return costs if query.fan_out else _with_requests(call, query, span, costs)


def _with_requests(
    call: Call, query: Query, span: Span, costs: dict[Facts, Cost]
) -> dict[Facts, Cost]:
    """Count requests: a request has several kinds of charges, so only their sum has a count."""
    usage = usage_of(call, query, span)
    return {
        group: cost._replace(requests=usage[group][6] if group in usage else 0)
        for group, cost in costs.items()
    }


def _rows(call: Call, query: Query, entry: Entry) -> Iterator[Answer]:
    cost: Cost = entry.measure
    decimals = call.switches.cent_decimals
    for (cost_type, token_type), charge in cost.parts.items():
        row = row_of(entry, query, call.organisation)
        row["group"] |= {COST_TYPE: cost_type, TOKEN_TYPE: token_type}
        row["cost"] = {
            "amount": cents_text(charge.amount, decimals),
            "list_amount": cents_text(charge.listed, decimals),
            "currency": "USD",
            "requests": cost.requests,
        }
        yield row
