"""The configuration is accepted, starts as shipped, routes and inhibits as it says."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import yaml

from tests.alerting.configured import CHANNELS, SHIPPED, install, uncommented
from tests.alerting.servers import ALERTING, Alertmanager, wait_until

CLASSES = ("threshold", "budget", "anomaly", "efficiency", "truth", "health")
RECEIVERS = {"critical": "people", "warning": "people", "info": "people-once"}
SCOPE = {"scope_type": "workspace", "scope": "w1"}
ACCOUNT = {"provider": "p", "account": "a"}
STALE = {"alertname": "LLMDataStale", "class": "health", "severity": "warning"}
DOWN = {"alertname": "LLMExporterDown", "class": "health", "severity": "critical"}
CATCHING_UP = {"alertname": "LLMCatchingUp", "class": "health", "severity": "info", **ACCOUNT}


def cost(name, kind, severity="warning", **labels):
    """Return the labels of an alert about one workspace's budget."""
    labels = {"class": kind, "severity": severity, "budget": "b", **labels}
    return {"alertname": name, **SCOPE, **labels}


def seconds(duration):
    """Read a duration such as 7d."""
    number, unit = re.fullmatch(r"(\d+)([hmd])", duration).groups()
    return int(number) * {"m": 60, "h": 3600, "d": 86400}[unit]


def routes(route):
    """Yield a route and all below it."""
    yield route
    for child in route.get("routes", []):
        yield from routes(child)


@pytest.mark.parametrize("channels", CHANNELS.values(), ids=CHANNELS)
def test_every_choice_of_channels_is_valid(tools, tmp_path, channels):
    """Amtool accepts the file as shipped and after each of the documented commands."""
    said = tools.amtool("check-config", install(tmp_path / "a", uncommented(*channels)))
    assert "SUCCESS" in said
    assert "FAILED" not in said


@pytest.mark.parametrize("channel", ["slack", "mail"])
def test_a_channel_is_configured_at_both_receivers(channel):
    """After the documented command no receiver is without the channel, before it none has it."""
    key = {"slack": "slack_configs", "mail": "email_configs"}[channel]
    before, after = (yaml.safe_load(text)["receivers"] for text in (SHIPPED, uncommented(channel)))
    assert [key in receiver for receiver in before] == [False, False]
    resolved = [receiver[key][0]["send_resolved"] for receiver in after]
    assert resolved == [True, False]


def test_starts_with_no_channel_configured(tools, tmp_path):
    """As shipped it starts without a complaint, and holds alerts for whoever asks."""
    with Alertmanager(tools, tmp_path, ALERTING / "alertmanager.yml") as server:
        server.post({"labels": cost("A", "budget")})
        wait_until(server.alerts, "the alert is there")
        (alert,) = server.alerts()
        assert alert["receivers"] == [{"name": "people"}]
        assert server.complaints() == []


@pytest.mark.parametrize("severity", RECEIVERS)
@pytest.mark.parametrize("kind", CLASSES)
def test_each_class_and_severity_has_its_receiver(tools, kind, severity):
    """What is good to know goes out once; the rest is also told when it is over."""
    labels = {"class": kind, "severity": severity, "scope_type": "all", "scope": "all"}
    assert routed(tools, labels) == RECEIVERS[severity]


@pytest.mark.parametrize("severity", ["critical", "warning"])
@pytest.mark.parametrize("kind", ["budget", "threshold"])
def test_what_a_period_has_used_is_told_once(tools, kind, severity):
    """The end of a month is no message, however much it had used."""
    assert routed(tools, cost("A", kind, severity, tier="period")) == "people-once"


@pytest.mark.parametrize(
    ("tier", "repeated"), {"forecast": "24h", "credit": "24h", "burn": "4h", None: "4h"}.items()
)
def test_what_is_days_away_is_repeated_daily(tier, repeated):
    """Forecasts and credit are critical, and yet no matter of hours."""
    (critical,) = [
        route
        for route in yaml.safe_load(SHIPPED)["route"]["routes"]
        if route["matchers"] == ['severity="critical"']
    ]
    (calm,) = critical["routes"]
    (matcher,) = calm["matchers"]
    tiers = re.fullmatch(r'tier=~"(.*)"', matcher)[1].split("|")
    assert (calm if tier in tiers else critical)["repeat_interval"] == repeated


def routed(tools, labels):
    """Return the receivers that amtool finds for labels."""
    arguments = [f"{name}={value}" for name, value in labels.items()]
    configuration = ALERTING / "alertmanager.yml"
    said = tools.amtool("config", "routes", "test", f"--config.file={configuration}", *arguments)
    return said.strip()


def test_a_period_repeats_once_a_week_and_is_remembered_for_longer():
    """The retention that the comment gives is above the longest repeat interval, a week."""
    configuration = yaml.safe_load(SHIPPED)
    (period,) = [
        route
        for route in routes(configuration["route"])
        if 'tier="period"' in route.get("matchers", [])
    ]
    assert period["repeat_interval"] == "7d"
    intervals = [
        seconds(route["repeat_interval"])
        for route in routes(configuration["route"])
        if "repeat_interval" in route
    ]
    (retention,) = re.findall(r"--data.retention=(\w+)", SHIPPED)
    assert seconds(retention) > max(intervals) == timedelta(days=7).total_seconds()


