"""compose/start.py and compose/history.py: which data there are, and what is said about them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from claude_cost_exporter.clock import HOUR
from tests.e2e.servers import Prometheus, PrometheusTools
from tests.support.composed import ROOT
from tests.support.program import Program, samples
from tests.support.simulated import START, Simulated

PROGRAMS = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
NO_SIMULATOR = 1
"""A port on which nobody listens."""


class Script(Program):
    """One of the scripts, with the folders of a container below `folder`."""

    def __init__(self, folder, name, *arguments) -> None:
        super().__init__(folder, PATH=PROGRAMS)
        places = [f"--configurations={folder}", f"--ledgers={folder}"]
        script = str(ROOT / "compose" / name)
        self.arguments = [sys.executable, script, *places, *map(str, arguments)]


def start(folder, *arguments):
    return Script(folder, "start.py", "--patience=20", f"--key={folder / 'key'}", *arguments)


def ended(script):
    """The exit code of a script, and what it said."""
    with script:
        return script.finish(), script.out + script.err


@pytest.fixture
def simulator(tmp_path):
    """The port of a running simulator."""
    with Program(tmp_path, "simulate", "--listen=127.0.0.1:0", "--days=2") as program:
        first = program.wait_for("URL", lambda: program.out.partition("\n")[0])
        yield first.rpartition(":")[2]


def configure(folder, name, **replaced):
    """Write a configuration as it is shipped, but for some words."""
    text = (ROOT / "compose" / f"{name}.yml").read_text(encoding="utf-8")
    for old, new in {"/var/lib/claude-cost-exporter": folder, **replaced}.items():
        text = text.replace(old, str(new))
    (folder / f"{name}.yml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("key", [None, "", "\n"], ids=["no file", "an empty one", "a blank one"])
def test_without_key_and_simulator_it_says_so(tmp_path, key):
    """It ends with 1 and one sentence that names both ways."""
    if key is not None:
        (tmp_path / "key").write_text(key, encoding="utf-8")

    code, said = ended(start(tmp_path, f"--simulator={NO_SIMULATOR}", "--patience=0.5"))

    assert code == 1
    assert said.count("\n") == 1
    assert "no Admin API key and no simulator" in said
    assert "ANTHROPIC_ADMIN_KEY_FILE" in said
    assert "--profile demo" in said


def test_the_simulators_data_are_called_simulated(tmp_path, simulator):
    """With a simulator and no key it serves the demo's configuration, and says SIMULATED."""
    configure(tmp_path, "demo", **{"9854": simulator, "62d": "1d"})
    script = start(tmp_path, f"--simulator={simulator}", "--web.listen-address=127.0.0.1:0")

    with script:
        script.wait_for("readiness", lambda: script.get("/-/ready"))
        metrics, page = script.get("/metrics"), script.get("/")
        script.process.terminate()
        code = script.process.wait(10)

    assert code == 0
    assert "\nclaude_cost_exporter_simulated 1.0\n" in metrics
    assert "SIMULATED" in page
    assert {'account="demo"' in labels for labels, _ in samples(metrics, "llm_source_up")} == {True}
    assert (tmp_path / "demo.db").is_file()


def test_a_key_means_the_real_api(tmp_path, simulator):
    """Even beside a simulator; the configuration for it is the live one."""
    (tmp_path / "key").write_text("sk-ant-admin01-nobody", encoding="utf-8")
    (tmp_path / "live.yml").write_text("sources: []", encoding="utf-8")

    code, said = ended(start(tmp_path, f"--simulator={simulator}"))

    assert code == 2
    assert "sources: at least one is needed" in said
    assert not (tmp_path / "demo.db").exists()


def test_simulated_and_real_data_are_not_mixed(tmp_path, simulator):
    """A ledger of the other kind is in the way of both, and the sentence says what to do."""
    (tmp_path / "demo.db").touch()
    (tmp_path / "ledger.db").touch()

    demo = ended(start(tmp_path, f"--simulator={simulator}"))
    (tmp_path / "key").write_text("sk-ant-admin01-nobody", encoding="utf-8")
    live = ended(start(tmp_path, f"--simulator={simulator}"))

    assert (demo[0], live[0]) == (1, 1)
    assert "hold real data" in demo[1]
    assert "hold simulated data" in live[1]


