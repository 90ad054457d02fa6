"""What a page needs to draw a dashboard: its panels, and Prometheus' answer to each target."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime

from tests.e2e.two_months import answer
from tests.support.dashboards import seconds, step_of, variables

ROW_PIXELS, HEAD_PIXELS = 38, 56
NOT_SHOWN = "datasource"


def drawn(server, board):
    """Return a dashboard with its answers, as plain data."""
    now = time.time()
    return {
        "head": {"title": board["title"], "selected": _selected(board), "time": _words(board)},
        "range": [now - span_of(board), now],
        "panels": [_titled(panel, board) for panel in board["panels"]],
        "answers": {panel["id"]: _answers(server, panel, board, now) for panel in board["panels"]},
    }


def span_of(board):
    """Return how many seconds the dashboard looks back when it opens."""
    return seconds(board["time"]["from"].removeprefix("now-"))


def height(board):
    """Return how many pixels high the whole dashboard is."""
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
    return HEAD_PIXELS + rows * ROW_PIXELS


def _answers(server, panel, board, now):
    return {
        target["refId"]: {
            "step": step_of(panel, target, span=span_of(board)),
            "series": [_plain(series) for series in answer(server, panel, target, board, now)],
        }
        for target in panel.get("targets", ())
    }


def _plain(series):
    """Return a series as JSON can say it."""
    points = [(at, value if math.isfinite(value) else None) for at, value in series.points]
    return {"labels": series.labels, "points": points}


def _selected(board):
    return [
        {"label": one["label"], "text": one["current"]["text"]}
        for name, one in variables(board).items()
        if name != NOT_SHOWN
    ]


def _titled(panel, board):
    """Return a panel with the words of what is selected in its title."""
    title = panel["title"]
    for name, one in variables(board).items():
        title = title.replace(f"${{{name}:text}}", one.get("current", {}).get("text", ""))
    return {**panel, "title": title}


def _words(board):
    span = board["time"]["from"].removeprefix("now-")
    return f"last {span}, until {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
