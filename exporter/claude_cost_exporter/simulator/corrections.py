"""What the provider changes afterwards: hours restated, spend moved to somebody else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import timedelta

    from claude_cost_exporter.simulator.organisation import Organisation

Counts = tuple[int, int, int, int, int, int, int]
"""Input, output, cache read, 5m write, 1h write, web searches, requests.

In the flow of a service the place of the web searches holds its units of 36 ms.
"""

NOTHING: Counts = (0, 0, 0, 0, 0, 0, 0)


class Series(NamedTuple):
    """Every dimension that some report knows, with the nulls of the legacy usage report.

    Those with a default are not in that report.
    """

    workspace_id: str | None
    api_key_id: str | None
    account_id: str | None
    service_account_id: str | None
    model: str
    service_tier: str
    context_window: str
    inference_geo: str
    speed: str
    product: str | None = None
    user_profile_id: str | None = None
    agent_id: str | None = None
    blocked: bool = False
    """Refused before any output: in every usage report, on no bill."""


Parts = list[tuple[Series, Counts]]
"""One flow's hour: usually one series, two after a partial move."""


Effect = Callable[[str, Parts], Parts]
"""Changes the parts of the flow with the given name."""


@dataclass(frozen=True, slots=True)
class Restatement:
    """At `after`, hours that began `hours_back` earlier change by `percent`; 0 is the open one."""

    after: timedelta
    percent: int
    hours_back: int
    hours: int = 1
    flows: tuple[str, ...] = ()
    """Names of the flows it touches; empty: all."""

    def effect(self, _organisation: Organisation) -> Effect:
        """Return what it does to an hour."""
        return self._restate

    def _restate(self, flow: str, parts: Parts) -> Parts:
        if self.flows and flow not in self.flows:
            return parts
        return [(series, scaled(counts, 100 + self.percent, 100)) for series, counts in parts]


@dataclass(frozen=True, slots=True)
class Reattribution:
    """At `after`, `percent` of a flow's spend in past hours turns out to be somebody else's."""

    after: timedelta
    hours_back: int
    hours: int
    flow: str
    workspace: str
    """Handle of the workspace it belongs to after all."""
    api_key: str | None
    percent: int = 100

    def effect(self, organisation: Organisation) -> Effect:
        """Return what it does to an hour."""
        workspace_id = organisation.reported_workspace(self.workspace)
        return partial(self._move, workspace_id, organisation.reported_key(self.api_key))

    def _move(self, workspace: str | None, key: str | None, flow: str, parts: Parts) -> Parts:
        if flow != self.flow:
            return parts
        result: Parts = []
        for series, counts in parts:
            moved = scaled(counts, self.percent, 100)
            target = series._replace(workspace_id=workspace, api_key_id=key, account_id=None)
            result += [(series, minus(counts, moved)), (target, moved)]
        return [part for part in result if any(part[1])]


Correction = Restatement | Reattribution


def scaled(counts: Counts, numerator: int, denominator: int) -> Counts:
    """Return counts x numerator / denominator, rounded down."""
    a, b, c, d, e, f, g = counts
    return (
        a * numerator // denominator,
        b * numerator // denominator,
        c * numerator // denominator,
        d * numerator // denominator,
        e * numerator // denominator,
        f * numerator // denominator,
        g * numerator // denominator,
    )


def plus(one: Counts, two: Counts) -> Counts:
    """Return the sum of two rows."""
    return (
        one[0] + two[0],
        one[1] + two[1],
        one[2] + two[2],
        one[3] + two[3],
        one[4] + two[4],
        one[5] + two[5],
        one[6] + two[6],
    )


def minus(one: Counts, two: Counts) -> Counts:
    """Return the difference of two rows."""
    return (
        one[0] - two[0],
        one[1] - two[1],
        one[2] - two[2],
        one[3] - two[3],
        one[4] - two[4],
        one[5] - two[5],
        one[6] - two[6],
    )
