"""A dashboard from its lines of panels."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from grafana.source import trust, variables
from grafana.source.links import TAG, TITLES, to_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grafana.source.panels import Panel

FULL_WIDTH = 24
REFRESH = "1m"


@dataclass(frozen=True, slots=True)
class Line:
    """Panels side by side, as high as each other, filling the width; below a heading or not."""

    height: int
    panels: Sequence[Panel]
    heading: str = ""


def dashboard(
    uid: str,
    description: str,
    chosen: Sequence[variables.Variable],
    *lines: Line,
    since: str = "now-30d",
    trusted: bool = True,
) -> model.Dashboard:
    """Return a dashboard; `trusted` puts the strip about the data's quality on top."""
    board = (
        build.Dashboard(TITLES[uid])
        .uid(uid)
        .description(description)
        .tags([TAG])
        .readonly()
        .time(since, "now")
        .refresh(REFRESH)
        .timezone("browser")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .link(to_all())
        .annotation(_alerts())
    )
    for variable in (variables.datasource(), *chosen):
        board.with_variable(variable)
    strip = [Line(3, [trust.simulated(), trust.trust()])] if trusted else []
    ids = count(1)
    for line in (*strip, *lines):
        _add(board, line, ids)
    return board.build()


def _add(board: build.Dashboard, line: Line, ids: count[int]) -> None:
    if line.heading:
        board.with_row(build.Row(line.heading).id(next(ids)))
    for panel in line.panels:
        board.with_panel(panel.height(line.height).id(next(ids)))


def _alerts() -> build.AnnotationQuery:
    """Mark when alerts about money fired."""
    expr = 'ALERTS{alertname=~"LLM.+", alertstate="firing", class!="health"}'
    return (
        build.AnnotationQuery()
        .name("Alerts")
        .datasource(variables.SOURCE)
        .enable(enable=True)
        .icon_color("red")
        .expr(expr)
        .step(REFRESH)
        .title_format("{{alertname}}")
        .text_format("{{scope_type}} {{scope}}")
        .tag_keys("severity,class")
        .target(prometheus.Dataquery().ref_id("Anno").expr(expr).datasource(variables.SOURCE))
    )


def _in_sight(made: dict[str, Any]) -> dict[str, Any]:
    """Leave out where the SDK puts links and annotations: into a menu, where nobody sees them."""
    hidden = model.DashboardLinkPlacement.IN_CONTROLS_MENU
    return {key: value for key, value in made.items() if (key, value) != ("placement", hidden)}


def as_json(board: model.Dashboard) -> str:
    """Return a dashboard as the text of its file."""
    made = json.loads(JSONEncoder().encode(board), object_hook=_in_sight)
    return f"{json.dumps(made, sort_keys=True, indent=2)}\n"
