"""Which format and encoding a scraper asks for (floor 4).

https://prometheus.io/docs/instrumenting/content_negotiation (2026)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_cost_exporter.metrics.exposition import Format

if TYPE_CHECKING:
    from collections.abc import Iterator


def choose_format(accept: str) -> Format:
    """Return the acceptable format with the highest weight; text 0.0.4 when in doubt."""
    best, best_weight = Format.TEXT_0_0_4, 0.0
    for media, parameters in _parse(accept):
        weight = _weight(parameters)
        found = _format(media, parameters.get("version", ""))
        if found is not None and weight > best_weight:
            best, best_weight = found, weight
    return best


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether a gzip body may be sent."""
    weights = {coding: _weight(parameters) for coding, parameters in _parse(accept_encoding)}
    return weights.get("gzip", weights.get("*", 0.0)) > 0.0


def _format(media: str, version: str) -> Format | None:
    if media == "application/openmetrics-text":
        return Format.OPENMETRICS if version in ("", "1.0.0") else None
    if media == "text/plain":
        return Format.TEXT_1_0_0 if version == "1.0.0" else Format.TEXT_0_0_4
    return Format.TEXT_0_0_4 if media in ("*/*", "text/*") else None


def _parse(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    for item in header.split(","):
        value, *rest = (part.strip() for part in item.split(";"))
        pairs = (part.partition("=") for part in rest)
        yield value.lower(), {name.strip().lower(): text.strip(' \t"') for name, _, text in pairs}


def _weight(parameters: dict[str, str]) -> float:
    try:
        return float(parameters.get("q", "1"))
    except ValueError:
        return 0.0
