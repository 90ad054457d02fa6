"""Money as Anthropic writes it: cents as decimal strings, with fractions of a cent (floor 2).

"Cost amount in lowest currency units (e.g. cents) as a decimal string", so "123.45" is $1.2345.
https://platform.claude.com/docs/en/api/admin/cost_report (2026-08)
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, Literal

import msgspec

# Plain decimal notation of less than a billion dollars: a row with more would be a defect.
Cents = Annotated[str, msgspec.Meta(pattern=r"\A-?[0-9]{1,11}(\.[0-9]{1,40})?\Z")]
Currency = Literal["USD"]

NANO_OF_A_CENT = Decimal("1e-7")


def nano_usd(cents: str | Decimal) -> int:
    """Return cents as whole nano-USD, rounded once, half to even.

    >>> nano_usd("41280.000000")
    412800000000
    """
    return int(Decimal(cents).quantize(NANO_OF_A_CENT, ROUND_HALF_EVEN).scaleb(7))
