"""What a scenario consists of; the scenarios themselves are data in `scenarios`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from claude_cost_exporter.simulator import flows
from claude_cost_exporter.simulator.organisation import ACME
from claude_cost_exporter.simulator.terms import Terms, combine_terms

if TYPE_CHECKING:
    from claude_cost_exporter.simulator.corrections import Correction
    from claude_cost_exporter.simulator.crowds import Crowd
    from claude_cost_exporter.simulator.faults import Fault
    from claude_cost_exporter.simulator.flows import Flow
    from claude_cost_exporter.simulator.organisation import Organisation

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Disturbance:
    """For a while, `percent` of all requests are spoiled, by each of `faults` in turn."""

    after: timedelta
    lasts: timedelta
    faults: tuple[Fault, ...]
    percent: int = 100


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens in a simulation, and to whom."""

    name: str
    summary: str
    organisation: Organisation = ACME
    flows: tuple[Flow, ...] = flows.ACME_FLOWS
    crowds: tuple[Crowd, ...] = ()
    services: tuple[Flow, ...] = ()
    """What is billed by the hour and is in no usage report of messages."""
    terms: Terms = field(default_factory=Terms)
    late_percent: int = 0
    """Share of every minute that arrives late."""
    late_by: timedelta = timedelta(0)
    """How much later than the rest, which takes 2 to 5 minutes."""
    corrections: tuple[Correction, ...] = ()
    disturbances: tuple[Disturbance, ...] = ()


STEADY = Scenario("steady", "Weekday traffic of a mid-size organisation; nothing goes wrong.")


def combine(name: str, summary: str, *parts: Scenario) -> Scenario:
    """Return a scenario in which everything of `parts` happens; the last organisation wins."""
    together = parts[0]
    for part in parts[1:]:
        together = replace(
            together,
            organisation=part.organisation if part.organisation != ACME else together.organisation,
            flows=_united(together.flows, part.flows),
            crowds=_united(together.crowds, part.crowds),
            services=_united(together.services, part.services),
            terms=combine_terms(together.terms, part.terms),
            late_percent=max(together.late_percent, part.late_percent),
            late_by=max(together.late_by, part.late_by),
            corrections=together.corrections + part.corrections,
            disturbances=together.disturbances + part.disturbances,
        )
    return replace(together, name=name, summary=summary)


def _united(one: tuple[T, ...], two: tuple[T, ...]) -> tuple[T, ...]:
    """Return everything once, in order."""
    return tuple(dict.fromkeys(one + two))
