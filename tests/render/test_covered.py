"""The page that draws dashboards knows everything that they use; no npm is needed to see that."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from scripts.browser import MissingBrowserError
from tests.render import __main__ as render
from tests.support.dashboards import boards

HERE = Path(__file__).parent
COVERED = json.loads((HERE / "covered.json").read_text(encoding="utf-8"))
PINS = json.loads((HERE / "package.json").read_text(encoding="utf-8"))
PANELS = [panel for board in boards().values() for panel in board["panels"]]
GRAFANA = "13.2.2"
"""One version of all of Grafana's libraries, which only work together."""


def defaults(panel):
    return panel.get("fieldConfig", {}).get("defaults", {})


def overrides(panel):
    return panel.get("fieldConfig", {}).get("overrides", [])


def properties(panel):
    """Return every field setting of a panel, those of its own kind as custom."""
    custom = {f"custom.{name}" for name in defaults(panel).get("custom", {})}
    overridden = {one["id"] for rule in overrides(panel) for one in rule["properties"]}
    return (defaults(panel).keys() - {"custom"}) | custom | overridden


def bar(value, **more):
    """Return a panel's state as the page reports it."""
    return {"title": "A", "text": value, "error": "", "empty": False, "drawn": True, **more}


def test_every_kind_of_panel_is_drawn():
    """No panel is of a kind that the page has no component for, and none is listed in vain."""
    assert {panel["type"] for panel in PANELS} == COVERED["panels"].keys()
    kinds = re.search(r"KINDS = \{(.*)\}", (HERE / "panels.jsx").read_text(encoding="utf-8"))[1]
    assert set(re.findall(r"(\w+):", kinds)) == COVERED["panels"].keys() - {"row"}


@pytest.mark.parametrize("kind", COVERED["panels"])
def test_every_option_reaches_the_page(kind):
    """What a dashboard sets is what the page reads; a new option has to be added to both."""
    used = {name for one in PANELS if one["type"] == kind for name in one.get("options", {})}

    assert used == set(COVERED["panels"][kind]["options"])


@pytest.mark.parametrize("kind", COVERED["panels"])
def test_every_field_setting_is_applied(kind):
    """Defaults and overrides name only settings that the page registers."""
    used = {name for panel in PANELS if panel["type"] == kind for name in properties(panel)}
    custom = {f"custom.{name}" for name in COVERED["panels"][kind]["custom"]}

    assert used <= set(COVERED["field"]) | custom
    assert custom <= used


def test_matchers_and_transformations_are_known():
    """Overrides choose fields, and tables are shaped, only in ways that were looked at."""
    matchers = {rule["matcher"]["id"] for panel in PANELS for rule in overrides(panel)}
    shapes = {one["id"] for panel in PANELS for one in panel.get("transformations", ())}

    assert matchers == set(COVERED["matchers"])
    assert shapes == COVERED["transformations"].keys()


def test_everything_that_is_imported_is_pinned():
    """Each package has one exact version, Grafana's libraries the same one."""
    sources = [path.read_text(encoding="utf-8") for path in HERE.glob("*.[jm]*s*")]
    names = set(re.findall(r"""(?:from|import) '((?:@[\w-]+/)?[\w-]+)""", "".join(sources)))
    pins = PINS["dependencies"]

    assert names - {"node"} <= pins.keys()
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in pins.values())
    assert {version for name, version in pins.items() if "@grafana/" in name} == {GRAFANA}


def test_what_no_panel_may_show_is_told():
    """An error, Grafana's own "No data", unexpected emptiness and a blank panel are failures."""
    shown = [
        bar("$5"),
        bar("", error="TypeError"),
        bar("No data"),
        bar("nothing yet", empty=True),
        bar("", drawn=False),
    ]

    said = list(render.wrong("llm-cost-overview", shown))

    assert said == [
        "A: TypeError",
        "A: No data",
        "A is empty: 'nothing yet'",
        "A has data and draws nothing",
    ]


def test_a_missing_npm_is_a_sentence(monkeypatch, capsys, tmp_path):
    """Where there is no Node.js the run says so and fails, before anything is started."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(render, "find_browser", lambda: None)
    monkeypatch.setattr(render, "parse", lambda: None)

    assert render.main() == 1
    assert "needs Node.js with npm" in capsys.readouterr().err


def test_a_missing_browser_is_a_sentence(monkeypatch, capsys):
    """Where there is no browser the run says so and fails, before anything is installed."""

    def nowhere():
        raise MissingBrowserError("no browser: put chromium on PATH")

    monkeypatch.setattr(render, "find_browser", nowhere)
    monkeypatch.setattr(render, "parse", lambda: None)
    monkeypatch.setattr(render, "prepare", pytest.fail)

    assert render.main() == 1
    assert capsys.readouterr().err == "error: no browser: put chromium on PATH\n"
