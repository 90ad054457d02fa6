"""Samples to exposition text, rendered once and served many times (floor 4).

Line prefixes are kept from one rendering to the next, because labels hardly change and values
do. Text and OpenMetrics share the sample lines; they differ in the metadata of counters and in
the end mark.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from prometheus_client import exposition as text_exposition
from prometheus_client.openmetrics import exposition as openmetrics_exposition
from prometheus_client.utils import floatToGoString

from claude_cost_exporter.catalogue import BY_NAME, CATALOGUE, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import CollectorRegistry

    from claude_cost_exporter.samples import Sample

GZIP_LEVEL = 6


class Format(Enum):
    """The exposition formats, with their Content-Type."""

    TEXT_0_0_4 = "text/plain; version=0.0.4; charset=utf-8"
    TEXT_1_0_0 = "text/plain; version=1.0.0; charset=utf-8; escaping=underscores"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Body:
    """One rendered body, plain and compressed."""

    plain: bytes
    compressed: bytes


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
        self._prefixes: dict[tuple[str, tuple[str, ...]], str] = {}

    def render(self, samples: Iterable[Sample]) -> Exposition:
        """Return the exposition, or raise a RenderError that names the metric."""
        lines = self._lines(samples)
        text: list[str] = []
        openmetrics: list[str] = []
        for metric in CATALOGUE:
            description = _escape_help(metric.help)
            text.append(f"# HELP {metric.name} {description}\n# TYPE {metric.name} {metric.kind}\n")
            family = metric.name
            if metric.kind is Kind.COUNTER:
                family = family.removesuffix("_total")
            description = _escape(metric.help)
            openmetrics.append(f"# HELP {family} {description}\n# TYPE {family} {metric.kind}\n")
            text.extend(lines[metric.name])
            openmetrics.extend(lines[metric.name])
        text.append(text_exposition.generate_latest(self._registry).decode())
        own = openmetrics_exposition.generate_latest(self._registry)  # type: ignore[no-untyped-call]
        openmetrics.append(own.decode())
        return Exposition(_body(text), _body(openmetrics))

    def _lines(self, samples: Iterable[Sample]) -> dict[str, list[str]]:
        lines: dict[str, list[str]] = {metric.name: [] for metric in CATALOGUE}
        used: dict[tuple[str, tuple[str, ...]], str] = {}
        for name, labels, value in samples:
            key = (name, labels)
            if key in used:
                raise RenderError(f"{name}: two samples have the labels {labels}")
            prefix = used[key] = self._prefixes.get(key) or _prefix(name, labels)
            if value < 0 and BY_NAME[name].kind is Kind.COUNTER:
                raise RenderError(f"{name}: a counter cannot be {value} (labels {labels})")
            number = floatToGoString(value)  # type: ignore[no-untyped-call]
            lines[name].append(f"{prefix}{number}\n")
        self._prefixes = used  # what is not used any more is forgotten
        return lines


def _prefix(name: str, labels: tuple[str, ...]) -> str:
    metric = BY_NAME.get(name)
    if metric is None:
        raise RenderError(f"{name} is not in the catalogue")
    if len(labels) != len(metric.labels):
        raise RenderError(
            f"{name} has the {len(metric.labels)} labels {metric.labels}, a sample has "
            f"{len(labels)}: {labels}"
        )
    if not labels:
        return f"{name} "
    pairs = zip(metric.labels, labels, strict=True)
    inside = ",".join(f'{label}="{_escape(value)}"' for label, value in sorted(pairs))
    return f"{name}{{{inside}}} "


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _escape_help(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _body(parts: list[str]) -> Body:
    plain = "".join(parts).encode()
    return Body(plain, gzip.compress(plain, GZIP_LEVEL, mtime=0))
