"""What billed days say about prices: billed amounts beside the same tokens at list price (floor 1).

Some days say nothing, and are left out: a day on which the list price changed, tiers that have no
list price, rows whose price depends on what nobody knows, what the user has an override for.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.pricing.exact import exactly
from claude_cost_exporter.pricing.overrides import Override
from claude_cost_exporter.records import TokenType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from claude_cost_exporter.pricing.book import PriceBook
    from claude_cost_exporter.records import BillDimensions, BillRecord, Dimensions, Tokens

DAY = timedelta(days=1)
CENT = 10_000_000
"""In nano-USD: no bill is rounded to more."""
MANY_QUANTA = 1000
"""An amount of so many quanta is not wrong by more than 0.05 % for having been rounded."""
NANO_PER_RATE = 1000
"""A token costs so many nano-USD at 1 USD per million."""
BILLED_TIERS = frozenset({"standard", "batch"})
"""Priority Tier is on no bill; what flex tiers cost is published nowhere."""
TOKEN_TYPES = frozenset(TokenType)
ONE_PRICE = {"not_available": "global"}
"""Values that the APIs do not agree about, and that cost the same."""

Place = tuple[str, str, str]
"""Context window, geography and speed; empty where one of both sides does not know it."""


class DayUsage(NamedTuple):
    """Tokens of one UTC day and one combination of the pricing dimensions."""

    day: date
    dimensions: Dimensions
    tokens: Tokens


class Evidence(NamedTuple):
    """Usage and bill of the same UTC days: whole days whose bill is in force."""

    usage: Sequence[DayUsage] = ()
    bill: Sequence[BillRecord] = ()


class Key(NamedTuple):
    """What has one price."""

    model: str
    """The list's id, or the label of a model that the list does not know."""
    token_type: TokenType
    service_tier: str
    context_window: str
    inference_geo: str
    speed: str


class Point(NamedTuple):
    """One day of something that has one price."""

    day: date
    amount: int
    """Billed nano-USD."""
    listed: Decimal
    """The same tokens at list price. Of a model without one: at 1 USD per million tokens, times
    the factors of batch, geography and so on."""
    named: int | None = None
    """What the bill itself says that it is before discounts, if it does."""
    tokens: int = 0

    @property
    def ratio(self) -> Decimal:
        """Return billed divided by listed: a factor on the list price, or a rate."""
        return self.amount / self.listed


def points_of(evidence: Evidence, book: PriceBook, account: str) -> dict[Key, list[Point]]:
    """Return what the days say about everything that has one price, in any order of days."""
    least = _least(evidence.bill)
    found: dict[Key, list[Point]] = defaultdict(list)
    for (day, model, token_type, tier), group in _groups(evidence, book, account).items():
        for place, point in group.points(day):
            if point.amount >= least[day]:
                found[Key(model, token_type, tier, *place)].append(point)
    return found


def _least(bill: Iterable[BillRecord]) -> Mapping[date, int]:
    """Return by day the least amount that says something: each API rounds in its own way."""
    lines: dict[str, list[BillRecord]] = defaultdict(list)
    for line in bill:
        lines[line.query_set].append(line)
    return {
        day: MANY_QUANTA * unit
        for group in lines.values()
        for unit in [quantum(line.amount for line in group)]
        for day in {line.day for line in group}
    }


def quantum(amounts: Iterable[int]) -> int:
    """Return the power of ten that bills are rounded to, as their amounts show.

    >>> quantum([1_234_500, 70_000])
    100
    """
    found = CENT
    for amount in amounts:
        while amount % found:
            found //= 10
    return found


@dataclass(slots=True)
class _Group:
    """The bill's lines and the usage of one day, model, token type and tier."""

    lines: list[tuple[Place, int, int | None]] = field(default_factory=list)
    usage: list[tuple[Place, int, Decimal | None]] = field(default_factory=list)
    """Tokens, and what they cost at list price; None: that says nothing."""

    def points(self, day: date) -> Iterator[tuple[Place, Point]]:
        """Yield what both sides have, by what both sides know of its place."""
        both = [*(place for place, *_ in self.lines), *(place for place, *_ in self.usage)]
        known = [all(values) for values in zip(*both, strict=True)]
        for place in {_blank(place, known) for place in both}:
            lines = [rest for at, *rest in self.lines if _blank(at, known) == place]
            usage = [rest for at, *rest in self.usage if _blank(at, known) == place]
            amounts, named = zip(*lines, strict=True) if lines else ((), ())
            tokens, listed = zip(*usage, strict=True) if usage else ((), ())
            if lines and usage and None not in listed:
                before = None if None in named else sum(named)
                yield place, Point(day, sum(amounts), sum(listed, Decimal(0)), before, sum(tokens))


def _groups(
    evidence: Evidence, book: PriceBook, account: str
) -> Mapping[tuple[date, str, TokenType, str], _Group]:
    groups: dict[tuple[date, str, TokenType, str], _Group] = defaultdict(_Group)
    for line in evidence.bill:
        on = line.dimensions
        if on.token_type in TOKEN_TYPES and on.service_tier in BILLED_TIERS:
            name = (line.day, book.name_of(on.model), TokenType(on.token_type), on.service_tier)
            groups[name].lines.append((_place(on), line.amount, line.list_amount))
    models = {use.dimensions.model for use in evidence.usage}
    rates = _ListRates(book, account, models)
    for day, dim, tokens in evidence.usage:
        listed = rates.cost(day, dim, tokens)
        for token_type, count, cost in zip(TokenType, tokens, listed, strict=True):
            if count:
                name = (day, book.name_of(dim.model), token_type, dim.service_tier)
                groups[name].usage.append((_place(dim), count, cost))
    return groups


class _ListRates:
    """What usage costs at list prices, where that can be compared with a bill."""

    def __init__(self, book: PriceBook, account: str, models: Iterable[str]) -> None:
        unlisted = {book.name_of(model) for model in models if not book.lists(model)}
        units = [
            Override(model=model, token_type=token_type, usd_per_million=Decimal(1))
            for model in unlisted
            for token_type in TokenType
        ]
        self._book, self._account = book, account
        self._list = book.with_learned(()).with_overrides(units)

    def cost(self, day: date, dimensions: Dimensions, tokens: Tokens) -> list[Decimal | None]:
        """Return nano-USD by token type; None: it cannot be compared."""
        nothing: list[Decimal | None] = [None] * len(TokenType)
        if self._book.quote(self._account, dimensions, day).origin == "override":
            return nothing
        quote = self._list.quote(self._account, dimensions, day)
        before = self._list.quote(self._account, dimensions, day - DAY)
        changed = before.rates is not None and before.rates != quote.rates
        if quote.rates is None or quote.ambiguous or changed:
            return nothing
        with exactly():
            return [
                None if rate is None else count * rate * NANO_PER_RATE
                for count, rate in zip(tokens, quote.rates, strict=True)
            ]


def _place(dimensions: Dimensions | BillDimensions) -> Place:
    geo = dimensions.inference_geo
    return dimensions.context_window, ONE_PRICE.get(geo, geo), dimensions.speed


def _blank(place: Place, known: Sequence[bool]) -> Place:
    """Return the place without what is not known on both sides."""
    window, geo, speed = (value if tell else "" for value, tell in zip(place, known, strict=True))
    return window, geo, speed
