"""Decimal arithmetic that never rounds, and the five rates of a price (floor 1)."""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, localcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

Five = tuple[Decimal, Decimal, Decimal, Decimal, Decimal]
"""One value per `TokenType`, in its order."""

Some = tuple[Decimal | None, Decimal | None, Decimal | None, Decimal | None, Decimal | None]
"""One value per `TokenType`; None where there is none yet."""

ONE = Decimal(1)
ONES: Five = (ONE, ONE, ONE, ONE, ONE)

MAX_VALUE = 1_000_000
MAX_DECIMALS = 12
_DIGITS = 250
"""More than the product of every factor there can be: 19 digits of tokens, 18 per factor."""


def exactly() -> AbstractContextManager[Context]:
    """Return a context in which a result that would have to be rounded is an error."""
    return localcontext(Context(prec=_DIGITS, traps=[Inexact, InvalidOperation, Overflow]))


def multiply(left: Five, right: Five) -> Five:
    """Return the products type by type; call it inside `exactly()`."""
    a, b, c, d, e = (x * y for x, y in zip(left, right, strict=True))
    return a, b, c, d, e


def check_decimal(name: str, value: Decimal, *, zero: bool = False) -> None:
    """Raise ValueError unless `value` is a positive (or, with `zero`, zero) number of sane size."""
    if wrong := wrong_decimal(name, value, zero=zero):
        raise ValueError(wrong)


def wrong_decimal(name: str, value: Decimal, *, zero: bool = False) -> str | None:
    """Return why `value` is no positive (or, with `zero`, zero) number of sane size."""
    fits = value.is_finite() and (value > 0 or (zero and value == 0)) and value <= MAX_VALUE
    exponent = value.normalize().as_tuple().exponent if fits else 0
    if fits and not (isinstance(exponent, int) and exponent < -MAX_DECIMALS):
        return None
    least = "0 or more" if zero else "more than 0"
    return (
        f"{name} is {value}; it must be {least}, at most {MAX_VALUE}, "
        f"with at most {MAX_DECIMALS} decimals"
    )


def plain(value: Decimal) -> str:
    """Return the number without an exponent and without trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
