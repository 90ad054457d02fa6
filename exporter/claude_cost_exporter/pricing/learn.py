"""Rates that an organisation's own bill teaches: its discount, and prices nobody lists (floor 1).

For everything that has one price, billed / (tokens x list rate) is a number k on each day. It is 1
without a discount, and the same everywhere with one. Of a model without a list price, the same
division gives its rate. Days that disagree teach nothing.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, time, timedelta
from decimal import Context, Decimal
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from claude_cost_exporter.pricing.estimate import LEAST_DAYS, Estimate, Line, estimate, same
from claude_cost_exporter.pricing.evidence import (
    DAY,
    NANO_PER_RATE,
    Key,
    Point,
    points_of,
)
from claude_cost_exporter.pricing.exact import plain
from claude_cost_exporter.pricing.overrides import Override
from claude_cost_exporter.pricing.succession import succeed
from claude_cost_exporter.records import TokenType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from claude_cost_exporter.pricing.book import PriceBook
    from claude_cost_exporter.pricing.evidence import Evidence

REVISED_FOR = timedelta(hours=48)
"""After the end of a day: its usage and its bill may still change."""
DIGITS = Context(prec=5)
"""The provider's rounding spoils the ones behind."""
NO_DISCOUNT = Decimal(1)
EXACT = Decimal("0.0005")
"""A price is the same on each day. The share of refused requests, which no bill has, is not."""

SELECTORS = ("model", "token_type", "service_tier")
"""What an entry may be about, from the general to the special: the first fields of a `Key`."""


class Disagreement(NamedTuple):
    """A list price that the bill contradicts, beyond the discount that everything has."""

    key: Key
    listed_usd_per_million: Decimal
    """With the factors of batch, geography and so on."""
    implied_usd_per_million: Decimal
    """What it would have to be, before the discount."""


class Lesson(NamedTuple):
    """What billed days taught about one account."""

    learned: tuple[Override, ...] = ()
    """All of the account's entries, the general before the special."""
    disagreements: tuple[Disagreement, ...] = ()


def learn(evidence: Evidence, book: PriceBook, account: str, now: datetime) -> Lesson:
    """Return what billed days teach. Entries of the book that they say nothing about stay."""
    found = points_of(evidence, book, account)
    listed = _lines({k: _settled(d, now) for k, d in found.items() if book.lists(k.model)})
    present = [entry for entry in book.learned if entry.account == account]
    discount = _shared(_as_named(listed), models=1) or _shared(listed)
    in_force = [entry for entry in present if entry.to is None]
    unlisted = _unlisted({k: d for k, d in found.items() if not book.lists(k.model)}, in_force, now)
    known = next((entry.factor for entry in in_force if entry.model is None), None)
    usual = discount.value if discount else known or NO_DISCOUNT
    taught = [
        *_discounts(discount, account),
        *_corrections(listed, usual, account),
        *_rates(unlisted, account),
    ]
    learned = succeed(present, taught, discount, [*listed, *unlisted])
    return Lesson(learned, tuple(_disagreements(listed, usual)))


def _lines(found: dict[Key, list[Point]], least: int = LEAST_DAYS) -> list[Line]:
    """Return what has a price that its days agree about."""
    estimates = {key: estimate(days, least) for key, days in found.items()}
    return [Line(key, found[key], *known) for key, known in estimates.items() if known]


def _unlisted(
    found: dict[Key, list[Point]], in_force: Sequence[Override], now: datetime
) -> list[Line]:
    """Return the lines of models without a list price: one day is enough, unless they have a rate.

    A bill that is corrected for a day or two must not take back what others taught. A rate that no
    day has any more was wrong.
    """
    known, new = {}, {}
    for key, days in found.items():
        trusted = _settled(days, now) or days
        if any(_supports(point, key, in_force) for point in trusted):
            known[key] = days
        else:
            new[key] = trusted if estimate(trusted, least=1) else [max(trusted)]
    return [*_lines(new, least=1), *_lines(known)]


def _supports(point: Point, key: Key, in_force: Iterable[Override]) -> bool:
    """Tell whether a day has the rate that is known."""
    rates = (one.usd_per_million for one in in_force if (one.model, one.token_type) == key[:2])
    return any(rate is not None and same(point.ratio, rate) for rate in rates)


def _settled(days: Iterable[Point], now: datetime) -> list[Point]:
    """Return the days whose usage and bill do not change any more."""
    return [
        point
        for point in days
        if datetime.combine(point.day, time(), UTC) + DAY + REVISED_FOR <= now
    ]


