"""Which factors a row's dimensions call for, on its day and for its model (floor 1).

A value that is not known, or that the provider does not offer for the model on that day, is never
taken for standard: the answer is then a reason instead of factors.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.pricing.exact import ONES, Five, multiply
from claude_cost_exporter.pricing.windows import SHORT_CONTEXT, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from claude_cost_exporter.pricing.entries import Catalogue, Modifier
    from claude_cost_exporter.records import Dimensions

NO_FACTOR = frozenset(
    {
        ("service_tier", "standard"),
        ("speed", "standard"),
        # Models from before 2026-02 report not_available.
        ("inference_geo", ""),
        ("inference_geo", "global"),
        ("inference_geo", "not_available"),
        # Not known: standard is the lower bound, and the row is marked ambiguous where it matters.
        ("context_window", UNKNOWN),
        ("context_window", SHORT_CONTEXT),
    }
)
"""Dimension and value pairs that multiply by one. An empty service tier is not among them: it may
be batch at half the price or Priority Tier without one."""

_REASONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "service_tier": ("unknown_tier", "tier_not_offered"),
        "speed": ("unknown_speed", "fast_not_offered"),
        "inference_geo": ("unknown_geo", "geo_not_offered"),
        "context_window": ("unknown_context_window", "long_context_not_offered"),
    }
)
"""By dimension: the reason for a value that nobody knows, and for one that others are sold."""


class Factors(NamedTuple):
    """The tier's factors, and the product of all others; a reason stands where there are none."""

    tier: Five | None
    rest: Five | None
    tier_reason: str = ""
    rest_reason: str = ""
    ambiguous: bool = False
    """The context window is not known and would make a difference."""


class Modifiers:
    """The modifiers of a catalogue, found by dimension and value."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Index what the catalogue has no price for."""
        self._modifiers = catalogue.modifiers
        self._unpriced: dict[tuple[str, str], str] = {
            (unpriced.dimension, unpriced.value): unpriced.reason for unpriced in catalogue.unpriced
        }

    def factors(self, model: str | None, dimensions: Dimensions, day: date) -> Factors:
        """Return the factors for a listed id (None: an unlisted model); call it in `exactly()`.

        `context_window` must be what `windows.window_of` makes of it.
        """
        in_force: dict[tuple[str, str], Modifier] = {
            (modifier.dimension, modifier.value): modifier
            for modifier in self._modifiers
            if modifier.covers(model, day)
        }
        pairs = [(dimension, getattr(dimensions, dimension)) for dimension in _REASONS]
        found = [in_force[pair] for pair in pairs if pair in in_force]
        missing = {
            pair[0]: self._reason(pair)
            for pair in pairs
            if pair not in in_force and pair not in NO_FACTOR
        }
        tier_reason = missing.pop("service_tier", "")
        rest_reason = next(iter(missing.values()), "") or _forbidden(found)
        absorbed = {value for modifier in found for value in modifier.absorbs}
        tier = [m for m in found if m.dimension == "service_tier"]
        rest = [m for m in found if m.dimension != "service_tier" and m.value not in absorbed]
        windows = [m for m in in_force.values() if m.dimension == "context_window"]
        return Factors(
            tier=None if tier_reason else _product(tier),
            rest=None if rest_reason else _product(rest),
            tier_reason=tier_reason,
            rest_reason=rest_reason,
            ambiguous=dimensions.context_window == UNKNOWN
            and any(m.factors.five != ONES and m.value not in absorbed for m in windows),
        )

    def unpriced_tiers(self) -> tuple[str, ...]:
        """Return the documented service tiers that have no list price."""
        return tuple(value for dimension, value in self._unpriced if dimension == "service_tier")

    def _reason(self, pair: tuple[str, str]) -> str:
        """Return why a value has no factors."""
        if documented := self._unpriced.get(pair):
            return documented
        unknown, not_offered = _REASONS[pair[0]]
        sold = any((m.dimension, m.value) == pair for m in self._modifiers)
        return not_offered if sold else unknown


def _forbidden(found: list[Modifier]) -> str:
    """Return a reason when two modifiers exclude each other."""
    values = {modifier.value for modifier in found}
    clashes = (f"{m.value}_with_{v}" for m in found for v in m.not_with if v in values)
    return next(clashes, "")


def _product(modifiers: Iterable[Modifier]) -> Five:
    product = ONES
    for modifier in modifiers:
        product = multiply(product, modifier.factors.five)
    return product
