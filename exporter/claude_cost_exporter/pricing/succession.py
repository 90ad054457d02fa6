"""What becomes of learned entries when billed days teach others (floor 1).

An entry whose price has changed ends on the day of the change and is kept: `reprice` has to know
what was paid before. An entry that no day agrees with was wrong, and is replaced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from claude_cost_exporter.pricing.estimate import same

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from claude_cost_exporter.pricing.estimate import Estimate, Line
    from claude_cost_exporter.pricing.overrides import Override


def succeed(
    present: Sequence[Override],
    taught: Iterable[Override],
    discount: Estimate | None,
    lines: Sequence[Line],
) -> tuple[Override, ...]:
    """Return all entries in order: those that hold on, that have ended, and that are new."""
    in_force = {_about(entry): entry for entry in present if entry.to is None}
    new = {_about(entry): _placed(entry, in_force.get(_about(entry))) for entry in taught}
    kept = [
        remains
        for entry in present
        if entry not in new.values() and (remains := _remains(entry, discount, lines))
    ]
    return tuple(sorted([*kept, *new.values()], key=_order))


def _placed(entry: Override, known: Override | None) -> Override:
    """Return the known entry where a new one says the same; else the new one, in its place."""
    if known is None:
        return entry
    if _says_the_same(known, entry):
        return known
    return replace(entry, from_=entry.from_ or known.from_)


def _remains(entry: Override, discount: Estimate | None, lines: Iterable[Line]) -> Override | None:
    """Return what is left of an entry that billed days do not confirm; None: nothing."""
    about = [line for line in lines if _is_about(entry, line)]
    judged = discount is not None if entry.model is None else bool(about)
    if entry.to is not None or not judged:
        return entry
    changes = [discount] if discount and entry.model is None else about
    end = min((one.since for one in changes if one.since), default=None)
    return replace(entry, to=end) if end and _began_before(entry, end) else None


def _began_before(entry: Override, end: date) -> bool:
    return entry.from_ is None or entry.from_ < end


def _is_about(entry: Override, line: Line) -> bool:
    about = (entry.model, entry.token_type, entry.service_tier)
    return all(mine in (None, its) for mine, its in zip(about, line.key, strict=False))


def _says_the_same(one: Override, other: Override) -> bool:
    pairs = ((one.factor, other.factor), (one.usd_per_million, other.usd_per_million))
    return all(a == b or (a and b and same(a, b)) for a, b in pairs)


def _about(entry: Override) -> tuple[str, str, str]:
    return entry.model or "", entry.token_type or "", entry.service_tier or ""


def _order(entry: Override) -> tuple[int, tuple[str, str, str], bool, str]:
    """Put the general before the special, and what has ended before what followed."""
    about = _about(entry)
    return sum(map(bool, about)), about, entry.to is None, str(entry.to)
