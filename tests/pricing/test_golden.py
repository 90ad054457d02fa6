"""The price of every row that was ruled by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from claude_cost_exporter.pricing.rows import price_row
from claude_cost_exporter.records import NANO
from tests.pricing.cases import CASES, Case


def _name(case: Case) -> str:
    default = Case._field_defaults
    changed = [str(v) for f, v in case._asdict().items() if f in default and v != default[f]]
    return " ".join([case.day, case.model, *changed, "=", case.expected])


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_the_price_is_what_a_person_ruled(book, case):
    """The exact cost is the expected decimal, the ledger's nano-USD its rounding by token type."""
    row = case.row()

    exact = price_row(book, row)
    rates = book.rates("acme", row.dimensions, row.date, row.prompt_tokens)
    cost = rates.cost(row.tokens, row.web_searches)

    if case.expected.replace("_", "").isalpha():
        assert (exact.cost_usd, exact.reason) == (None, case.expected)
        assert (cost.by_type, rates.reason) == (None, case.expected)
    else:
        assert exact.cost_usd == case.expected
        assert sum(map(Decimal, exact.components.values())) == Decimal(case.expected)
        assert abs(Decimal(case.expected) * NANO - cost.total) <= Decimal("2.5")
