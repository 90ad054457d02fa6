"""Amounts and names as people read them (floor 4)."""

from __future__ import annotations

NOTHING = "-"
FIRST_GUESS_DAYS = 7
SIZES = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))


def dollars(amount: float | None) -> str:
    """Return an amount to the cent.

    >>> dollars(-1234.5), dollars(None)
    ('-$1,234.50', '-')
    """
    if amount is None:
        return NOTHING
    return f"-${-amount:,.2f}" if round(amount, 2) < 0 else f"${abs(amount):,.2f}"


def about(amount: float | None) -> str:
    """Return an estimate; cents only where they are what it is about."""
    if amount is None:
        return NOTHING
    return f"${amount:,.0f}" if abs(amount) >= 100 else dollars(amount)  # noqa: PLR2004


def between(low: float | None, high: float | None) -> str:
    """Return a range of estimates, empty where there is none."""
    return "" if low is None or high is None else f"{about(low)} to {about(high)}"


def count(number: int) -> str:
    """Return a number with three digits that count.

    >>> count(12_345_678), count(999), count(999_999)
    ('12.3 M', '999', '1.00 M')
    """
    for size, letter in SIZES:
        scaled = number / size
        if scaled >= 0.9995:  # noqa: PLR2004 - rounds up to the next letter
            digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0  # noqa: PLR2004
            return f"{scaled:.{digits}f} {letter}"
    return str(number)


def percent(ratio: float | None) -> str:
    """Return a share."""
    return NOTHING if ratio is None else f"{ratio:.0%}"


def first_guess(history_days: int) -> str:
    """Return what is to be said of a forecast with little behind it, empty where there is enough.

    >>> first_guess(4), first_guess(7)
    ('a first guess: 4 days of history', '')
    """
    enough = history_days >= FIRST_GUESS_DAYS
    return "" if enough else f"a first guess: {history_days} days of history"


def printable(name: str) -> str:
    """Return a name on one line, that cannot play tricks on a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)
