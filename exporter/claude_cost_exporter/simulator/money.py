"""Money of the simulation: whole femto-USD, so that discounts and corrections never round."""

from __future__ import annotations

from decimal import Decimal

FEMTO_PER_NANO = 1_000_000
CENT_DECIMALS = 13
"""Decimals of a cent that a femto-USD is exact in."""


def cents_text(femto: int, decimals: int) -> str:
    """Return cents with exactly so many decimals, rounded half up.

    >>> cents_text(123_789_125_000_000, 4)
    '12.3789'
    """
    quantum: int = 10 ** (CENT_DECIMALS - decimals)
    units = (femto + quantum // 2) // quantum
    whole, part = divmod(units, 10**decimals)
    return f"{whole}.{part:0{decimals}d}" if decimals else str(whole)


def trimmed(text: str) -> str:
    """Return a decimal number without trailing zeros.

    >>> trimmed("120.5000"), trimmed("120.0000"), trimmed("120")
    ('120.5', '120', '120')
    """
    return text.rstrip("0").rstrip(".") if "." in text else text


def usd(femto: int) -> Decimal:
    """Return exact dollars."""
    return Decimal(femto).scaleb(-15)
