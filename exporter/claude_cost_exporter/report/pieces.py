"""Lines of bills and estimates, cut by workspace, API key and price (floor 4).

What is known of a day's line is its total; what it is cut by, usage knows. So a total, billed or
estimated, is divided in the proportions of the estimates, exact to the nano-dollar.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.ledger.spread import spread
from claude_cost_exporter.records import ATTRIBUTION, NONE, Tokens, TokenType, model_label
from claude_cost_exporter.snapshot import Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from claude_cost_exporter.comparison import Comparison, LineOfDay
    from claude_cost_exporter.ledger.used import UsedOfDay
    from claude_cost_exporter.records import Dimensions

SEARCHES = Line(NONE, "web_search", NONE)

Place = tuple["date", Line]


class Part(NamedTuple):
    """What one combination of dimensions used of a line."""

    dimensions: Dimensions | None
    """None: no attribution query has told."""
    quantity: int | None
    """Tokens or requests; None: no usage report has told."""
    estimate: int


class Piece(NamedTuple):
    """A part of a line with its share of the line's cost in nano-USD."""

    account: str
    day: date
    line: Line
    part: Part
    cost: int
    is_billed: bool


def pieces(compared: Comparison, used: Iterable[UsedOfDay]) -> Iterator[Piece]:
    """Yield the pieces of every line of an account; they add up to what is best known of it."""
    parts = _parts(one for one in used if one.account == compared.account)
    for row in compared.lines:
        bill = compared.bills.get(row.day)
        billed = row.billed if bill is not None and bill.in_force else None
        known = list(_completed(row, parts.get((row.day, row.line), {})))
        total = row.estimated if billed is None else billed
        shares = spread(total, [part.estimate for part in known])
        for part, cost in zip(known, shares, strict=True):
            yield Piece(compared.account, row.day, row.line, part, cost, billed is not None)


def _completed(row: LineOfDay, parts: Mapping[Dimensions, Part]) -> Iterator[Part]:
    """Yield the parts of a line, and what the attribution queries do not explain of it."""
    yield from parts.values()
    quantity = row.tokens - sum(part.quantity or 0 for part in parts.values())
    estimate = row.estimated - sum(part.estimate for part in parts.values())
    counts = row.line.cost_type == "tokens" and row.tokens > 0
    if not parts or (counts and quantity > 0):
        yield Part(None, quantity if counts else None, max(estimate, 0))


def _parts(used: Iterable[UsedOfDay]) -> Mapping[Place, dict[Dimensions, Part]]:
    found: dict[Place, dict[Dimensions, Part]] = defaultdict(dict)
    for one in used:
        if one.role != ATTRIBUTION:
            continue
        for line, quantity, estimate in _lines(one):
            known = found[one.day, line].get(one.dimensions, Part(None, 0, 0))
            found[one.day, line][one.dimensions] = Part(
                one.dimensions, (known.quantity or 0) + quantity, known.estimate + estimate
            )
    return found


def _lines(one: UsedOfDay) -> Iterator[tuple[Line, int, int]]:
    """Yield the lines that some usage belongs to, with quantity and estimate."""
    model = model_label(one.dimensions.model)
    cost = one.rates.cost(one.tokens, one.web_searches)
    by_type = cost.by_type or (0,) * len(TokenType)
    for kind, quantity, amount in zip(Tokens._fields, one.tokens, by_type, strict=True):
        if quantity:
            yield Line(model, "tokens", kind), quantity, amount
    if one.web_searches:
        yield SEARCHES, one.web_searches, cost.web_search
