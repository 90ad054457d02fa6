"""The `backfill` command: what it prints, and what it refuses."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from claude_cost_exporter.clock import DAY, HOUR, floor_hour
from claude_cost_exporter.ledger.base import Settings
from claude_cost_exporter.records import Window
from tests.support.ledger import START, Account, used
from tests.support.program import Program

CONFIG = """
sources: [{{type: anthropic, account: acme, admin_key_env: KEY}}]
ledger: {{url: "{url}"}}
"""
H0 = floor_hour(START)
NO_PROMTOOL = Path(sys.executable).with_name("no-promtool")


@pytest.fixture
def account(tmp_path):
    """An account whose ledger is open for writing, as that of a running exporter is."""
    account = Account(f"sqlite:///{tmp_path}/ledger.db", Settings())
    (tmp_path / "config.yml").write_text(CONFIG.format(url=account.url))
    account.ledger.aim_history("acme", "usage", START - DAY)
    account.poll(START, *used(H0 - HOUR, 1000))
    account.load(START, Window(START - DAY, H0), *used(H0 - HOUR, 1000))
    yield account
    account.ledger.close()


@pytest.fixture
def run(account, tmp_path):
    """Return a function that runs the command and gives its exit code, output and errors."""

    def program(*arguments):
        config = f"--config.file={tmp_path}/config.yml"
        with Program(tmp_path, "backfill", config, *arguments) as started:
            code = started.finish()
        return code, started.out, started.err

    return program


def test_it_works_while_the_exporter_runs(run, tmp_path):
    """It writes the file, says how much that was, and shows no bar where nobody looks on."""
    output = tmp_path / "history.om"
    code, out, err = run(f"--output={output}", "--job=costs", "--instance=here:1")
    assert (code, err) == (0, "")
    text = output.read_text()
    samples = sum(not line.startswith("#") for line in text.splitlines())
    assert out.startswith(f"{samples:,} samples of 0.1 days were written, ")
    assert text.count('job="costs",instance="here:1"') == samples


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ((), 2, "give --output, or --promtool and --data-dir"),
        (("--data-dir=.",), 2, "--promtool and --data-dir need each other"),
        (("--output=x", "--step=7m"), 2, "'7m' is not a part of an hour"),
        (("--output=x", "--step=15m"), 2, "'15m' is not a part of an hour"),
        (("--output=x", "--step=soon"), 2, "'soon' is not a duration"),
        (("--output=x", "--days=0"), 2, "Invalid value for '--days'"),
        (("--output=/nowhere/x",), 1, "error: cannot write /nowhere/x: No such file or directory"),
        (
            (f"--promtool={NO_PROMTOOL}", "--data-dir=."),
            1,
            f"error: cannot run {NO_PROMTOOL}: No such file or directory",
        ),
        (
            (f"--promtool={sys.executable}", "--data-dir=/nowhere"),
            1,
            "error: there is no folder /nowhere with data of Prometheus",
        ),
    ],
)
def test_what_it_cannot_do_is_said_in_a_sentence(run, tmp_path, arguments, code, sentence):
    """Wrong options end with 2, and what cannot be done with 1; nothing is left behind."""
    before = sorted(tmp_path.glob("*history*"))
    found, out, err = run(*arguments)
    assert (found, out) == (code, "")
    assert sentence in " ".join(err.replace("│", " ").split())
    assert sorted(tmp_path.glob("*history*")) == before


def test_history_that_is_being_loaded(account, run, tmp_path):
    """It says how far it is; --partial writes what there is."""
    account.ledger.aim_history("acme", "usage", START - 9 * DAY)
    code, _, err = run(f"--output={tmp_path}/x")
    assert code == 1
    assert err.startswith("error: the history of acme is being loaded (back to 2026-11-02): ")
    assert run(f"--output={tmp_path}/x", "--partial")[0] == 0
