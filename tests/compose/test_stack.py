"""docker-compose.yml in an engine of its own, with stand-ins for images; `make compose-test`.

Grafana is left out: nothing can stand in for it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import ExitStack

import pytest

from scripts.engine import Engine, EngineError, bring
from scripts.stand_ins import make
from tests.support.composed import COMPOSE_FILE, ROOT, compose_program
from tests.support.telling import say

BASE = re.search(r"^FROM (\S+) AS build", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)[1]
RUN = ("simulator", "history", "prometheus", "alertmanager")
LIVE = 'job="claude-cost-exporter",instance="exporter:9853",account="demo"'
SHIPPED = os.environ.get("COMPOSE_DEMO") == "shipped"
"""Whether the demo has all of its history, and not four days."""
SIMULATED = "" if SHIPPED else 'command: [simulate, "--listen=127.0.0.1:9854", --days=4]'
OVERRIDES = f"""
services:
  exporter: {{build: {{network: host}}, ports: !override ["127.0.0.1::9853"]}}
  simulator:
    build: {{network: host}}
    {SIMULATED}
  history: {{build: {{network: host}}}}
  prometheus: {{ports: !override ["127.0.0.1::9090"]}}
  alertmanager: {{ports: !override ["127.0.0.1::9093"]}}
"""
PATIENCE_SECONDS = 300.0


class Stack:
    """The project of docker-compose.yml in our engine."""

    def __init__(self, engine, overrides) -> None:
        self._engine = engine
        files = [f"--file={COMPOSE_FILE}", f"--file={overrides}"]
        self._command = [compose_program(), "--env-file=/dev/null", "--project-name=stack", *files]

    def __call__(self, *arguments, **environment):
        """Run Compose; return how it ended, with all that it said in one text."""
        return subprocess.run(
            [*self._command, "--profile=demo", *arguments],
            env=self._engine.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=1800,
            check=False,
        )

    def must(self, *arguments):
        """Run Compose; fail with what it said, and with what the containers said."""
        done = self(*arguments)
        assert done.returncode == 0, f"{done.stdout}\n{self('logs', '--tail=30').stdout}"
        return done.stdout.strip()

    def state(self, service):
        """What the engine knows of a service's container."""
        name = self.must("ps", "--all", "--quiet", service)
        return json.loads(self._engine.docker("inspect", name))[0]["State"]

    def get(self, service, port, path):
        """The body of a page, or nothing while there is none."""
        address = self.must("port", service, str(port))
        try:
            with urllib.request.urlopen(f"http://{address}{path}", timeout=30) as answer:
                return answer.read().decode()
        except (urllib.error.URLError, ConnectionError):
            return ""

    def query(self, promql):
        """The values of an instant query; none while Prometheus does not answer."""
        path = f"/api/v1/query?{urllib.parse.urlencode({'query': promql})}"
        answer = json.loads(self.get("prometheus", 9090, path) or '{"data": {"result": []}}')
        return [float(one["value"][1]) for one in answer["data"]["result"]]

    def down(self):
        """Remove what belongs to the project."""
        self.must("down", "--volumes", "--remove-orphans", "--timeout=20")


def wait_for(what, wanted):
    give_up = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up:
        if answer := wanted():
            return answer
        time.sleep(1)
    raise AssertionError(f"no {what}")


@pytest.fixture(scope="module")
def engine(no_engine):
    """An engine of our own; a sentence where there can be none."""
    with ExitStack() as running:
        try:
            bring()
            ours = running.enter_context(Engine())
        except EngineError as error:
            no_engine(f"no Docker engine: {error}")
        yield ours


@pytest.fixture(scope="module")
def stack(request, engine, tmp_path_factory):
    """The project, built from the Dockerfile; whatever it started is gone at the end."""
    overrides = tmp_path_factory.mktemp("compose") / "overrides.yml"
    overrides.write_text(OVERRIDES, encoding="utf-8")
    project = Stack(engine, overrides)
    images = project.must("config", "--images").split()
    missing = make(engine, [one for one in images if "/" in one], BASE, bring().mirror)
    say(request.config, f"not run, for there is no stand-in: {', '.join(missing)}")
    try:
        project.must("build", "exporter", "history")
        yield project
    finally:
        project.down()


@pytest.fixture(scope="module")
def demo(request, stack):
    """The demo, up, with a first scrape."""
    begun = time.monotonic()
    stack.must("up", "--detach", "--pull=never", "exporter", *RUN)
    wait_for("scrape", lambda: stack.query('up{job="claude-cost-exporter"} == 1'))
    seconds = time.monotonic() - begun
    data = stack.must("exec", "-T", "prometheus", "du", "-sh", "/prometheus").split()[0]
    (written,) = re.findall(r"[\d,]+ samples of [\d.]+ days", stack.must("logs", "history"))
    say(request.config, f"the demo was up after {seconds:.0f} s, with {written} in {data}")
    yield stack
    stack.down()


