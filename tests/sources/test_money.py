"""Cents as decimal strings: exact, rounded once, and nothing else is taken for an amount."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_cost_exporter.errors import ParseError
from claude_cost_exporter.records import NANO
from claude_cost_exporter.sources.money import Cents, Currency, nano_usd
from claude_cost_exporter.sources.pages import decode


class Money(msgspec.Struct):
    amount: Cents
    currency: Currency = "USD"


def test_t2_cents_are_not_dollars():
    """T2: "41280.000000" is $412.80, and not a hundred times as much."""
    assert nano_usd("41280.000000") == 412_800_000_000 == 412.8 * NANO


@pytest.mark.parametrize(
    ("cents", "nano"),
    [
        ("123.78912", 1_237_891_200),
        ("0.0000001", 1),
        ("0.00000015", 2),
        ("0.00000025", 2),
        ("0.000000250000000000000000000001", 3),
        ("-0.00000015", -2),
        ("-12.5", -125_000_000),
        ("0", 0),
        ("-0.000", 0),
        ("99999999999.9999999", 999_999_999_999_999_999),
    ],
)
def test_fractions_of_a_cent_are_rounded_once_half_to_even(cents, nano):
    """An amount has whole nano-dollars; what is finer is rounded once, half to even."""
    assert nano_usd(cents) == nano


@given(st.integers(-(10**18) + 1, 10**18 - 1))
def test_every_nano_dollar_survives(nano):
    """Whatever number of nano-dollars a report writes as cents comes back unchanged."""
    cents = f"{Decimal(nano).scaleb(-7):f}"
    assert nano_usd(decode(msgspec.json.encode({"amount": cents}), Money, "x").amount) == nano


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9))
def test_rounding_moves_at_most_half_a_nano_dollar(cents):
    """No amount is further from what was written than half a nano-dollar."""
    assert abs(Decimal(nano_usd(f"{cents:f}")) - cents * 10**7) <= Decimal("0.5")


@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "-inf", "1e3", "1E+2", "", " 1", "1\n", "1,5", "+1", "1.", ".5", "0x10",
     "$1", "--1", "\u0661", "123456789012", 12.5, 12, True, None, ["1"]],
)  # fmt: skip
def test_what_is_not_a_decimal_string_is_a_parse_error(value):
    """NaN, infinity, exponents, JSON numbers and garbage are refused with the JSON path."""
    with pytest.raises(ParseError, match=r"`\$\.amount`"):
        decode(msgspec.json.encode({"amount": value}), Money, "x")


def test_other_currencies_are_a_parse_error():
    """An amount that is not in USD is refused with the JSON path, never added to dollars."""
    with pytest.raises(ParseError, match=r"'EUR' - at `\$\.currency`"):
        decode(b'{"amount": "1", "currency": "EUR"}', Money, "x")
