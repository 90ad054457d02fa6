"""The dashboards as Grafana would use them: variables, intervals, targets, transformations.

`asked` turns a panel's target into what Grafana sends to Prometheus, for any selection and any
time range, so that a test can run every target without a Grafana.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "grafana" / "dashboards"

ALL = "$__all"
SCRAPE_SECONDS = 15
"""`timeInterval` of the provisioned data source."""
POINTS = 1000
"""About as many points as a panel is wide."""
PER_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
ROUND = (15, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""Seconds to which Grafana rounds a step up, near enough."""
VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$(\w+)|\[\[(\w+)\]\]")
SPECIAL = re.compile(r"[\\$^*{}\[\]'+?.()|]")
"""What Grafana takes from its meaning in a pattern, with two backslashes inside of a string."""

Board = dict[str, Any]


def boards() -> dict[str, Board]:
    """Return every committed dashboard by the name of its file, without the ending."""
    paths = sorted(FOLDER.glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def panels(board: Board) -> Iterator[dict[str, Any]]:
    """Yield every panel, those of collapsed rows too, without the rows."""
    for panel in board["panels"]:
        if panel["type"] != "row":
            yield panel
        yield from panel.get("panels", ())


def targets(board: Board) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each panel with each of its targets."""
    for panel in panels(board):
        for target in panel.get("targets", ()):
            yield panel, target


def variables(board: Board) -> dict[str, dict[str, Any]]:
    """Return the variables by name."""
    return {one["name"]: one for one in board["templating"]["list"]}


def defaults(board: Board) -> dict[str, str | Sequence[str]]:
    """Return what is selected when the dashboard opens."""
    return {name: _chosen(one) for name, one in variables(board).items()}


def _chosen(variable: dict[str, Any]) -> str:
    value = variable.get("current", {}).get("value", "")
    return variable.get("allValue", ".*") if value == ALL else value


def interpolate(text: str, values: Mapping[str, str | Sequence[str]]) -> str:
    """Put values in place of variables, several ones as the alternatives of a pattern."""

    def put(match: re.Match[str]) -> str:
        name = match[1] or match[3] or match[4]
        value = values.get(name)
        if value is None:
            return match[0]
        if isinstance(value, str):
            return value
        patterns = [SPECIAL.sub(r"\\\\\g<0>", one) for one in value]
        return patterns[0] if len(patterns) == 1 else f"({'|'.join(patterns)})"

    return VARIABLE.sub(put, text)


def seconds(duration: str) -> int:
    """Return a duration such as 1h in seconds."""
    return int(duration[:-1]) * PER_UNIT[duration[-1]]


def step_of(
    panel: dict[str, Any], target: dict[str, Any], *, span: int, scrape: int = SCRAPE_SECONDS
) -> int:
    """Return the distance in seconds of two points in a time range of `span` seconds."""
    least = [seconds(one) for one in (panel.get("interval"), target.get("interval")) if one]
    wide = next((one for one in ROUND if one >= span / POINTS), ROUND[-1])
    return max(wide, *least, scrape)


@dataclass(frozen=True, slots=True)
class Asked:
    """What Grafana asks of Prometheus for one target."""

    expr: str
    instant: bool
    step: int


def asked(
    panel: dict[str, Any],
    target: dict[str, Any],
    values: Mapping[str, str | Sequence[str]],
    *,
    span: int,
    scrape: int = SCRAPE_SECONDS,
) -> Asked:
    """Return a target as it is sent for a time range of `span` seconds."""
    step = step_of(panel, target, span=span, scrape=scrape)
    known = seconds(target["interval"]) if target.get("interval") else scrape
    builtin = {
        "__interval": f"{step}s",
        "__rate_interval": f"{max(step + known, 4 * known)}s",
        "__range": f"{span}s",
        "__range_s": str(span),
    }
    expr = interpolate(target["expr"], {**values, **builtin})
    return Asked(expr, instant=bool(target.get("instant")), step=step)
