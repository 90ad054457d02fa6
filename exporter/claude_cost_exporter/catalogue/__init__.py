"""Every metric family, as data (floor 0). Names and meanings are the contract with users.

A new metric is one row here and one view function. `C` is the pair of labels that says whose
money it is; ids are on counters and gauges, names are on the `_info` series.
"""

from __future__ import annotations

from claude_cost_exporter.catalogue.claude_code import CLAUDE_CODE
from claude_cost_exporter.catalogue.counters import COUNTERS
from claude_cost_exporter.catalogue.health import HEALTH
from claude_cost_exporter.catalogue.metric import OTHER, C, Kind, Metric
from claude_cost_exporter.catalogue.money import MONEY
from claude_cost_exporter.catalogue.outlook import OUTLOOK

__all__ = ["BY_NAME", "CATALOGUE", "OTHER", "C", "Kind", "Metric"]

CATALOGUE: tuple[Metric, ...] = (*COUNTERS, *MONEY, *OUTLOOK, *CLAUDE_CODE, *HEALTH)
BY_NAME: dict[str, Metric] = {metric.name: metric for metric in CATALOGUE}
