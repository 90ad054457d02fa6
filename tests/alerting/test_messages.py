"""What arrives: real Alertmanagers send to a webhook such as Slack's and to an SMTP server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.alerting.configured import at_night, impatient, install, uncommented
from tests.alerting.receivers import MailReceiver, SlackReceiver, texts
from tests.alerting.servers import Alertmanager, wait_until

USER, PASSWORD = "claude-cost@example.com", "a password from a file"
SINCE = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=5)
UNTIL = SINCE + timedelta(minutes=4)
PAGE = "http://alertmanager.test/#/"
LABELS = {
    "alertname": "LLMBudgetDayHard",
    "class": "budget",
    "severity": "warning",
    "scope_type": "workspace",
    "scope": "wrkspc_1",
    "budget": "Team A & B",
    "tier": "hard",
}
ANNOTATIONS = {
    "summary": "The daily allowance is used.",
    "description": "The workspace Café has spent $41.20 of $40.00 today.\nTop model: <new> $30.10",
    "dashboard_url": "http://grafana.test/d/budget?var-scope=wrkspc_1&from=now-24h",
    "runbook_url": "https://runbooks.test/runbooks.md#llmbudgetdayhard",
}
QUICK = "repeat_interval: 1s"
QUERY = "http://prometheus.test/graph?g0.expr=llm_x+%3E+1&g0.tab=1"


def alert(start=SINCE, end=SINCE + timedelta(days=1), **labels):
    """Return an alert as Prometheus posts it."""
    return {
        "labels": LABELS | labels,
        "annotations": ANNOTATIONS,
        "generatorURL": QUERY,
        "startsAt": start.isoformat(),
        "endsAt": end.isoformat(),
    }


def fresh(**labels):
    """Return an alert that is new, so that its group waits for others."""
    return alert(start=datetime.now(UTC), **labels)


def shown(moment):
    """Return a time as messages show it."""
    return f"{moment:%a} {moment.day} {moment:%b %H:%M} UTC"


@pytest.fixture
def slack():
    with SlackReceiver() as receiver:
        yield receiver


@pytest.fixture
def mail():
    with MailReceiver(USER, PASSWORD) as receiver:
        yield receiver


@pytest.fixture
def server(tools, tmp_path, slack, mail):
    """Alertmanager as shipped, with both channels and their secrets in files, but impatient."""
    text = impatient(uncommented("slack", "mail"))
    smarthost = f"127.0.0.1:{mail.port}\n  smtp_require_tls: false"
    text = text.replace("smtp.example.com:587", smarthost)
    secrets = tmp_path / "secrets"
    configuration = install(
        tmp_path / "alerting", text.replace("/etc/alertmanager/secrets", str(secrets))
    )
    secrets.mkdir()
    (secrets / "slack_webhook_url").write_text(slack.url + "\n", encoding="utf-8")
    (secrets / "smtp_password").write_text(PASSWORD, encoding="utf-8")
    with Alertmanager(tools, tmp_path, configuration) as running:
        yield running
        assert running.complaints() == []


def test_slack_message_of_an_alert(server, slack):
    """Every field of a firing message, and of the one that it is over."""
    server.post(alert())
    wait_until(lambda: slack.messages, "Slack is told")
    server.post(alert(end=UNTIL))
    wait_until(lambda: len(slack.messages) == 2, "Slack is told that it is over")
    assert [message["username"] for message in slack.messages] == ["Claude cost"] * 2
    firing, resolved = slack.attachments
    assert firing["color"] == "warning"
    assert firing["title"] == firing["fallback"] == "[warning] The daily allowance is used."
    assert firing["title_link"] == f"{PAGE}alerts?receiver=people"
    assert firing["text"] == (
        "*The daily allowance is used.*\n"
        "The workspace Café has spent $41.20 of $40.00 today.\n"
        "Top model: &lt;new&gt; $30.10\n"
        "_budget Team A &amp; B · scope wrkspc_1 · scope_type workspace · severity warning · "
        f"tier hard · since {shown(SINCE)}_"
    )
    assert {field["title"]: field["value"] for field in firing["fields"]} == {
        "Scope": "workspace wrkspc_1",
        "Class": "budget",
        "Severity": "warning",
        "Alerts": "1 firing",
    }
    assert {action["text"]: action["url"] for action in firing["actions"]} == {
        "Dashboard": ANNOTATIONS["dashboard_url"],
        "Runbook": ANNOTATIONS["runbook_url"],
        "Query": QUERY,
        "Silence": f"{PAGE}silences/new?filter=%7Balertname%3D%22LLMBudgetDayHard%22%2C%20"
        "budget%3D%22Team%20A%20%26%20B%22%2C%20class%3D%22budget%22%2C%20"
        "scope%3D%22wrkspc_1%22%2C%20scope_type%3D%22workspace%22%2C%20"
        "severity%3D%22warning%22%2C%20tier%3D%22hard%22%7D",
    }
    assert resolved["color"] == "good"
    assert resolved["title"] == "[resolved] The daily allowance is used."
    assert resolved["text"].startswith("*Resolved: The daily allowance is used.*\n")
    assert resolved["text"].endswith(f"since {shown(SINCE)} until {shown(UNTIL)}_")
    assert resolved["fields"][3]["value"] == "0 firing, 1 resolved"


def test_mail_of_an_alert(server, mail):
    """Sender, subject, text and HTML of a firing message, and of the one that it is over."""
    server.post(alert())
    wait_until(lambda: mail.messages, "a mail arrives")
    server.post(alert(end=UNTIL))
    wait_until(lambda: len(mail.messages) == 2, "a mail says that it is over")
    firing, resolved = mail.messages
    assert mail.recipients == ["claude-cost@example.com"] * 2
    assert firing["From"] == firing["To"] == "claude-cost@example.com"
    subject = "The daily allowance is used. · workspace wrkspc_1"
    assert [message["Subject"] for message in mail.messages] == [
        f"[warning] {subject}",
        f"[resolved] {subject}",
    ]
    said = texts(firing)
    assert said["plain"].splitlines()[:4] == [
        f"[warning] {subject}",
        "",
        "The daily allowance is used.",
        "The workspace Café has spent $41.20 of $40.00 today.",
    ]
    for line in ("budget: Team A & B", f"since: {shown(SINCE)}", f"Query:     {QUERY}"):
        assert f"  {line}\n" in said["plain"]
    assert f"<title>[warning] {subject}</title>" in said["html"]
    assert "Top model: &lt;new&gt; $30.10" in said["html"]
    assert "<td>Team A &amp; B</td>" in said["html"]
    assert f'<a href="{ANNOTATIONS["runbook_url"]}">Runbook</a>' in said["html"]
    assert f"  until: {shown(UNTIL)}\n" in texts(resolved)["plain"]
    assert "Resolved: The daily allowance is used.</h3>" in texts(resolved)["html"]


def test_one_message_for_each_class_and_scope(server, slack):
    """Alerts of one class about one scope are one message; another scope has its own."""
    server.post(
        fresh(),
        fresh(alertname="LLMBudgetBurnFast", severity="warning", tier="burn"),
        fresh(scope="wrkspc_2"),
    )
    wait_until(lambda: len(slack.messages) == 2, "Slack is told twice")
    first, second = sorted(slack.attachments, key=lambda told: told["fields"][0]["value"])
    assert first["title"] == "[warning] The daily allowance is used. · 2 budget alerts"
    assert first["text"].count("*The daily allowance is used.*") == 2
    assert f"<{QUERY}|Query>" in first["text"]
    assert first["fields"][3]["value"] == "2 firing"
    assert second["fields"][0]["value"] == "workspace wrkspc_2"
    assert second["fields"][3]["value"] == "1 firing"


def test_a_budget_that_is_spent_later_is_told_by_itself(server, slack):
    """Another budget of the same scope is a message of its own, and repeats nothing."""
    spent = {"alertname": "LLMBudgetSpent", "severity": "critical", "tier": "period"}
    server.post(alert(**spent))
    wait_until(lambda: slack.messages, "Slack is told of the first")
    server.post(alert(budget="other", **spent))
    wait_until(lambda: len(slack.messages) == 2, "Slack is told of the second")
    first, second = slack.attachments
    assert "budget other" not in first["text"]
    assert "budget other" in second["text"]
    assert second["fields"][3]["value"] == "1 firing"


def test_what_is_inhibited_is_not_sent(server, slack, mail):
    """The hard tier speaks for the soft one, which another budget's alert does not."""
    server.post(
        fresh(),
        fresh(alertname="LLMBudgetDaySoft", severity="info", tier="soft"),
        fresh(alertname="LLMBudgetDaySoft", severity="info", tier="soft", budget="other"),
    )
    wait_until(lambda: len(slack.messages) == len(mail.messages) == 2, "both are told twice")
    digest = next(told for told in slack.attachments if told["color"] == "#439fe0")
    assert "budget other" in digest["text"]
    assert digest["fields"][3]["value"] == "1 firing"


