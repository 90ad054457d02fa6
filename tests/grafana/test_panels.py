"""Every panel can be drawn, says what to do with it, and writes its numbers the right way."""

from __future__ import annotations

import re

import pytest

from tests.support.dashboard_linter import valid_unit
from tests.support.dashboards import boards, panels

BOARDS = boards()
PANELS = [
    pytest.param(panel, id=f"{uid}: {panel['title']}")
    for uid, board in BOARDS.items()
    for panel in panels(board)
]
VALUED = [one for one in PANELS if one.values[0]["type"] != "text"]
DRAWN = {"stat", "timeseries", "bargauge", "table", "text", "row"}
MONEY, UNIT_COST = "currency:financial:$", "currencyUSD"
WIDTH = 24


def written(panel):
    """Yield every unit of a panel with its decimals: its own, and those of its overrides."""
    config = panel["fieldConfig"]
    yield config["defaults"]["unit"], config["defaults"].get("decimals")
    for override in config.get("overrides", ()):
        properties = {one["id"]: one.get("value") for one in override["properties"]}
        if "unit" in properties:
            yield properties["unit"], properties.get("decimals")


def all_steps(panel):
    config = panel["fieldConfig"]
    yield config["defaults"]["thresholds"]["steps"]
    for override in config.get("overrides", ()):
        for one in override["properties"]:
            if one["id"] == "thresholds":
                yield one["value"]["steps"]


@pytest.mark.parametrize("uid", BOARDS)
def test_only_panels_that_can_be_drawn_in_tests(uid):
    """No plugin that exists in a Grafana server only."""
    assert {panel["type"] for panel in BOARDS[uid]["panels"]} <= DRAWN


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_says_what_it_shows_and_what_to_do(panel):
    """A title without a number in it, and a description of at least a sentence."""
    assert panel["title"]
    assert re.search(r"[.!?]$", panel["description"])
    assert len(panel["description"].split()) >= 5
    assert panel["description"] != panel["title"]


@pytest.mark.parametrize("panel", VALUED)
def test_units_are_known_and_money_has_cents(panel):
    """Reconciled money has two decimals, unit costs four."""
    decimals = {MONEY: 2, UNIT_COST: 4}
    for unit, digits in written(panel):
        assert valid_unit(unit)
        assert digits == decimals.get(unit, digits)
        assert not (unit.startswith("currency") and unit not in decimals)


@pytest.mark.parametrize("panel", VALUED)
def test_thresholds_mean_something(panel):
    """Colours that judge come in rising steps; what cannot be judged has no colour of judgement."""
    for steps in all_steps(panel):
        values = [one["value"] for one in steps[1:]]
        assert steps[0].get("value") is None
        assert values == sorted(values)
        assert len(steps) > 1 or steps[0]["color"] == "text"


@pytest.mark.parametrize("panel", VALUED)
def test_a_panel_without_an_answer_says_why(panel):
    """Nobody reads "No data" and wonders."""
    assert panel["fieldConfig"]["defaults"]["noValue"]


@pytest.mark.parametrize("uid", BOARDS)
def test_panels_fill_the_width_and_do_not_overlap(uid):
    """Every line of panels is as wide as the page and begins where the one before ended."""
    lines = {}
    for panel in BOARDS[uid]["panels"]:
        at = panel["gridPos"]
        lines.setdefault(at["y"], []).append((at["x"], at["w"], at["h"]))
    end = 0
    for y, line in sorted(lines.items()):
        assert y == end
        assert sum(width for _, width, _ in line) == WIDTH
        assert [x for x, _, _ in sorted(line)] == [
            sum(width for _, width, _ in sorted(line)[:place]) for place in range(len(line))
        ]
        assert len({height for _, _, height in line}) == 1
        end = y + line[0][2]


@pytest.mark.parametrize("uid", BOARDS)
def test_simulated_data_cannot_be_taken_for_real_ones(uid):
    """The first panel of every dashboard of the exporter's data says whether they are real."""
    first = BOARDS[uid]["panels"][0]
    if uid == "llm-cost-claude-code-otel":
        assert "claude_cost_exporter" not in str(BOARDS[uid]["panels"])
        return
    (mapping,) = first["fieldConfig"]["overrides"][0]["properties"]
    words = {value: one["text"] for value, one in mapping["value"][0]["options"].items()}

    assert first["targets"][0]["expr"] == "max(claude_cost_exporter_simulated)"
    assert words == {"0": "real", "1": "SIMULATED"}
    assert first["options"]["colorMode"] == "background"