def digests():
    """Return the routes that speak in working hours, and when those begin and end."""
    configuration = yaml.safe_load(SHIPPED)
    ((hours,),) = [
        interval["times"]
        for named in configuration["time_intervals"]
        for interval in named["time_intervals"]
    ]
    start, end = (int(hours[key].removesuffix(":00")) for key in ("start_time", "end_time"))
    return [
        route for route in routes(configuration["route"]) if "active_time_intervals" in route
    ], (end - start) * 3600


def test_a_digest_finds_a_moment_within_working_hours():
    """However the hours of a group fall, one end of them is within the hours of a day."""
    found, open_for = digests()
    assert len(found) == 2
    assert all(seconds(route["group_interval"]) <= open_for for route in found)


def test_what_ends_at_midnight_is_news_the_next_morning():
    """It repeats after the night that follows the latest message, and not within a day."""
    found, open_for = digests()
    (daily,) = [route for route in found if 'tier="soft"' in route["matchers"]]
    assert open_for < seconds(daily["repeat_interval"]) <= 24 * 3600 - open_for


INHIBITIONS = {
    "hard over soft": (
        cost("Hard", "budget", tier="hard"),
        [cost("Soft", "budget", "info", tier="soft")],
        [
            cost("Soft", "budget", "info", tier="soft", budget="other"),
            cost("Soft", "budget", "info", tier="soft", scope="w2"),
            cost("Soft", "budget", "info", tier="soft", scope_type="api_key"),
            cost("Mostly", "budget", tier="period"),
        ],
    ),
    "critical over warning": (
        cost("Burn", "budget", "critical", tier="burn"),
        [cost("Slow", "budget", tier="burn"), cost("Forecast", "budget", tier="forecast")],
        [
            cost("Slow", "budget", tier="burn", budget="other"),
            cost("Slow", "budget", tier="burn", scope="w2"),
            cost("Hard", "budget", tier="hard"),
            cost("Mostly", "budget", tier="period"),
            cost("Odd", "anomaly", window="24h"),
        ],
    ),
    "a period is spent": (
        cost("Spent", "budget", "critical", tier="period"),
        [
            cost("Mostly", "budget", tier="period"),
            cost("Hard", "budget", tier="hard"),
            cost("Slow", "budget", tier="burn"),
            cost("Surely", "budget", "critical", tier="forecast"),
        ],
        [
            cost("Surely", "budget", "critical", tier="forecast", budget="other"),
            cost("Credit", "budget", "critical", tier="credit"),
            cost("Mostly", "budget", tier="period", budget="other"),
            cost("Mostly", "budget", tier="period", scope="w2"),
            cost("Burn", "budget", "critical", tier="burn"),
        ],
    ),
    "a day over its hour": (
        cost("Odd", "anomaly", window="24h"),
        [cost("Odd", "anomaly", window="1h")],
        [cost("Odd", "anomaly", window="1h", scope="w2"), cost("Odd", "anomaly", window="7d")],
    ),
    "stale data": (
        STALE,
        [
            cost("Forecast", "budget", tier="forecast"),
            cost("Burn", "budget", "critical", tier="burn"),
            cost("Odd", "anomaly", window="24h"),
            cost("Broke", "efficiency"),
        ],
        [
            cost("Hard", "budget", tier="hard"),
            cost("Mostly", "budget", tier="period"),
            cost("Day", "threshold", tier="hard"),
            cost("Spent", "budget", "critical", tier="period", scope="w2"),
            {"alertname": "LLMUnpriced", "class": "truth", "severity": "warning", **SCOPE},
            {"alertname": "LLMExporterDown", "class": "health", "severity": "critical"},
        ],
    ),
    "no exporter": (
        DOWN,
        [cost("Forecast", "budget", tier="forecast"), cost("Odd", "anomaly", window="24h")],
        [
            cost("Mostly", "budget", tier="period"),
            {"alertname": "LLMDataStale", "class": "health", "severity": "critical"},
        ],
    ),
    "catching up": (
        CATCHING_UP,
        [
            cost("Broke", "efficiency", reads="increase", **ACCOUNT),
            cost("Odd", "anomaly", window="24h", reads="increase"),
        ],
        [
            cost("Broke", "efficiency", reads="increase", provider="p", account="other"),
            cost("Odd", "anomaly", window="24h"),
            cost("Hard", "budget", tier="hard"),
        ],
    ),
}


@pytest.mark.parametrize(("source", "silent", "told"), INHIBITIONS.values(), ids=INHIBITIONS)
def test_inhibition(tools, tmp_path, source, silent, told):
    """An alert silences what it explains: the same scope and budget, and nothing else."""
    with Alertmanager(tools, tmp_path, ALERTING / "alertmanager.yml") as server:
        server.post(*({"labels": labels} for labels in (source, *silent, *told)))
        wait_until(lambda: len(inhibited(server)) >= len(silent), "the alerts are silent")
        assert sorted(inhibited(server), key=str) == sorted(silent, key=str)


def inhibited(server):
    """Return the labels of the alerts that are inhibited."""
    return [alert["labels"] for alert in server.alerts() if alert["status"]["inhibitedBy"]]
