"""`status`: one line from a small file, in the form that each bar reads."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from datetime import timedelta

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from claude_cost_exporter.cli import app
from claude_cost_exporter.report.bar import quick
from claude_cost_exporter.report.status import age
from tests.support.reports import PLANS, WHO, Commands, Scraped, loaded
from tests.support.simulated import KEY, START, Simulated

FORMS = ("text", "json", "waybar", "xbar")
HEAVY = (
    "typer",
    "pydantic",
    "sqlalchemy",
    "httpx",
    "starlette",
    "msgspec",
    "rich",
    "prometheus_client",
    "structlog",
)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """An organisation with fifty days of history; its exporter is still running."""
    running = loaded(tmp_path_factory.mktemp("ledger"), more=PLANS)
    running.wait(minutes=1)
    running.poll()
    yield running
    running.close()


@pytest.fixture
def run(simulated, tmp_path, monkeypatch):
    """Run a command and return what it printed."""
    return Commands(simulated, tmp_path, monkeypatch)


def test_the_figures_are_those_of_metrics(run, simulated):
    """Today, month and forecast are what /metrics shows, fixed fees included, budgets too."""
    scraped = Scraped(simulated)
    shown = json.loads(run("status", "--format=json"))
    for key, window in (("today_usd", "today"), ("month_usd", "month_to_date")):
        total = scraped.sum("llm_spend_usd", **WHO, window=window)
        assert shown[key] == pytest.approx(total, abs=0.01)  # a fee grows by the second
    labels = {"horizon": "month_end", "method": "weekday_ewma", "estimate": "p50"}
    forecast = scraped("llm_total_forecast_spend_usd", **labels)
    assert shown["forecast_p50_usd"] == pytest.approx(forecast, abs=0.01)
    assert [one["level"] for one in shown["budgets"]] == ["", "warn", "soft"]
    assert shown["state"] == "ok"


def test_the_line_names_the_worst_budget(run):
    """The line has today, month, forecast with its range, and the budget that is the furthest."""
    assert run("status").startswith("SIMULATED \u00b7 today $")
    assert " \u00b7 month $" in run("status")
    assert " to $" in run("status")
    assert run("status").endswith("% warn\n")


def test_waybar_reads_json_with_markup(run):
    """Waybar gets one line of JSON: text and tooltip without markup of names, classes, a share."""
    (line,) = run("status", "--format=waybar").splitlines()
    shown = json.loads(line)
    assert set(shown) == {"text", "tooltip", "class", "percentage"}
    assert shown["class"] == ["ok", "warn"]
    assert 90 < shown["percentage"] < 100
    assert "research" in shown["tooltip"]


def test_xbar_reads_a_line_and_a_menu(run):
    """Xbar gets a coloured line, three dashes, and a menu; names add no parameters."""
    first, dashes, *menu = run("status", "--format=xbar").splitlines()
    assert first.endswith("% warn | color=orange")
    assert dashes == "---"
    assert any(line.startswith("research 9") for line in menu)
    assert not any("|" in line for line in menu)


def test_old_figures_say_that_they_are_old(run, simulated, monkeypatch):
    """When nothing is written any more, or nothing could be read, the line says since when."""
    now = simulated.clock.now()
    monkeypatch.setattr(
        "claude_cost_exporter.clock.SystemClock.now", lambda _: now + timedelta(hours=2, minutes=5)
    )
    assert run("status").endswith("no exporter has written for 2 h\n")
    assert json.loads(run("status", "--format=waybar"))["class"] == ["old", "warn"]
    assert "color=gray" in run("status", "--format=xbar")


def test_an_outage_makes_data_old(tmp_path, monkeypatch):
    """An exporter that runs and has not read for long says how old its data are."""
    running = Simulated(tmp_path, start=START)
    running.poll()
    run = Commands(running, tmp_path, monkeypatch, more="")
    running.wait(minutes=40)
    running.exporter.publisher.publish()
    assert "data are 40 min old" in run("status")
    running.close()


@pytest.mark.parametrize("form", FORMS)
def test_without_an_exporter_there_is_a_sentence(tmp_path, form, monkeypatch):
    """Where nobody has written a file every form says so; bars get it as a line of theirs."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    done = CliRunner().invoke(app, ["status", f"--format={form}"])
    path = tmp_path / "claude-cost-exporter" / "ledger.db.status.json"
    assert f"no exporter has written {path}" in done.output
    assert done.exit_code == (form in ("text", "json"))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"written_at": 1}'])