def test_the_digest_is_one_message_about_all_scopes(server, slack):
    """What is good to know comes together, and its end is no message."""
    scopes = ("wrkspc_1", "wrkspc_2", "wrkspc_3")
    soft = {"alertname": "LLMBudgetDaySoft", "severity": "info", "tier": "soft"}
    server.post(*(fresh(scope=scope, **soft) for scope in scopes))
    wait_until(lambda: slack.messages, "Slack is told")
    server.post(
        *(
            alert(
                start=datetime.now(UTC) - timedelta(seconds=1),
                end=datetime.now(UTC),
                scope=scope,
                **soft,
            )
            for scope in scopes
        )
    )
    server.post(alert(alertname="Later", scope="wrkspc_4"))
    wait_until(lambda: len(slack.messages) == 2, "Slack is told of what came later")
    digest, later = slack.attachments
    assert digest["fields"][0]["value"] == "several"
    assert digest["fields"][3]["value"] == "3 firing"
    assert [scope in digest["text"] for scope in scopes] == [True] * 3
    assert later["fields"][0]["value"] == "workspace wrkspc_4"


def test_the_digest_of_a_day_does_not_silence_the_next(server, slack):
    """What ended while nobody was told is told again when it is back, by the next morning."""
    day = server.configuration.read_text(encoding="utf-8").replace("repeat_interval: 12h", QUICK)
    soft = {"alertname": "LLMBudgetDaySoft", "severity": "info", "tier": "soft"}
    configure(server, day)
    server.post(alert(**soft))
    wait_until(lambda: slack.messages, "Slack is told")
    configure(server, at_night(day))
    server.post(alert(end=UNTIL, **soft))
    wait_until(lambda: not server.alerts(), "it is over")
    server.post(fresh(**soft))
    wait_until(server.alerts, "it is back")
    assert len(slack.messages) == 1
    configure(server, day)
    wait_until(lambda: len(slack.messages) > 1, "Slack is told again")


def configure(server, text):
    server.configuration.write_text(text, encoding="utf-8")
    server.reload()


def test_an_alert_without_labels_and_annotations_is_a_message(server, slack, mail):
    """Alerts of other rules lack what ours have, and are told all the same."""
    server.post({"labels": {"alertname": "Foreign"}})
    wait_until(lambda: slack.messages and mail.messages, "both are told")
    (told,) = slack.attachments
    assert told["title"] == "[none] Foreign"
    assert {action["url"] for action in told["actions"][:3]} == {f"{PAGE}alerts?receiver=people"}
    assert mail.messages[0]["Subject"] == "[none] Foreign · several"