def _pooled(lines: Iterable[Line]) -> list[Point]:
    """Return the lines' sums by day."""
    by_day: dict[date, list[Point]] = defaultdict(list)
    for line in lines:
        for point in line.days:
            by_day[point.day].append(point)
    return [
        Point(
            day,
            sum(point.amount for point in points),
            sum((point.listed for point in points), Decimal(0)),
        )
        for day, points in by_day.items()
    ]


def _uniform(lines: Sequence[Line]) -> Estimate | None:
    """Return the ratio that all of some lines have."""
    whole = estimate(_pooled(lines), least=1)
    return whole if whole and all(same(line.ratio, whole.value) for line in lines) else None


def _as_named(lines: Iterable[Line]) -> list[Line]:
    """Return lines beside the list price that the bill names: their ratio is a discount."""
    return _lines({
        line.key: [point._replace(listed=Decimal(point.named or 1)) for point in line.days]
        for line in lines
        if all(point.named for point in line.days)
    })  # fmt: skip


def _shared(lines: Sequence[Line], models: int = 2) -> Estimate | None:
    """Return the ratio that most of the money has, if it has one and is of several models.

    What a single model has may be a discount or a mistake of the list.
    """

    def agreeing(with_: Line) -> list[Line]:
        return [line for line in lines if same(line.ratio, with_.ratio)]

    def money(some: Iterable[Line]) -> int:
        return sum(point.amount for line in some for point in line.days)

    best = max((agreeing(line) for line in lines), key=money, default=[])
    enough = len({line.key.model for line in best}) >= models
    return _uniform(best) if enough and 2 * money(best) > money(lines) else None


def _discounts(discount: Estimate | None, account: str) -> Iterator[Override]:
    """Yield the entry of a discount that the whole organisation has."""
    if discount and not same(discount.value, NO_DISCOUNT):
        yield Override(account=account, from_=discount.since, factor=_short(discount.value))


def _corrections(
    lines: Sequence[Line], usual: Decimal, account: str, depth: int = 1
) -> Iterator[Override]:
    """Yield factors of what differs from the usual one, each as general as it can be.

    A whole model takes more than one token type that says so.
    """
    for selected, group in _by(lines, depth):
        types = {line.key.token_type for line in group}
        shared = _uniform(group) if depth > 1 or len(types) > 1 else None
        if shared and not same(shared.value, usual) and not _are_refused(group, usual):
            about = dict(zip(SELECTORS, selected, strict=False))
            what = {"account": account, "from": shared.since, "factor": _short(shared.value)}
            yield msgspec.convert(what | about, Override)
        elif not shared and depth < len(SELECTORS):
            yield from _corrections(group, usual, account, depth + 1)


def _are_refused(lines: Iterable[Line], usual: Decimal) -> bool:
    """Tell whether what lines lack looks like refused requests rather than like a lower price."""
    points = _pooled(lines)
    found = estimate(points, least=1)
    less = found is not None and found.value < usual
    return less and estimate(points, within=EXACT) is None


def _rates(lines: Sequence[Line], account: str) -> Iterator[Override]:
    """Yield rates of models that have no list price: those of the standard tier, if it is used."""
    for (model, token_type), group in _by(lines, 2):
        standard = [line for line in group if line.key.service_tier == "standard"]
        if shared := _uniform(standard or group):
            yield Override(
                account=account,
                model=model,
                token_type=TokenType(token_type),
                from_=shared.since,
                usd_per_million=_short(shared.value),
            )


def _by(lines: Sequence[Line], depth: int) -> Iterator[tuple[tuple[str, ...], list[Line]]]:
    """Yield lines that have the first `depth` fields of their keys in common."""

    def selected(line: Line) -> tuple[str, ...]:
        return line.key[:depth]

    for fields, group in groupby(sorted(lines, key=selected), selected):
        yield fields, list(group)


def _disagreements(lines: Iterable[Line], usual: Decimal) -> Iterator[Disagreement]:
    """Yield the list prices that the bill contradicts."""
    for line in sorted(lines):
        named = [point._replace(amount=point.named or 0) for point in line.days]
        said = estimate(named) if all(point.amount for point in named) else None
        ratio = said.value if said else line.ratio / usual
        refused = not said and _are_refused([line], usual)
        if not same(ratio, NO_DISCOUNT) and not refused:
            tokens = sum(point.tokens for point in line.days)
            listed = sum((point.listed for point in line.days), Decimal(0))
            rate = listed / tokens / NANO_PER_RATE
            yield Disagreement(line.key, _short(rate), _short(rate * ratio))


def _short(value: Decimal) -> Decimal:
    return Decimal(plain(DIGITS.plus(value)))
