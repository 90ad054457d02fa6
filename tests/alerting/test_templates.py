"""The templates, rendered by amtool of both versions: the same text, whatever is missing."""

from __future__ import annotations

import json
import re

import pytest

from tests.alerting.configured import uncommented
from tests.alerting.servers import ALERTING

USED = sorted(set(re.findall(r'template "([^"]+)"', uncommented("slack", "mail"))))
GLOB = str(ALERTING / "templates" / "*.tmpl")

NAME = 'a "b" & <c>+d'
FIRING = {
    "status": "firing",
    "labels": {
        "alertname": "LLMBudgetDayHard",
        "class": "budget",
        "severity": "warning",
        "scope_type": "workspace",
        "scope": NAME,
    },
    "annotations": {
        "summary": "The day's allowance is used.",
        "description": "Spent $12 & more.\nTop model: <none>",
        "dashboard_url": "http://grafana.test/d/x?var-scope=a%20b",
        "runbook_url": "https://runbooks.test/r#x",
    },
    "generatorURL": "http://prometheus.test/graph?g0.expr=x%3E1",
    "startsAt": "2026-11-25T10:00:00Z",
}
RESOLVED = FIRING | {"status": "resolved", "endsAt": "2026-11-25T11:30:00Z"}
BARE = {"status": "firing", "startsAt": "2026-11-25T10:00:00Z"}
CRITICAL = FIRING | {"labels": {"severity": "critical"}, "status": "firing"}
OVER = CRITICAL | {"status": "resolved", "endsAt": "2026-11-25T11:30:00Z"}


def group(*alerts, status="firing", **common):
    """Return what a template is given for a group of alerts."""
    return {
        "receiver": "people",
        "status": status,
        "alerts": list(alerts),
        "groupLabels": {},
        "commonLabels": common,
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.test",
    }


@pytest.fixture
def render(tools, tmp_path):
    """Render a template for a group."""

    def rendered(name, data):
        path = tmp_path / "data.json"
        path.write_text(json.dumps(data), encoding="utf-8")
        kind = "html" if name.endswith("html") else "text"
        return tools.amtool(
            *("template", "render", f"--template.glob={GLOB}", f"--template.data={path}"),
            *(f"--template.type={kind}", f'--template.text={{{{ template "{name}" . }}}}'),
        )

    return rendered


ONE = group(FIRING, **FIRING["labels"])
SILENCE = (
    "http://alertmanager.test/#/silences/new?filter=%7Balertname%3D%22LLMBudgetDayHard%22%2C%20"
    "class%3D%22budget%22%2C%20scope%3D%22a%20%5C%22b%5C%22%20%26%20%3Cc%3E%2Bd%22%2C%20"
    "scope_type%3D%22workspace%22%2C%20severity%3D%22warning%22%7D"
)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cost.title", f"[warning] The day's allowance is used. · workspace {NAME}"),
        ("cost.slack.title", "[warning] The day's allowance is used."),
        ("cost.slack.scope", 'workspace a "b" &amp; &lt;c&gt;+d'),
        ("cost.slack.color", "warning"),
        ("cost.count", "1 firing"),
        ("cost.class", "budget"),
        ("cost.url.dashboard", "http://grafana.test/d/x?var-scope=a%20b"),
        ("cost.url.runbook", "https://runbooks.test/r#x"),
        ("cost.url.query", "http://prometheus.test/graph?g0.expr=x%3E1"),
        ("cost.url.silence", SILENCE),
    ],
)
def test_texts_of_one_alert(render, name, text):
    """Names with signs that Slack or an address reads as its own arrive as they are."""
    assert render(name, ONE) == text


@pytest.mark.parametrize("name", USED)
@pytest.mark.parametrize(
    "data",
    [
        group(),
        group(BARE),
        group(BARE | {"labels": {"severity": "odd"}}, BARE | {"annotations": {"summary": ""}}),
        group(RESOLVED, OVER, status="resolved"),
        group(*[FIRING] * 30, **{"class": "budget"}),
    ],
    ids=["none", "bare", "odd", "resolved", "many"],
)
def test_templates_are_total(render, name, data):
    """Nothing that can be missing is an error, or leaves a field empty that must have a text."""
    rendered = render(name, data)
    assert "<no value>" not in rendered
    if data["alerts"]:
        assert rendered.strip()


@pytest.mark.parametrize(
    ("data", "color", "title"),
    [
        (group(CRITICAL, FIRING), "danger", "[critical]"),
        (group(FIRING, CRITICAL), "danger", "[critical]"),
        (group(OVER, FIRING), "warning", "[warning]"),
        (group(BARE | {"labels": {"severity": "info"}}), "#439fe0", "[info]"),
        (group(RESOLVED, status="resolved"), "good", "[resolved]"),
    ],
    ids=["critical first", "critical last", "critical over", "info", "resolved"],
)
def test_the_worst_that_still_fires_gives_the_color(render, data, color, title):
    """An alert that is over makes no group critical."""
    assert render("cost.slack.color", data) == color
    assert render("cost.slack.title", data).startswith(title)


def test_buttons_without_an_address_lead_to_alertmanager(render):
    """Slack refuses a button with an empty address, so there is none."""
    page = "http://alertmanager.test/#/alerts?receiver=people"
    names = ("cost.url.dashboard", "cost.url.runbook", "cost.url.query")
    assert {render(name, group(BARE)) for name in names} == {page}


def test_a_long_group_is_cut_between_alerts(render):
    """Twenty alerts are told, and where the others are."""
    said = render("cost.slack.text", group(*[FIRING] * 30))
    assert said.count("*The day's allowance is used.*") == 20
    assert said.endswith("<http://alertmanager.test/#/alerts?receiver=people|All 30 alerts>")


def test_html_shows_names_as_text(render):
    """What an alert says cannot become markup, and its links are kept."""
    html = render("cost.mail.html", ONE)
    assert "<c>" not in html
    assert "Top model: &lt;none&gt;" in html
    for address in re.findall(r'href="([^"]+)"', html):
        assert address.startswith("http")
    assert f'href="{SILENCE}"'.lower() in html.lower()
