"""The `simulate` command: what it prints, what it refuses, how it stops."""

import json
import signal
import subprocess
import sys
import urllib.request

import pytest
import typer
from typer.testing import CliRunner

from claude_cost_exporter.cli.simulate import command
from claude_cost_exporter.simulator import SCENARIOS, OpenBucket, Switches, find
from claude_cost_exporter.simulator.switches import with_switch

PROGRAM = "import typer; from claude_cost_exporter.cli.simulate import command; typer.run(command)"


def run(*arguments):
    """Return the result of the command in this process."""
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, [*arguments], env={"COLUMNS": "300", "NO_COLOR": "1"})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_a_signal(number):
    """The first line is a URL that answers; a signal ends it with 0."""
    arguments = [sys.executable, "-c", PROGRAM, "--scenario=spike,late_rows", "--seed=3"]
    path = {"PYTHONPATH": ":".join(p for p in sys.path if p)}
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=path)
    try:
        lines = [process.stdout.readline().rstrip() for _ in range(4)]
        headers = {"x-api-key": "sk-ant-admin01-x", "anthropic-version": "2023-06-01"}
        request = urllib.request.Request(f"{lines[0]}/v1/organizations/me", headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert json.load(answer)["type"] == "organization"
        assert lines[1].startswith("SIMULATED Admin API of Acme Robotics")
        assert lines[2].startswith("scenario spike,late_rows:")
        assert "90 days" in lines[3]
        process.send_signal(number)
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("--listen=0.0.0.0:8080", "'0.0.0.0' is not a loopback address"),
        ("--listen=127.0.0.1", "'127.0.0.1' is not HOST:PORT"),
        ("--listen=127.0.0.1:99999", "port from 0 to 65535"),
        ("--scenario=nope", "scenario 'nope' is unknown; known are: steady"),
        ("--switch=colour=red", "switch 'colour' is unknown; known are: analytics"),
        ("--switch=open_hour=maybe", "'maybe'; it may be partial or closed_only"),
        ("--switch=bearer=1", "'1'; it may be true or false"),
        ("--switch=max_rows_per_page=1.5", "'1.5'; it may be a number from 0 on"),
        ("--switch=latency_seconds=nan", "'nan'; it may be a number from 0 on"),
        ("--days=-1", "-1 is not a number of days from 0 to 3650"),
    ],
)
def test_wrong_options(argument, sentence):
    """Each wrong option is one sentence with the value and exit code 2."""
    result = run(argument)
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.replace("│", " ").split())


def test_port_in_use():
    """A taken port is named."""
    import socket  # noqa: PLC0415 - only here

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run(f"--listen=127.0.0.1:{port}")
    assert result.exit_code == 1
    assert f"cannot listen on 127.0.0.1:{port}" in str(result.exception)


def test_list():
    """`--scenario list` prints every scenario with its summary."""
    result = run("--scenario=list")
    assert result.exit_code == 0
    for scenario in SCENARIOS.values():
        assert f"{scenario.name:14} {scenario.summary}" in result.output


def test_list_of_switches():
    """`--switch=list` prints each switch with its values and the usual one; keys are not there."""
    result = run("--switch=list")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert "open_hour=partial|closed_only  (usual: partial)" in lines
    assert "bearer=true|false  (usual: true)" in lines
    assert "max_rows_per_page=NUMBER  (usual: not set)" in lines
    assert "key" not in result.output
    for line in lines:
        values = line.split("  ")[0].partition("=")[2].replace("NUMBER", "1").split("|")
        for value in values:
            assert with_switch(Switches(), f"{line.partition('=')[0]}={value}")


def test_several_scenarios_are_as_many_sentences():
    """The summaries of joined scenarios read on."""
    one, two = SCENARIOS["spike"].summary, SCENARIOS["late_rows"].summary
    assert find("spike,late_rows").summary == f"{one} {two}"


def test_switches_from_text():
    """Assignments change one switch each, with its type."""
    switches = with_switch(Switches(), "open_hour=closed_only")
    switches = with_switch(switches, "bearer=false")
    switches = with_switch(switches, "requests_per_minute=30")
    switches = with_switch(switches, "latency_seconds=1")
    assert switches == Switches(
        open_hour=OpenBucket.CLOSED_ONLY,
        bearer=False,
        requests_per_minute=30,
        latency_seconds=1.0,
    )


def test_keys_are_not_for_the_command_line():
    """A key cannot be given as a switch, where every user of the machine could read it."""
    with pytest.raises(ValueError, match="'admin_key' is unknown"):
        with_switch(Switches(), "admin_key=sk-ant-admin01-x")
