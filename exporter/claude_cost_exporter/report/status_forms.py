"""One line for a status bar, in the forms that bars read (floor 4).

It imports the standard library only, because `status` runs every few seconds.
"""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING

from claude_cost_exporter.report.words import about, between, dollars, percent, printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from claude_cost_exporter.report.status import BudgetStatus, Status

MISSING, OLD, OK = "missing", "old", "ok"
COLOURS = {"warn": "orange", "hard": "red"}
DIM = "gray"


def as_text(status: Status | str, now: datetime) -> str:
    """Return the line."""
    return " \u00b7 ".join(_parts(status, now))


def as_json(status: Status | str, now: datetime) -> str:
    """Return the figures with the line and its state."""
    shown = {"state": _classes(status, now)[0], "text": as_text(status, now)}
    return json.dumps(shown if isinstance(status, str) else shown | status.data())


def as_waybar(status: Status | str, now: datetime) -> str:
    """Return what Waybar's custom module reads: text and tooltip are Pango markup."""
    worst = None if isinstance(status, str) else status.worst
    return json.dumps({
        "text": escape(as_text(status, now), quote=False),
        "tooltip": escape("\n".join(_lines(status, now)), quote=False),
        "class": _classes(status, now),
        "percentage": 0 if worst is None else min(round(worst.used_ratio * 100), 100),
    })  # fmt: skip


def as_xbar(status: Status | str, now: datetime) -> str:
    """Return what xbar reads: the line, and the lines of its menu below three dashes."""
    state, *others = _classes(status, now)
    colour = DIM if state in (MISSING, OLD) else COLOURS.get(others[0] if others else "")
    first = _barred(as_text(status, now)) + (f" | color={colour}" if colour else "")
    return "\n".join([first, "---", *map(_barred, _lines(status, now))])


def _barred(line: str) -> str:
    """Return a line without what xbar takes for parameters or for a submenu."""
    return line.replace("|", "/").lstrip("-")


FORMS = {"text": as_text, "json": as_json, "waybar": as_waybar, "xbar": as_xbar}


def _classes(status: Status | str, now: datetime) -> list[str]:
    """Return the state (ok, old or missing), and the highest budget level that was reached."""
    if isinstance(status, str):
        return [MISSING]
    state = OLD if status.trouble(now) else OK
    worst = status.worst
    return [state, worst.level] if worst and worst.level else [state]


def _parts(status: Status | str, now: datetime) -> Iterator[str]:
    if isinstance(status, str):
        yield printable(status)
        return
    if status.simulated:
        yield "SIMULATED"
    yield f"today {dollars(status.today_usd)}"
    yield f"month {dollars(status.month_usd)}"
    if status.forecast_p50_usd is not None:
        yield f"forecast {_forecast(status)}"
    if status.worst is not None:
        yield _budget(status.worst)
    if trouble := status.trouble(now):
        yield trouble


def _lines(status: Status | str, now: datetime) -> Iterator[str]:
    if isinstance(status, str):
        yield printable(status)
        return
    yield f"Today: {dollars(status.today_usd)}"
    yield f"This month: {dollars(status.month_usd)}"
    if status.forecast_p50_usd is not None:
        yield f"At its end: {_forecast(status)}"
    for one in status.budgets:
        yield f"{_budget(one)}: {dollars(one.spent_usd)} of {about(one.limit_usd)} a {one.period}"
    if status.sources_down:
        yield f"Sources down: {status.sources_down}"
    if trouble := status.trouble(now):
        yield trouble.capitalize()


def _forecast(status: Status) -> str:
    likely = between(status.forecast_p10_usd, status.forecast_p90_usd)
    return f"{about(status.forecast_p50_usd)} ({likely})"


def _budget(one: BudgetStatus) -> str:
    level = f" {one.level}" if one.level else ""
    return f"{printable(one.budget)} {percent(one.used_ratio)}{level}"
