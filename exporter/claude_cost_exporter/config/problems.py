"""What can be wrong with a block, and with values that several blocks have (floor 1)."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from claude_cost_exporter.config.documents import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

MOST_USD = 1_000_000_000
MOST_DECIMALS = 9
LONGEST_TEXT = 100
LIKELY_MEANT = 0.9
"""How alike a misspelt word and the right one are."""


class Problem(NamedTuple):
    """What is wrong with a block: a sentence, and the keys it is about, the first one's place."""

    keys: tuple[str, ...]
    sentence: str


class Surroundings(NamedTuple):
    """What the other blocks of a configuration say, for a block that refers to them."""

    owners: Mapping[str, str | None]
    """The provider of each account; None: its source is of no known type."""
    payees: frozenset[str]
    """The providers of subscriptions."""
    scope_types: frozenset[str]
    """Kinds of scopes that the sources can tell apart."""


def wrong_usd(usd: Decimal) -> str | None:
    """Return why an amount is none that one can spend."""
    exponent = usd.normalize().as_tuple().exponent if usd.is_finite() else None
    if isinstance(exponent, int) and exponent >= -MOST_DECIMALS and 0 < usd <= MOST_USD:
        return None
    return f"{usd} is not more than 0, at most {MOST_USD} and in whole nano-dollars; write 500"


def wrong_number(value: Decimal, least: int, example: str) -> str | None:
    """Return why a number is too small, too large or none at all."""
    most = 1_000_000
    if value.is_finite() and least <= value <= most:
        return None
    return f"{value} is not between {least} and {most}; write {example}"


def wrong_name(text: str, example: str) -> str | None:
    """Return why a text cannot be a label's value."""
    if text.strip() == text and text.isprintable() and 0 < len(text) <= LONGEST_TEXT:
        return None
    return f"{shown(text)} is not 1 to {LONGEST_TEXT} letters without space around; write {example}"


def wrong_provider(text: str, around: Surroundings) -> str | None:
    """Return why a text is not written as the label provider is, or as that of a source."""
    if not re.fullmatch(r"[a-z0-9_-]{1,64}", text):
        return f"{shown(text)} is not 1 to 64 of a-z, 0-9, _ and -; write anthropic"
    read = set(filter(None, around.owners.values()))
    meant = difflib.get_close_matches(text, read, 1, LIKELY_MEANT)
    return f"{text} is no provider; did you mean {meant[0]}?" if {*meant} - {text} else None


def wrong_account(account: str, around: Surroundings) -> str | None:
    """Return why an account is none that is read."""
    if account in around.owners or not around.owners:  # then sources has been complained about
        return None
    return f"{shown(account)} is no account of sources; {suggestion(account, around.owners)}"


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return a half-sentence that helps with a word that is not known."""
    known = list(known)
    longer = [one for one in known if word and one.startswith(word)]  # amount is amount_usd
    close = longer[:1] or difflib.get_close_matches(word, known, 1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"


def wrong_zone(name: str) -> str | None:
    """Return why a text is no time zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones
        close = difflib.get_close_matches(name, available_timezones(), 1)
        hint = f"did you mean {close[0]}?" if close else "write UTC or Europe/Berlin"
        return f"{shown(name)} is not a time zone; {hint}"
    return None
