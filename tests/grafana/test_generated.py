"""The committed dashboards are what their source makes, and what Grafana's own types allow."""

from __future__ import annotations

import json
import re

import pytest
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.source.board import as_json
from grafana.source.boards import BOARDS
from tests.support.dashboards import FOLDER, boards

MADE = {board.uid: as_json(board) for board in (build() for build in BOARDS)}
COMMITTED = boards()
CLASSIC_SCHEMA = 42


def again(board):
    """Return a dashboard as Grafana's types read and write it: what they do not know is lost."""
    register_default_plugins()
    return json.loads(as_json(Dashboard.from_json(board)))


def test_the_committed_files_are_those_that_the_source_makes():
    """`make dashboards` changes nothing: no file is missing, old or edited by hand."""
    files = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}

    assert files.keys() == MADE.keys()
    assert [uid for uid in MADE if files[uid] != MADE[uid]] == []


@pytest.mark.parametrize("uid", COMMITTED)
def test_nothing_is_lost_between_the_file_and_grafanas_types(uid):
    """Every key of a dashboard is one that Grafana's schema has."""
    assert again(COMMITTED[uid]) == COMMITTED[uid]


@pytest.mark.parametrize("path", [("panelz",), ("panels", 2, "fieldConfig", "defaults", "units")])
def test_an_unknown_key_would_be_lost(path):
    """The round trip notices typing errors at the top and deep inside."""
    wrong = json.loads(MADE["llm-cost-overview"])
    place = wrong
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = "x"

    assert again(wrong) != wrong


@pytest.mark.parametrize(("uid", "board"), COMMITTED.items())
def test_a_dashboard_fits_file_provisioning(uid, board):
    """Classic schema, a fixed and valid uid, no id, no inputs that only an import would resolve."""
    assert board["uid"] == uid
    assert 8 <= len(uid) <= 40
    assert board["schemaVersion"] == CLASSIC_SCHEMA
    assert board.get("id") is None
    assert "__inputs" not in board
    assert board["editable"] is False
    assert board["refresh"] == "1m"


def test_links_and_annotations_are_in_sight():
    """The SDK would put them into a menu of controls; only legends say where they are."""
    places = {one for text in MADE.values() for one in re.findall(r'"placement": "(\w+)"', text)}

    assert places == {"bottom"}


def test_titles_and_panel_ids_are_unique():
    """Grafana tells dashboards of one folder apart by title, and panels of a dashboard by id."""
    titles = [board["title"] for board in COMMITTED.values()]
    ids = [[panel["id"] for panel in board["panels"]] for board in COMMITTED.values()]

    assert len(set(titles)) == len(titles)
    assert all(len(set(one)) == len(one) for one in ids)
