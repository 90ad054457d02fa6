"""Every link leads to a dashboard that is there, with variables that it has, and keeps the time."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
import yaml

from tests.support.dashboards import ROOT, boards, panels, variables

BOARDS = boards()
TAG = "claude-cost"
TEMPLATE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
OF_ALERT = re.compile(r"/d/([\w-]+)\??(\S*)$")
KEEPS_TIME = "${__url_time_range}"
KEEPS_VARIABLES = "${__all_variables}"


def cell_links(board):
    """Yield the columns of a table with each link of its cells."""
    for panel in panels(board):
        for override in panel.get("fieldConfig", {}).get("overrides", ()):
            for one in override["properties"]:
                if one["id"] == "links":
                    (shape,) = [
                        it["options"] for it in panel["transformations"] if it["id"] == "organize"
                    ]
                    for link in one["value"]:
                        yield set(shape["renameByName"].values()), link["url"]


def alert_links():
    """Yield the name and the dashboard of every alert, with the variables that it sets."""
    for path in sorted((ROOT / "prometheus/rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    url = TEMPLATE.sub("x", rule["annotations"]["dashboard_url"])
                    uid, query = OF_ALERT.search("".join(url.split())).groups()
                    yield rule["alert"], uid, re.findall(r"var-(\w+)=", query)


@pytest.mark.parametrize("uid", BOARDS)
def test_dashboards_are_linked_with_each_other(uid):
    """The links on top lead to all of them, with what is selected and the time range."""
    (link,) = BOARDS[uid]["links"]

    assert link["type"] == "dashboards"
    assert link["tags"] == [TAG]
    assert link["includeVars"]
    assert link["keepTime"]
    assert TAG in BOARDS[uid]["tags"]


@pytest.mark.parametrize("uid", BOARDS)
def test_every_panel_leads_to_one_that_says_more(uid):
    """Its address keeps time range and variables by itself: Grafana reads no flags of panels."""
    for panel in panels(BOARDS[uid]):
        if panel["type"] != "text":
            (link,) = panel["links"]
            path, query = urlsplit(link["url"])[2:4]
            assert path.removeprefix("/d/") in BOARDS
            assert query == f"{KEEPS_TIME}&{KEEPS_VARIABLES}"
            assert not link["includeVars"]
            assert not link["keepTime"]


@pytest.mark.parametrize("uid", BOARDS)
def test_cells_lead_to_variables_that_are_there(uid):
    """A row's link sets variables from columns of the table, and keeps every other shared one."""
    for columns, url in cell_links(BOARDS[uid]):
        path, query = urlsplit(url)[2:4]
        there = variables(BOARDS[path.removeprefix("/d/")])
        here = variables(BOARDS[uid])
        chosen = set(re.findall(r"var-(\w+)=", query))
        kept = re.findall(r"\$\{(\w+):queryparam\}", query)
        assert chosen <= there.keys()
        assert sorted(kept) == sorted((there.keys() & here.keys()) - chosen)
        assert set(re.findall(r'__data\.fields\["([^"]+)"\]', query)) <= columns
        assert query.endswith(KEEPS_TIME)


def test_rows_can_be_opened():
    """The two tables of the overview lead into workspaces and keys."""
    urls = [url for _, url in cell_links(BOARDS["llm-cost-overview"])]

    assert [url for url in urls if "var-workspace=" in url]
    assert [url for url in urls if "var-api_key=" in url]


@pytest.mark.parametrize(("alert", "uid", "names"), [*alert_links()])
def test_alerts_lead_to_what_they_are_about(alert, uid, names):
    """What an alert links to is there, with every variable that the link sets."""
    assert uid in BOARDS, alert
    assert set(names) <= variables(BOARDS[uid]).keys(), alert


def test_alerts_were_found():
    """Without any alert, nothing would be shown above."""
    assert len([*alert_links()]) > 20


@pytest.mark.parametrize("uid", BOARDS)
def test_every_variable_is_used(uid):
    """A choice that changes nothing misleads."""
    board = BOARDS[uid]
    text = f"{board['panels']}{[one.get('query') for one in variables(board).values()]}"

    assert [
        name for name in variables(board) if f"${name}" not in text and f"${{{name}" not in text
    ] == []