def test_a_damaged_file_is_no_traceback(tmp_path, text, monkeypatch):
    """A file of another version or of somebody else is named in a sentence."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = tmp_path / "claude-cost-exporter" / "ledger.db.status.json"
    path.parent.mkdir()
    path.write_text(text)
    done = CliRunner().invoke(app, ["status"])
    assert done.output == f"{path} was not written by this version\n"
    assert done.exit_code == 1


def test_the_file_is_private_and_holds_no_key(simulated):
    """Only its owner may read it; no key is in it, and no half of it is left beside it."""
    path = simulated.folder / "ledger.db.status.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KEY not in path.read_text()
    assert list(simulated.folder.glob("*.status.json*")) == [path]


def test_it_is_written_once_a_minute(tmp_path):
    """Renderings within a minute leave the file; one after it, or after a step back, writes it."""
    running = Simulated(tmp_path, start=START)
    path = tmp_path / "ledger.db.status.json"

    def written(**step):
        running.wait(**step)
        running.exporter.publisher.publish()
        return json.loads(path.read_text())["written_at"]

    first = written()
    assert written(seconds=59) == first
    second = written(seconds=1)
    assert second != first
    assert written(seconds=-30) not in (first, second)
    running.close()


def test_a_place_of_its_own(tmp_path, monkeypatch):
    """`status_file` says where it is, to the one who writes and to the one who reads."""
    more = f"status_file: {tmp_path}/elsewhere.json"
    running = Simulated(tmp_path, start=START, more=more)
    running.exporter.publisher.publish()
    assert "today" in Commands(running, tmp_path, monkeypatch, more)("status")
    assert not (tmp_path / "ledger.db.status.json").exists()
    running.close()


def test_a_file_that_cannot_be_written_stops_nothing(tmp_path):
    """It is one warning, however often it fails, and /metrics goes on."""
    running = Simulated(tmp_path, start=START, more=f"status_file: {tmp_path}/no/where.json")
    with capture_logs() as logs:
        for _ in range(3):
            running.wait(minutes=2)
            assert "llm_" in running.text()
    assert [line["event"] for line in logs].count("the status file cannot be written") == 1
    running.close()


@pytest.mark.parametrize("form", FORMS)
def test_it_imports_little(simulated, form):
    """What makes a start slow is not imported: that is what keeps it quick, in every form."""
    program = (
        f"import sys; sys.argv = ['x', 'status', '--format={form}']\n"
        "from claude_cost_exporter.__main__ import main\n"
        "try: main()\n"
        f"finally: print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr)"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "[]"
    assert "no exporter has written" in done.stdout


def test_the_quick_way_says_the_same(run, simulated, capsys, monkeypatch):
    """What is printed before the command line is imported is what the command prints."""
    for form in FORMS:
        assert quick([f"--format={form}", f"--config.file={run.config}"]) == 0
        assert capsys.readouterr().out == run("status", f"--format={form}")
    for other in ("--help", "--format=other", "--format", "--config.file=/none", "x=1"):
        assert quick([other]) is None
    assert capsys.readouterr().out == ""


def test_ages_are_said_in_one_unit():
    """An age is a number of seconds, minutes, hours or days."""
    spans = (timedelta(seconds=9), timedelta(minutes=61), timedelta(hours=50))
    assert [age(span) for span in spans] == ["9 s", "1 h", "2 d"]


@pytest.mark.parametrize("form", FORMS)
def test_a_broken_configuration_is_said_where_nothing_was_written(tmp_path, form):
    """Where there is no file the configuration is checked: its problems, and code 2."""
    config = tmp_path / "config.yml"
    config.write_text(f"ledger: {{url: 'sqlite:///{tmp_path}/a.db'}}\nsources: []\nbudget: 1\n")
    command = [sys.executable, "-m", "claude_cost_exporter", "status", f"--format={form}"]
    done = subprocess.run(
        [*command, f"--config.file={config}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "config: budget: unknown key; did you mean budgets?" in done.stderr
    assert not done.stdout