def history(folder, data, *arguments):
    return Script(
        folder, "history.py", f"--data-dir={data}", "--patience=0", "--grace=0", *arguments
    )


@pytest.fixture
def data(tmp_path):
    """The data folder of a Prometheus that has not started yet."""
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def promtool(major=3):
    return f"--promtool={PrometheusTools.find(major).folder / 'promtool'}"


def test_without_a_past_prometheus_starts_all_the_same(tmp_path, data):
    """It ends with 0, and says why there is none."""
    configure(tmp_path, "live")

    code, said = ended(history(tmp_path, data, promtool()))

    assert code == 0
    assert "there is no ledger" in said
    assert "Prometheus starts without more history" in said
    assert not list(data.iterdir())


def remember(folder, *, whole, accounts="sim"):
    """Make a ledger that knows two days of one account, or has only begun to load them."""
    running = Simulated(folder, history="2d")
    running.poll()
    while whole and running.poller.load_history():
        pass
    running.close()
    sources = [
        f"{{type: anthropic, account: {name}, admin_key_env: NOT_SET}}" for name in accounts.split()
    ]
    (folder / "live.yml").write_text(
        f'sources: [{", ".join(sources)}]\nledger: {{url: "sqlite:///{folder}/ledger.db"}}\n',
        encoding="utf-8",
    )


@pytest.mark.parametrize("whole", [False, True], ids=["half of it", "all of it"])
def test_the_past_becomes_blocks_once(tmp_path, data, whole):
    """What the ledger knows is added, all of it or, when waiting was in vain, what there is."""
    remember(tmp_path, whole=whole)
    (data / "backfill-stopped.tmp").mkdir()
    script = (tmp_path, data, promtool(), "--instance=exporter:9853")

    code, said = ended(history(*script))
    blocks = sorted(data.iterdir())
    again, said_again = ended(history(*script))

    assert code == again == 0
    assert ("is being loaded" in said) is not whole
    assert "blocks were added" in said
    assert list(data.glob("*/meta.json"))
    assert not list(data.glob("*.tmp"))
    assert "was given its history before: nothing is added" in said_again
    assert sorted(data.iterdir()) == blocks


@pytest.mark.parametrize("major", [2, 3])
def test_a_prometheus_that_has_run_gets_its_past_later(tmp_path, major):
    """A first poll that failed does not leave it without history for ever."""
    with Prometheus(PrometheusTools.find(major), tmp_path) as prometheus:
        data = prometheus.data
    assert (data / "wal").is_dir()
    script = (tmp_path, data, promtool(major))

    remember(tmp_path, whole=True, accounts="sim failing")
    early = ended(history(*script))
    (tmp_path / "ledger.db").unlink()
    remember(tmp_path, whole=True)
    later = ended(history(*script))
    with Prometheus(PrometheusTools.find(major), tmp_path) as prometheus:
        found = prometheus.query("count(llm_cost_usd_total)", START - HOUR)

    assert early[0] == later[0] == 0
    assert "history of failing is being loaded (not begun)" in early[1]
    assert "the next `docker compose up` tries again" in early[1]
    assert "blocks were added" in later[1]
    assert found[0].value > 0


def test_what_was_added_by_hand_is_not_added_again(tmp_path, data):
    """It is refused at once, however long it may wait for other reasons."""
    remember(tmp_path, whole=True)
    script = (tmp_path, data, promtool())
    ended(history(*script))
    (data / "claude-cost-history-was-added").unlink()

    code, said = ended(history(*script, "--patience=600", "--grace=600"))

    assert code == 0
    assert "already has counters of job claude-cost-exporter" in said


def test_loading_the_past_can_be_stopped(tmp_path, data):
    """It is the first process of its container, which ignores SIGTERM unless it says otherwise."""
    configure(tmp_path, "live")
    script = history(tmp_path, data, "--grace=600")

    with script:
        script.wait_for("beginning", lambda: "writing the history" in script.out)
        script.process.terminate()
        code = script.finish()

    assert code == 143
