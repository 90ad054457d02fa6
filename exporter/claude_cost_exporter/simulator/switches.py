"""Behaviours of the real API that are unsettled or depend on the organisation, as switches."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from claude_cost_exporter.simulator.money import CENT_DECIMALS

if TYPE_CHECKING:
    from collections.abc import Iterator


class OpenBucket(StrEnum):
    """Whether a report serves the bucket that is still open."""

    PARTIAL = "partial"
    CLOSED_ONLY = "closed_only"


class SpeedGrouping(StrEnum):
    """When `speed` may be grouped and filtered by."""

    WITH_BETA_HEADER = "with_beta_header"
    REFUSED = "refused"
    ALWAYS = "always"


class BucketStart(StrEnum):
    """What happens to a `starting_at` in the middle of a bucket; the docs allow both."""

    CEIL = "ceil"
    FLOOR = "floor"


class Availability(StrEnum):
    """What an organisation or a key gets from an endpoint that not everybody may read."""

    SERVED = "served"
    FORBIDDEN = "forbidden"
    """403: the key lacks a scope."""
    NOT_FOUND = "not_found"
    """404: not enabled, or retired."""
    GONE = "gone"
    """410: retired."""
    UNSUPPORTED = "unsupported"
    """400 `organization_type_not_supported`."""


@dataclass(frozen=True, slots=True)
class Switches:
    """How this organisation's API behaves where reports of users differ."""

    open_hour: OpenBucket = OpenBucket.PARTIAL
    """Usage at `1h`; `1m` always serves the current minute."""
    open_day: OpenBucket = OpenBucket.CLOSED_ONLY
    """Usage at `1d`."""
    speed: SpeedGrouping = SpeedGrouping.WITH_BETA_HEADER
    bucket_start: BucketStart = BucketStart.CEIL
    max_rows_per_page: int | None = None
    """A page with more rows than this is refused with 400."""
    requests_per_minute: int | None = None
    """More requests than this in 60 s get a 429 without `retry-after`."""
    latency_seconds: float = 0.0
    clock_skew_seconds: float = 0.0
    """How far the provider's clock is ahead of the machine's."""
    admin_key: str | None = None
    """The only key that is accepted; None: every key that starts with `sk-ant-admin`."""
    key_kinds: tuple[str, ...] = ("sk-ant-admin",)
    """Prefixes of keys with the right to read; a workspace key (`sk-ant-api`) gets 403."""
    bearer: bool = True
    """Whether `Authorization: Bearer` of an `org:admin` login is accepted."""
    default_workspace_readable: bool = True
    """Whether lists and Get serve the default workspace (before 2026-10-07 lists did not)."""
    usage_report: Availability = Availability.SERVED
    """The legacy usage report."""
    cost_report: Availability = Availability.SERVED
    """The legacy cost report."""
    analytics: Availability = Availability.SERVED
    """Both endpoints of the Usage and Cost Analytics API."""
    claude_code: Availability = Availability.SERVED
    spend_limits: Availability = Availability.SERVED
    rate_limits: Availability = Availability.SERVED
    open_cost_day: OpenBucket = OpenBucket.CLOSED_ONLY
    """The legacy cost report; without it a range that holds no closed day is refused."""
    cost_delay_hours: int = 8
    """How long after its usage a charge is in the legacy cost report."""
    analytics_delay_minutes: int = 60
    """How old what analytics shows is at least; it is refreshed every ten minutes."""
    cent_decimals: int = 9
    """Decimals to which amounts are rounded, row by row; 9 are exact for discounts."""
    undated_cost_models: bool = True
    """Whether the legacy cost report leaves the date out of model ids."""
    misleading_descriptions: bool = False
    """Whether every description names one and the same model, as in the official sample."""


def with_switch(switches: Switches, assignment: str) -> Switches:
    """Return `switches` with one `name=value` from a command line applied.

    >>> with_switch(Switches(), "open_hour=closed_only").open_hour
    <OpenBucket.CLOSED_ONLY: 'closed_only'>
    """
    name, _, text = assignment.partition("=")
    present = {n: getattr(switches, n) for n in _names()}
    if name not in present:
        raise ValueError(f"switch {name!r} is unknown; known are: {', '.join(sorted(present))}")
    changes: dict[str, Any] = {name: _read(name, text, present[name])}
    return replace(switches, **changes)


_NOT_BY_NAME = ("key_kinds", "admin_key")
"""Not for a command line: everybody on the machine can read those."""


def known_switches() -> Iterator[tuple[str, str, str]]:
    """Yield the name of each switch, the values that it may have, and the usual one."""
    usual = Switches()
    for name in _names():
        present = getattr(usual, name)
        values = "|".join(_words(present) or ["NUMBER"])
        shown = str(present).lower() if isinstance(present, bool) else present
        yield name, values, "not set" if present is None else str(shown)


def _names() -> list[str]:
    return [field.name for field in fields(Switches) if field.name not in _NOT_BY_NAME]


def _words(present: object) -> dict[str, Any] | None:
    """Return the words that a switch may be, None when it may be a number."""
    if isinstance(present, StrEnum):
        return {str(word): word for word in type(present)}
    return {"true": True, "false": False} if isinstance(present, bool) else None


def _read(name: str, text: str, present: object) -> object:
    """Return the value in `text`, of the kind that the switch has."""
    if (words := _words(present)) is not None:
        return _choice(name, text, words)
    try:
        number = float(text) if isinstance(present, float) else int(text)
    except ValueError:
        number = -1
    most = CENT_DECIMALS if name == "cent_decimals" else float("inf")
    if not 0 <= number <= most or number == float("inf"):
        upto = "on" if most == float("inf") else f"to {most}"
        raise ValueError(f"switch {name} is {text!r}; it may be a number from 0 {upto}")
    return number


def _choice(name: str, text: str, words: dict[str, Any]) -> object:
    if text not in words:
        raise ValueError(f"switch {name} is {text!r}; it may be {' or '.join(words)}")
    return words[text]
