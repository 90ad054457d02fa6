"""What the organisation is charged, exactly: the answer that finance would get, for tests."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from claude_cost_exporter.simulator.bill import TOKEN_TYPES
from claude_cost_exporter.simulator.money import usd
from claude_cost_exporter.simulator.ratecard import SERVICES
from claude_cost_exporter.simulator.truth import NO_KEY, NO_TOKENS, label_of
from claude_cost_exporter.simulator.truth import TOKEN_TYPES as LABELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date
    from decimal import Decimal

    from claude_cost_exporter.simulator.bill import Item
    from claude_cost_exporter.simulator.corrections import Series

NONE = "none"
"""Label of a dimension that a charge does not have."""

_TOKEN_LABELS = dict(zip(TOKEN_TYPES, LABELS, strict=True))


class Charge(NamedTuple):
    """One line of the invoice, in the exporter's own labels; money in femto-USD."""

    day: date
    workspace_id: str
    api_key_id: str
    model: str
    service_tier: str
    context_window: str
    inference_geo: str
    speed: str
    product: str
    user_profile_id: str
    cost_type: str
    token_type: str
    listed: int
    amount: int


class Invoice:
    """The charges of some UTC days. They are computed when asked for and never all held."""

    def __init__(
        self, days: Iterable[int], charged: Callable[[int], Iterable[Item]], default_workspace: str
    ) -> None:
        self._days = tuple(days)
        self._charged = charged
        self._default_workspace = default_workspace

    def __iter__(self) -> Iterator[Charge]:
        """Yield every charge, oldest day first."""
        for number in self._days:
            day = datetime.fromtimestamp(number * 86_400, UTC).date()
            for item in self._charged(number):
                yield self._charge(day, item)

    def by(self, *dimensions: str) -> dict[Any, int]:
        """Return amounts in femto-USD by one dimension, or by tuples of several.

        `invoice.by("day", "model")` has keys like `(date(2026, 11, 3), "claude-opus-5-5")`.
        """
        return self._sums(dimensions, "amount")

    def listed_by(self, *dimensions: str) -> dict[Any, int]:
        """Return list prices, before the discount, as `by` returns amounts."""
        return self._sums(dimensions, "listed")

    @property
    def amount(self) -> int:
        """Return everything that is charged, in femto-USD."""
        return sum(charge.amount for charge in self)

    @property
    def listed(self) -> int:
        """Return everything at list price, in femto-USD."""
        return sum(charge.listed for charge in self)

    @property
    def usd(self) -> Decimal:
        """Return everything that is charged, in exact dollars."""
        return usd(self.amount)

    def _sums(self, dimensions: tuple[str, ...], money: str) -> dict[Any, int]:
        places = [Charge._fields.index(name) for name in dimensions]
        value = Charge._fields.index(money)
        sums: Counter[Any] = Counter()
        for charge in self:
            key = tuple(charge[place] for place in places)
            sums[key if len(key) > 1 else key[0]] += charge[value]  # type: ignore[operator]
        return dict(sums)

    def _charge(self, day: date, item: Item) -> Charge:
        series, cost_type, token_type, listed, amount = item
        model = NONE if series.model in SERVICES else label_of(series.model)
        return Charge(
            day,
            series.workspace_id or self._default_workspace,
            series.api_key_id or NO_KEY,
            model,
            *_price_dimensions(series),
            series.product or NONE,
            series.user_profile_id or NONE,
            cost_type,
            _TOKEN_LABELS[token_type] if token_type else NO_TOKENS,
            listed,
            amount,
        )


def _price_dimensions(series: Series) -> tuple[str, str, str, str]:
    if series.model in SERVICES:
        return NONE, NONE, NONE, NONE
    return series.service_tier, series.context_window, series.inference_geo, series.speed
