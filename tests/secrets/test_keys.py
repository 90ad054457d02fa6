"""The canary: keys that cannot be read or stand in a wrong place, and the log of every command."""

from __future__ import annotations

import traceback
from threading import Event

import pytest
import structlog

from claude_cost_exporter import cli
from claude_cost_exporter.cli.wiring import SOURCE_TYPES, Exporter, load_config
from claude_cost_exporter.clock import SystemClock
from claude_cost_exporter.config.load import load
from claude_cost_exporter.errors import ConfigError, UnauthorizedError
from claude_cost_exporter.pricing.overrides import Override
from claude_cost_exporter.report.bar import written
from tests.support.canary import CONFIG, KEY, leaks

# --- keys that cannot be read


UNREADABLE = {
    "a missing file": "admin_key_file: {folder}/none",
    "a file of two keys": "admin_key_file: {folder}/two",
    "a binary file": "admin_key_file: {folder}/binary",
    "an odd variable": "admin_key_env: ODD",
    "a command that is not there": "admin_key_command: [/none/such]",
    "a command that fails": "admin_key_command: [{folder}/fails]",
    "a command that says too much": "admin_key_command: [{folder}/says]",
}


@pytest.fixture
def places(tmp_path):
    """Files and commands that give the key away in a wrong way."""
    (tmp_path / "two").write_text(f"{KEY}\n{KEY}\n")
    (tmp_path / "binary").write_bytes(b"\xff\x00" + KEY.encode())
    for name, status in (("fails", 1), ("says", 0)):
        script = f"#!/bin/sh\necho {KEY} >&2\necho {KEY}\necho {KEY}\nexit {status}\n"
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o700)
    return tmp_path


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_key_that_cannot_be_read_is_not_shown(ears, places, name):
    """The error says where the key was looked for; nothing says what was found."""
    where = UNREADABLE[name].format(folder=places)
    text = CONFIG.format(key=where, url="http://127.0.0.1:9", folder=places)
    loaded = load(text, SOURCE_TYPES, Override)
    with pytest.raises(UnauthorizedError) as caught:
        Exporter(loaded, clock=SystemClock(), stop=Event(), environment={"ODD": f"{KEY}\x00{KEY}"})
    assert "account acme" in str(caught.value)
    everything = f"{caught.value!r} {loaded!r} {''.join(traceback.format_exception(caught.value))}"
    assert leaks(everything) == []
    assert leaks(ears.heard()) == []


MISPLACED = {
    "as a setting": "sources: [{{type: anthropic, account: a, admin_key: {key}}}]",
    "as a file": "sources: [{{type: anthropic, account: a, admin_key_file: {key}}}]",
    "as a variable": "sources: [{{type: anthropic, account: a, admin_key_env: {key}}}]",
    "in a command": "sources: [{{type: anthropic, account: a, admin_key_command: [echo, {key}]}}]",
    "as an account": "sources: [{{type: anthropic, account: '{key} ', admin_key_env: K}}]",
    "as a type": "sources: [{{type: {key}, account: a, admin_key_env: K}}]",
    "as an interval": "sources: [{{type: anthropic, account: a, poll_interval: {key}}}]",
    "as a list": "sources: {key}",
    "in a URL": "sources: [{{type: anthropic, account: a, admin_key_env: K, base_url: 'http://{key}@h'}}]",
    "as a host": "sources: [{{type: anthropic, account: a, admin_key_env: K, base_url: 'http://{key}'}}]",
    "as a key of a mapping": "sources: [{{type: anthropic, {key}: 1}}]",
    "twice in a mapping": "{key}: 1\n{key}: 2",
    "as an alias": "sources: *{key}",
    "as a tag": "sources: !{key} x",
    "beside a syntax error": "sources: [{key}",
    "alone": "{key}",
    "in an override": "sources: []\nprices: {{overrides: [{{account: {key}}}]}}",
    "as a time zone": "sources: []\ntime_zone: {key}",
    "as a ledger": "sources: []\nledger: {{url: {key}}}",
}


@pytest.mark.parametrize("name", MISPLACED)
def test_a_key_in_the_configuration_is_refused_and_not_repeated(ears, tmp_path, name):
    """A key that stands in the file is a problem, and the list of problems does not print it."""
    path = tmp_path / "config.yml"
    path.write_text(MISPLACED[name].format(key=KEY))
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    everything = f"{caught.value} {caught.value!r} {caught.value.problems}"
    assert leaks(everything + "".join(traceback.format_exception(caught.value))) == []
    assert leaks(ears.heard()) == []


@pytest.mark.parametrize("setting", ["status_file: {key}", "ledger: {{url: 'sqlite:///{key}'}}"])
def test_status_does_not_repeat_a_key_of_its_configuration(tmp_path, setting):
    """`status` reads little of the file; a key there is refused like anywhere, and not printed."""
    path = tmp_path / "config.yml"
    path.write_text(setting.format(key=KEY))
    with pytest.raises(ConfigError) as caught:
        written(path)
    assert leaks(f"{caught.value} {caught.value.problems}") == []
    assert "in plain text" in str(caught.value.problems)


# --- every command


COMMANDS = {
    "serve": ["--config.file=/none", "--web.listen-address=127.0.0.1:0"],
    "demo": ["--scenario=none"],
    "probe": ["--config.file=/none"],
    "check_config": ["--config.file=/none"],
    "report": ["--config.file=/none"],
    "forecast": ["--config.file=/none"],
    "status": ["--config.file=/none"],
    "reconcile": ["--config.file=/none"],
    "backfill": ["--config.file=/none", "--output=/none"],
    "price": ["--input=/none"],
    "reprice": ["--config.file=/none", "--since=2026-11-01"],
    "simulate": ["--scenario=none"],
}


def test_every_command_is_tried():
    """A new command has its place among those whose logs are listened to."""
    assert set(COMMANDS) == set(cli.COMMANDS)


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_no_command_logs_local_variables(capfd, monkeypatch, command):
    """Whatever command runs, a traceback in its log shows no variable that holds a key."""
    structlog.reset_defaults()
    arguments = ["claude-cost-exporter", command.replace("_", "-"), *COMMANDS[command]]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit):
        cli.main()

    def break_down(key):
        raise ZeroDivisionError(f"division by {len(key)}")

    try:
        break_down(KEY)
    except ZeroDivisionError:
        structlog.get_logger().exception("it broke")
    heard = "".join(capfd.readouterr())
    assert "division by" in heard
    assert leaks(heard) == []
