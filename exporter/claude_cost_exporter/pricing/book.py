"""The price book: rates for an account, a combination of dimensions and a day (floor 1)."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from importlib.resources import files
from typing import TYPE_CHECKING, Self

import msgspec

from claude_cost_exporter.pricing.check import check_catalogue, check_overrides
from claude_cost_exporter.pricing.entries import Catalogue, ModelEntry, read_catalogue
from claude_cost_exporter.pricing.exact import exactly
from claude_cost_exporter.pricing.ids import plain_id
from claude_cost_exporter.pricing.modify import Modifiers
from claude_cost_exporter.pricing.overrides import Override, names_of
from claude_cost_exporter.pricing.quote import Quote, assemble, base_price
from claude_cost_exporter.pricing.rates import Cost, Rates
from claude_cost_exporter.pricing.windows import UNKNOWN, window_of
from claude_cost_exporter.records import NANO, Dimensions, TokenType, UsageRecord, model_label

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

_CACHE_LIMIT = 20_000
"""Distinct combinations kept before starting over: about a year of a busy organisation."""

_Key = tuple["str | int | date | None", ...]


class PriceBook:
    """A price document in force: immutable, complete and serialisable.

    `rates` answers in integer nano-USD and remembers its answers; `quote` answers exactly.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        """Check the catalogue and index it; contradictions raise PriceError."""
        check_catalogue(catalogue)
        self._catalogue = catalogue
        self._modifiers = Modifiers(catalogue)
        self._known = {
            name: model for model in catalogue.models for name in (model.id, *model.aliases)
        }
        check_overrides(catalogue.overrides, self._known, self._modifiers.unpriced_tiers())
        self._answers: dict[_Key, tuple[Quote, Rates]] = {}

    @classmethod
    def packaged(cls) -> Self:
        """Return the list prices that come with this release."""
        path = files("claude_cost_exporter.pricing") / "prices.yml"
        return cls.from_document(path.read_text(encoding="utf-8"))

    @classmethod
    def from_document(cls, text: str) -> Self:
        """Return the book of a price document: `prices.yml`, or what `document` returned."""
        return cls(read_catalogue(text))

    def document(self) -> str:
        """Return the whole book as JSON, with all it was given; `from_document` reads it back."""
        return msgspec.json.encode(self._catalogue).decode()

    def with_overrides(self, overrides: Sequence[Override]) -> Self:
        """Return a book with these overrides instead of the present ones; the last match wins."""
        return type(self)(msgspec.structs.replace(self._catalogue, overrides=tuple(overrides)))

    def with_learned(self, learned: Sequence[Override]) -> Self:
        """Return a book with these learned rates instead of the present ones.

        They hold where no override does; among them, too, the last match wins.
        """
        return type(self)(msgspec.structs.replace(self._catalogue, learned=tuple(learned)))

    @property
    def overrides(self) -> tuple[Override, ...]:
        """Return the overrides in force, in order."""
        return self._catalogue.overrides

    @property
    def learned(self) -> tuple[Override, ...]:
        """Return what bills taught, in order."""
        return self._catalogue.learned

    @property
    def verified_on(self) -> date:
        """Return the newest day on which a packaged price was checked."""
        return self._catalogue.verified_on()

    def models(self) -> tuple[str, ...]:
        """Return the exact ids of the list, in its order, without aliases."""
        return tuple(model.id for model in self._catalogue.models)

    def name_of(self, model: str) -> str:
        """Return the list's id of a model, or the label of one that the list does not know."""
        entry = self._entry(model)
        return entry.id if entry else model_label(model)

    def lists(self, model: str) -> bool:
        """Tell whether the list has, or once had, a price of a model."""
        entry = self._entry(model)
        return entry is not None and any(price.rates for price in entry.prices)

    def rates(
        self, account: str, dimensions: Dimensions, day: date, prompt_tokens: int | None = None
    ) -> Rates:
        """Return the rates of a row on its UTC day, rounded half to even to whole nano-USD.

        `prompt_tokens` is the prompt of a single request; a row that sums up many has none.
        """
        return self._answer(account, dimensions, day, prompt_tokens)[1]

    def price(self, account: str, record: UsageRecord) -> Cost:
        """Return what a record costs at the rates of its own day."""
        rates = self.rates(account, record.dimensions, record.hour.date())
        return rates.cost(record.tokens, record.web_searches)

    def quote(
        self, account: str, dimensions: Dimensions, day: date, prompt_tokens: int | None = None
    ) -> Quote:
        """Return the exact rates of a row on its UTC day.

        A declared context window that the prompt's length contradicts has no price where the two
        would cost differently (`context_window_conflict`).
        """
        return self._answer(account, dimensions, day, prompt_tokens)[0]

    def _answer(
        self, account: str, dimensions: Dimensions, day: date, prompt_tokens: int | None
    ) -> tuple[Quote, Rates]:
        """Return the remembered answer; workspace and key have no influence on it."""
        key = (account, day, prompt_tokens, *dimensions[:5])
        found = self._answers.get(key)
        if found is None:
            if len(self._answers) >= _CACHE_LIMIT:
                self._answers.clear()
            quote = self._settled(account, dimensions, day, prompt_tokens)
            found = self._answers[key] = (quote, _rounded(quote))
        return found

    def _settled(
        self, account: str, dimensions: Dimensions, day: date, prompt_tokens: int | None
    ) -> Quote:
        """Return the quote after comparing the declared context window with the prompt."""
        window = window_of(dimensions.context_window, prompt_tokens)
        found = self._quote(account, dimensions._replace(context_window=window), day, prompt_tokens)
        implied = window_of(UNKNOWN, prompt_tokens)
        if found.rates is None or implied in (UNKNOWN, window):
            return found
        as_implied = dimensions._replace(context_window=implied)
        if self._quote(account, as_implied, day, prompt_tokens).rates == found.rates:
            return found
        return Quote(None, found.per_web_search, reason="context_window_conflict")

    def _quote(
        self, account: str, dimensions: Dimensions, day: date, prompt_tokens: int | None
    ) -> Quote:
        """Return the exact rates, the context window being settled."""
        entry = self._entry(dimensions.model)
        base = base_price(entry, day, dimensions.context_window, prompt_tokens)
        names = names_of(dimensions.model) | ({entry.id, *entry.aliases} if entry else set())
        overrides, learned = (
            _deciding([
                o
                for o in reversed(entries)
                if (o.model is None or names & {o.model, plain_id(o.model)})
                and o.holds(account, dimensions.service_tier, day)
                and (o.factor is None or base.rates is not None)
            ])
            for entries in (self._catalogue.overrides, self._catalogue.learned)
        )  # fmt: skip
        with exactly():
            factors = self._modifiers.factors(entry.id if entry else None, dimensions, day)
            return assemble(base, factors, overrides, learned, self._per_web_search(day))

    def _entry(self, model: str) -> ModelEntry | None:
        """Return the list's entry of a raw id: exactly, or without what a platform adds."""
        return self._known.get(model) or self._known.get(plain_id(model))

    def _per_web_search(self, day: date) -> Decimal:
        """Return the price of a search; before the first one, when none was sold, the first."""
        prices = self._catalogue.web_search
        in_force = [price for price in prices if price.from_ <= day] or prices[:1]
        return in_force[-1].usd_per_search


def _deciding(newest_first: Sequence[Override]) -> list[Override | None]:
    """Return the first of these for each token type."""
    return [
        next((o for o in newest_first if o.token_type in (None, token_type)), None)
        for token_type in TokenType
    ]


def _rounded(quote: Quote) -> Rates:
    """Return a quote in whole nano-USD."""
    per_million = None
    if quote.rates is not None:
        a, b, c, d, e = (None if rate is None else _nano(rate) for rate in quote.rates)
        per_million = (a, b, c, d, e)
    return Rates(
        per_million, _nano(quote.per_web_search), quote.origin, quote.reason, quote.ambiguous
    )


def _nano(usd: Decimal) -> int:
    """Return whole nano-USD, half to even."""
    with exactly():
        nano = usd * NANO
    return int(nano.to_integral_value(ROUND_HALF_EVEN))
