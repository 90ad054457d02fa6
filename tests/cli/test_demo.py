"""`demo` as a process: a stranger's first experience."""

from __future__ import annotations

import signal
import socket
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from claude_cost_exporter.cli import app
from tests.support.program import Program, samples

COST = "llm_cost_usd_total"
FIRST_RISE = 300.0
"""Seconds. Usual are 15; in the first minutes of an hour nothing of it is there yet."""


def total(program, family=COST):
    """Return the sum of a family as it is scraped now."""
    return sum(value for _, value in samples(program.get("/metrics"), family))


def test_it_shows_money_without_a_key(tmp_path):
    """It prints its URLs, has this month at once, counts, says SIMULATED, and ends with Ctrl-C."""
    with Program(tmp_path, "demo", "--web.listen-address=127.0.0.1:0") as program:
        program.wait_for("readiness", lambda: program.get("/-/ready"))
        program.wait_for("a month", lambda: 'window="month_to_date"' in program.get("/metrics"))
        page = program.get("/")
        first = total(program)
        program.wait_for("a rise", lambda: total(program) > first, FIRST_RISE)
        everything = program.get("/metrics")
        program.process.send_signal(signal.SIGINT)
        code = program.process.wait(5)

    assert code == 0
    assert "SIMULATED" in page
    assert "SIMULATED" in program.out
    assert f"metrics        {program.url}/metrics\n" in program.out
    assert "simulated API  http://127.0.0.1:" in program.out
    assert {'account="demo"' in labels for labels, _ in samples(everything, COST)} == {True}
    assert "\nclaude_cost_exporter_simulated 1.0\n" in everything
    assert program.err == ""
    assert not list(tmp_path.glob("**/ledger.db"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_taken_port_does_not_stop_it(tmp_path, host):
    """It says that the port is taken, takes another one and works there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Program(tmp_path, "demo", f"--web.listen-address={host}:{port}") as program:
            program.wait_for("readiness", lambda: program.get("/-/ready"))
            program.process.terminate()
            code = program.process.wait(5)

    assert code == 0
    said = f"cannot listen on {host}:{port}: Address already in use; taking {program.url} instead\n"
    assert said in program.out
    assert not program.url.endswith(f":{port}")


def test_what_is_wrong_is_said_before_anything_starts():
    """An unknown scenario is one sentence with what is known, and exit code 2."""
    result = CliRunner().invoke(
        app, ["demo", "--scenario=calm"], env={"COLUMNS": "300", "NO_COLOR": "1"}
    )

    assert result.exit_code == 2
    assert "scenario 'calm' is unknown; known are: steady" in result.output


def test_make_demo_is_this_command():
    """`make demo` runs the command, with DEMO_ARGS for its options."""
    printed = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "demo", "DEMO_ARGS=--seed=2"],
        cwd=Path(__file__).parent.parent.parent,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert printed.splitlines()[-1].endswith("claude-cost-exporter demo --seed=2")