def test_without_a_key_it_says_so_and_nothing_runs(stack):
    """The exporter ends with a sentence, so does Compose, and what waits for it never started."""
    done = stack("up", "--pull=never", "exporter", *RUN[1:])

    states = {name: stack.state(name) for name in ("exporter", *RUN[1:])}
    stack.down()
    assert done.returncode == 1
    assert "error: there is no Admin API key and no simulator" in done.stdout
    assert states["exporter"]["ExitCode"] == 1
    assert {states[name]["Status"] for name in RUN[1:]} == {"created"}


def test_a_key_that_cannot_be_read_is_told(stack, tmp_path):
    """Its file belongs to somebody else; the sentence says what to do."""
    key = tmp_path / "key"
    key.write_text("sk-ant-admin01-nobody", encoding="utf-8")
    key.chmod(0o600)

    done = stack("run", "--rm", "exporter", ANTHROPIC_ADMIN_KEY_FILE=str(key))

    stack.down()
    assert done.returncode == 1
    assert "cannot be read by user 65534" in done.stdout


def test_the_demo_is_healthy_and_says_simulated(demo):
    """All containers are healthy; page and metrics say what the data are."""
    wait_for("alertmanager", lambda: demo.state("alertmanager")["Health"]["Status"] == "healthy")
    wait_for("prometheus", lambda: demo.state("prometheus")["Health"]["Status"] == "healthy")

    assert demo.state("exporter")["Health"]["Status"] == "healthy"
    assert demo.state("history")["ExitCode"] == 0
    assert "SIMULATED" in demo.get("exporter", 9853, "/")
    assert "\nclaude_cost_exporter_simulated 1.0\n" in demo.get("exporter", 9853, "/metrics")


def test_prometheus_has_a_past_and_a_present(demo):
    """Two days ago, before it was started, there are counters with the labels of live ones."""
    past = demo.query(f"sum(increase(llm_cost_usd_total{{{LIVE}}}[1d] offset 2d))")
    present = wait_for("counters", lambda: demo.query(f"count(llm_cost_usd_total{{{LIVE}}})"))

    assert past
    assert past[0] > 0
    assert present[0] > 0
    others = 'up{job=~"alertmanager|prometheus"} == 1'
    wait_for("scrapes of the others", lambda: len(demo.query(others)) == 2)


def test_rules_and_alerts_are_connected(demo):
    """Prometheus has loaded the shipped rules and knows the Alertmanager."""
    groups = json.loads(demo.get("prometheus", 9090, "/api/v1/rules"))["data"]["groups"]
    targets = json.loads(demo.get("prometheus", 9090, "/api/v1/alertmanagers"))["data"]

    assert sum(len(group["rules"]) for group in groups) > 50
    assert [one["url"] for one in targets["activeAlertmanagers"]] == [
        "http://alertmanager:9093/api/v2/alerts"
    ]


@pytest.mark.parametrize("service", ["exporter", "prometheus", "alertmanager"])
def test_containers_cannot_write_where_they_should_not(demo, service):
    """Each runs as nobody, on a file system that is read-only."""
    assert demo.must("exec", "-T", service, "id", "-u") == "65534"
    done = demo("exec", "-T", service, "touch", "/bin/changed")
    assert done.returncode != 0
    assert "Read-only file system" in done.stdout


def test_history_is_added_once(demo):
    """Started again, it leaves Prometheus' data alone."""
    demo.must("up", "--detach", "--pull=never", "exporter", *RUN)

    assert demo.state("history")["ExitCode"] == 0
    assert "Prometheus was given its history before" in demo.must("logs", "history")


def test_the_demo_comes_back_after_its_exporter_was_killed(demo):
    """Its simulator has lost the interface of both: the sentence says what helps, and it does."""
    demo.must("kill", "exporter")
    demo.must("up", "--detach", "--pull=never", "exporter", "simulator")
    wait_for("end", lambda: demo.state("exporter")["Status"] == "exited")
    assert "--profile demo up --force-recreate" in demo.must("logs", "--tail=1", "exporter")

    demo.must("up", "--detach", "--pull=never", "--force-recreate", "exporter", *RUN)

    assert demo.state("exporter")["Health"]["Status"] == "healthy"
    demo.must("restart", "exporter")
    wait_for("polls", lambda: "llm_source_up{" in demo.get("exporter", 9853, "/metrics"))


def test_real_data_are_not_added_to_simulated(demo, tmp_path):
    """With a key the exporter refuses the demo's volumes, and says how to remove them."""
    key = tmp_path / "key"
    key.write_text("sk-ant-admin01-nobody", encoding="utf-8")
    tmp_path.chmod(0o755)
    key.chmod(0o444)

    done = demo("run", "--rm", "--no-deps", "exporter", ANTHROPIC_ADMIN_KEY_FILE=str(key))

    assert done.returncode == 1
    assert "these volumes hold simulated data" in done.stdout
