"""What `reconcile` prints of one account: amounts day by day, reasons below, then sums."""

from __future__ import annotations

from collections import Counter
from shutil import get_terminal_size
from textwrap import wrap
from typing import TYPE_CHECKING

from claude_cost_exporter.views.reconciled import by_day, by_model, by_reason, total

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from claude_cost_exporter.comparison import Comparison
    from claude_cost_exporter.pricing.learn import Disagreement
    from claude_cost_exporter.views.reconciled import Day, Sum
    from claude_cost_exporter.views.reconciliation import Reconciliation

NANO = 1_000_000_000
HEAD = ("estimated", "billed", "difference", "ratio")
WIDTHS = (13, 13, 13, 9)
INDENT = "  "


def report(found: Reconciliation, wrong: Iterable[Disagreement]) -> Iterator[str]:
    """Yield the lines."""
    compared, days = found.comparison, list(by_day(found))
    yield f"{compared.account}: {compared.first} to {compared.last}, UTC days, USD"
    yield ""
    if not days:
        yield "no usage and no bill has been read for these days"
        return
    models = list(by_model(found))
    width = max(len(one.name) for one in models) + len(INDENT)
    yield _row("day and model", HEAD, width)
    for day in days:
        yield from _day(day, width)
    yield ""
    yield _row("all days", HEAD, width)
    for one in models:
        yield _amounts(one, width, INDENT)
    yield _amounts(total(found), width)
    yield ""
    for paragraph in (*_summary(found), *_gaps(compared), *_contradictions(wrong)):
        yield from _wrapped(paragraph)
    yield ""


def _day(day: Day, width: int) -> Iterator[str]:
    yield _amounts(day.whole, width)
    for one in day.models:
        yield _amounts(one, width, INDENT)
    for reason, names in day.reasons.items():
        about = "" if len(names) == len(day.models) else f"{', '.join(names)}: "
        yield from _wrapped(f"{about}{reason}", INDENT)


def _amounts(one: Sum, width: int, indent: str = "") -> str:
    cells = [f"{one.estimated / NANO:,.2f}"]
    if one.billed is not None:
        difference = (one.billed - one.estimated) / NANO
        cells += [f"{one.billed / NANO:,.2f}", f"{difference:+,.2f}"]
        cells += [f"{one.billed / one.estimated:.4f}"] if one.estimated else []
    return _row(indent + one.name, cells, width)


def _row(name: str, cells: Sequence[str], width: int) -> str:
    numbers = zip(cells, WIDTHS, strict=False)
    return f"{name:{width}}" + "".join(f"{cell:>{wide}}" for cell, wide in numbers)


def _wrapped(text: str, indent: str = "") -> list[str]:
    """Return a paragraph for this terminal; names and numbers are never broken."""
    return wrap(
        text,
        get_terminal_size().columns,
        initial_indent=indent,
        subsequent_indent=indent + INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _summary(found: Reconciliation) -> Iterator[str]:
    """Yield what the reasons amount to."""
    if found.discount is not None:
        yield f"Most of it is billed at {found.discount:.4f} of the estimate."
    for reason, nano in by_reason(found):
        yield f"{nano / NANO:+,.2f} USD: {reason}"


def _gaps(compared: Comparison) -> Iterator[str]:
    """Yield what has no price or has not been read."""
    tokens: Counter[tuple[str, str]] = Counter()
    for one in compared.unpriced:
        tokens[one.model, one.reason] += one.tokens
    for (model, why), count in tokens.items():
        yield f"{count:,} tokens of {model} have no price: {why}"
    if unread := compared.unread:
        yield f"Days whose usage has not been read completely: {len(unread)}, from {unread[0]} on."


def _contradictions(found: Iterable[Disagreement]) -> Iterator[str]:
    """Yield the list prices that the bill contradicts, whether they could be corrected or not."""
    for one in found:
        yield (
            f"The bill contradicts a list price, {' '.join(filter(None, one.key))}: listed are "
            f"{one.listed_usd_per_million} USD per million tokens, billed "
            f"{one.implied_usd_per_million} before discounts."
        )
