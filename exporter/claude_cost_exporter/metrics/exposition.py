"""Samples to exposition text, rendered once and served many times (floor 4).

Labels hardly change and values do, so each family keeps its lines as a template; a family in
which nothing has changed keeps its block. Text and OpenMetrics share the sample lines; they
differ in the metadata of counters and in the end mark.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from io import BytesIO
from typing import TYPE_CHECKING

from prometheus_client import exposition as text_exposition
from prometheus_client.openmetrics import exposition as openmetrics_exposition
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from claude_cost_exporter.catalogue import CATALOGUE, Kind
from claude_cost_exporter.metrics.blocks import Block, Body

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric as OwnMetric

    from claude_cost_exporter.catalogue import Metric
    from claude_cost_exporter.samples import Sample


class Format(Enum):
    """The exposition formats, with their Content-Type.

    Text 1.0.0 differs from 0.0.4 in how names beyond [a-zA-Z0-9_:] are written. There are none
    here, so the bytes are the same; `underscores` is the escaping that leaves such names alone.
    """

    TEXT_0_0_4 = "text/plain; version=0.0.4; charset=utf-8"
    TEXT_1_0_0 = "text/plain; version=1.0.0; charset=utf-8; escaping=underscores"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Exposition:
    """Everything a scrape may ask for. The two text formats have the same bytes."""

    text: Body
    openmetrics: Body

    def body(self, wanted: Format) -> Body:
        """Return the body of a format."""
        return self.openmetrics if wanted is Format.OPENMETRICS else self.text


class RenderError(Exception):
    """A view broke the catalogue's contract: a defect of ours."""


class Renderer:
    """Renders samples in catalogue order; `registry` holds the exporter's own metrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._families = {metric.name: _Family(metric) for metric in CATALOGUE}

    def render(self, samples: Iterable[Sample]) -> Exposition:
        """Return the exposition, or raise a RenderError that names the metric."""
        labels: dict[str, list[tuple[str, ...]]] = {name: [] for name in self._families}
        values: dict[str, list[float]] = {name: [] for name in self._families}
        for name, of_sample, value in samples:
            if name not in labels:
                raise RenderError(f"{name} is not in the catalogue")
            labels[name].append(of_sample)
            values[name].append(value)
        text: list[Block] = []
        openmetrics: list[Block] = []
        for name, family in self._families.items():
            lines = family.render(labels[name], values[name])
            text += (family.text_head, lines)
            openmetrics += (family.openmetrics_head, lines)
        own = _Collected(list(self._registry.collect()))
        text.append(Block.of(text_exposition.generate_latest(own)))
        openmetrics.append(Block.of(openmetrics_exposition.generate_latest(own)))  # type: ignore[no-untyped-call]
        return Exposition(Body(text), Body(openmetrics))


class _Collected(Collector):
    """Metrics as they were at one moment, so that both formats say the same."""

    def __init__(self, families: list[OwnMetric]) -> None:
        self._families = families

    def collect(self) -> list[OwnMetric]:
        """Return them again."""
        return self._families


class _Family:
    """One family: its metadata, and its sample lines as they were rendered last."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        in_text = metric.name
        counts = metric.kind is Kind.COUNTER
        in_openmetrics = in_text.removesuffix("_total") if counts else in_text
        self.text_head = _head(in_text, metric.kind, _escape_help(metric.help))
        self.openmetrics_head = _head(in_openmetrics, metric.kind, escape(metric.help))
        self._sorted = sorted(zip(metric.labels, range(len(metric.labels)), strict=True))
        self._labels: list[tuple[str, ...]] = []
        self._values: list[float] | None = []
        self._template = b""
        self._lines = Block.of(b"")

    def render(self, labels: list[tuple[str, ...]], values: list[float]) -> Block:
        """Return the sample lines; what has not changed is not made again."""
        if labels != self._labels:
            self._template, self._labels, self._values = self._new_template(labels), labels, None
        if values == self._values:
            return self._lines
        numbers = [floatToGoString(value).encode() for value in values]  # type: ignore[no-untyped-call]
        if self._metric.kind is Kind.COUNTER:
            self._refuse_what_no_counter_is(labels, values)
        self._lines, self._values = Block.of(self._template % tuple(numbers)), values
        return self._lines

    def _new_template(self, labels: Sequence[tuple[str, ...]]) -> bytes:
        if len(set(labels)) != len(labels):
            twice = next(one for at, one in enumerate(labels) if one in labels[:at])
            raise RenderError(f"{self._metric.name}: two samples have the labels {twice}")
        template = BytesIO()  # no list of all lines: they are the largest thing in memory
        for one in labels:
            template.write(self._line(one).encode())
        return template.getvalue()

    def _line(self, labels: tuple[str, ...]) -> str:
        """Return one sample line with a place for the value."""
        name, expected = self._metric.name, self._metric.labels
        if len(labels) != len(expected):
            raise RenderError(
                f"{name} has the {len(expected)} labels {expected}, a sample has "
                f"{len(labels)}: {labels}"
            )
        if not labels:
            return f"{name} %b\n"
        pairs = ",".join([f'{label}="{escape(labels[at])}"' for label, at in self._sorted])
        return f"{name}{{{pairs.replace('%', '%%')}}} %b\n"

    def _refuse_what_no_counter_is(
        self, labels: Sequence[tuple[str, ...]], values: Sequence[float]
    ) -> None:
        for at, value in enumerate(values):
            if not value >= 0:  # also true for NaN
                raise RenderError(
                    f"{self._metric.name}: a counter cannot be {value} (labels {labels[at]})"
                )


def _head(name: str, kind: Kind, description: str) -> Block:
    return Block.of(f"# HELP {name} {description}\n# TYPE {name} {kind}\n".encode())


def escape(value: str) -> str:
    """Return a label value, or a HELP of OpenMetrics, as it stands in the text."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _escape_help(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")
