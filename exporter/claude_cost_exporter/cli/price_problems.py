"""What is wrong with a configuration in the eyes of the price list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_cost_exporter.config.problems import suggestion
from claude_cost_exporter.errors import PriceError
from claude_cost_exporter.pricing.book import PriceBook
from claude_cost_exporter.pricing.overrides import names_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from claude_cost_exporter.config.load import Draft
    from claude_cost_exporter.pricing.overrides import Override


def price_problems(found: Draft) -> Iterator[str]:
    """Yield what prices make meaningless, each by its YAML path."""
    book = PriceBook.packaged()
    yield from _unusable(book, found.overrides)
    own = {override.model for override in found.overrides.values()}
    for where, model in _compared(found):
        if not book.lists(model) and own.isdisjoint(names_of(model)):
            yield (
                f"{where}: {model} has no price, neither in the list nor by prices.overrides; "
                f"{suggestion(model, book.models())}"
            )


def _unusable(book: PriceBook, overrides: Mapping[str, Override]) -> Iterator[str]:
    for where, override in overrides.items():
        try:
            book.with_overrides([override])
        except PriceError as error:
            for sentence in str(error).splitlines():
                yield f"{where}: {sentence.replace('prices.overrides[0]', 'this override', 1)}"


def _compared(found: Draft) -> Iterator[tuple[str, str]]:
    """Yield the models that are compared; one that is missing has been complained about."""
    pairs = found.config.routing_whatif if found.config else []
    for index, pair in enumerate(pairs):
        for key in ("from_model", "to_model"):
            if model := getattr(pair, key, None):
                yield f"routing_whatif[{index}].{key}", model
