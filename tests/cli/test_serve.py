"""`serve` as a process: how it starts, what it refuses, how it ends."""

from __future__ import annotations

import json
import re
import signal
import socket
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typer.testing import CliRunner

from claude_cost_exporter import __version__
from claude_cost_exporter.cli import app
from claude_cost_exporter.simulator import Switches
from tests.cli.conftest import KEY
from tests.support.program import Program, samples

ANYWHERE = "--web.listen-address=127.0.0.1:0"
STOP_SECONDS = 5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_until_a_signal(api, config, tmp_path, number):
    """It says what it is, becomes ready, answers, and ends with 0 when it is told to."""
    path = config(api().url)

    with Program(tmp_path, "serve", f"--config.file={path}", ANYWHERE, KEY=KEY) as program:
        program.wait_for("readiness", lambda: program.get("/-/ready"))
        metrics, page = program.get("/metrics"), program.get("/")
        program.process.send_signal(number)
        code = program.process.wait(STOP_SECONDS)

    assert code == 0
    assert {value for _, value in samples(metrics, "llm_source_up")} == {1.0}
    assert "SIMULATED" not in page
    first, *_, last = program.err.splitlines()
    assert 'msg="starting claude-cost-exporter"' in first
    assert f"version={__version__} accounts=acme-0 poll_interval=1m" in first
    assert f"ledger=sqlite:///{tmp_path}/ledger.db" in first
    assert "msg=stopped" in last
    assert program.out == ""
    assert KEY not in program.err + metrics + page


@pytest.mark.parametrize(
    "switches",
    [Switches(requests_per_minute=0), Switches(latency_seconds=30)],
    ids=["in back-off", "in a slow request"],
)
def test_it_ends_at_once_whatever_it_waits_for(api, config, tmp_path, switches):
    """Neither back-off, nor slow answers of five accounts, nor open connections hold it up."""
    slow = api(switches=switches)
    path = config(*[slow.url] * 5)

    with (
        Program(tmp_path, "serve", f"--config.file={path}", ANYWHERE, KEY=KEY) as program,
        ExitStack() as connections,
    ):
        program.wait_for("five requests", lambda: slow.requests.total >= 5)
        host, _, port = program.url.removeprefix("http://").rpartition(":")
        for unfinished in (b"", b"GET /metrics HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"):
            client = connections.enter_context(socket.create_connection((host, int(port))))
            client.sendall(unfinished)
        program.process.terminate()
        code = program.process.wait(STOP_SECONDS)

    assert code == 0
    assert "Traceback" not in program.err


@pytest.mark.parametrize(
    ("environment", "trouble"), [({}, "not set"), ({"ANTHROPIC_ADMIN_KEY": ""}, "empty")]
)
def test_without_a_key_it_names_the_demo(tmp_path, environment, trouble):
    """No configuration and no key: one sentence that helps, and exit code 2."""
    with Program(tmp_path, "serve", ANYWHERE, **environment) as program:
        code = program.finish()

    (sentence,) = program.err.splitlines()
    assert code == 2
    assert f"ANTHROPIC_ADMIN_KEY is {trouble}; give one of them" in sentence
    assert "`claude-cost-exporter demo`, which needs no key" in sentence


class Refusing(BaseHTTPRequestHandler):
    """A proxy that lets nothing through, and remembers who asked for what."""

    asked: list[str]

    def do_CONNECT(self):
        self.server.asked.append(f"{self.path} {self.headers}")
        self.send_error(502)

    def log_message(self, *_):
        """Keep quiet."""


@pytest.fixture
def proxy():
    """A proxy on loopback: requests to the real API end there."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_key_alone_is_enough(proxy, tmp_path):
    """With ANTHROPIC_ADMIN_KEY it polls Anthropic's API and keeps a ledger in the home folder."""
    through = f"http://127.0.0.1:{proxy.server_port}"

    with Program(
        tmp_path, "serve", ANYWHERE, ANTHROPIC_ADMIN_KEY=KEY, HTTPS_PROXY=through
    ) as program:
        program.wait_for("a request", lambda: proxy.asked)
        metrics = program.get("/metrics")
        program.process.terminate()
        code = program.process.wait(STOP_SECONDS)

    assert code == 0
    assert {request.split()[0] for request in proxy.asked} == {"api.anthropic.com:443"}
    assert KEY not in "".join(proxy.asked) + program.err
    assert 'account="default"' in metrics
    assert (tmp_path / ".local/state/claude-cost-exporter/ledger.db").is_file()


def test_a_taken_port_is_said(api, config, tmp_path):
    """The sentence has the address and the reason; exit code 1, and nothing was polled."""
    simulator = api()
    path = config(simulator.url)

    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        options = (f"--config.file={path}", f"--web.listen-address={address}")
        with Program(tmp_path, "serve", *options, KEY=KEY) as program:
            code = program.finish()

    assert code == 1
    assert program.err == (
        f"error: cannot listen on {address}: Address already in use; choose another one with "
        "--web.listen-address\n"
    )
    assert simulator.requests.total == 0


def test_a_ledger_has_one_exporter(api, config, tmp_path):
    """The second one ends with 1 and says which process has the ledger, and what to do."""
    options = ("serve", f"--config.file={config(api().url)}", ANYWHERE)

    with Program(tmp_path, *options, KEY=KEY) as first:
        assert first.url
        with Program(tmp_path, *options, KEY=KEY) as second:
            code = second.finish()

    assert code == 1
    assert f"another exporter (process {first.process.pid}) holds the ledger" in second.err
    assert "a ledger of its own with ledger.url" in second.err


def test_a_wrong_configuration_starts_nothing(config, tmp_path):
    """Every problem is printed with its YAML path; exit code 2, and there is no ledger."""
    path = config("http://203.0.113.9", more="weekstart: sunday", poll_interval="5s")

    with Program(tmp_path, "serve", f"--config.file={path}", ANYWHERE) as program:
        code = program.finish()

    assert code == 2
    assert [line.split(": ")[1] for line in program.err.splitlines()] == [
        "weekstart",
        "sources[0].base_url",
        "sources[0].poll_interval",
        "sources[0].admin_key_env",
    ]
    assert not (tmp_path / "ledger.db").exists()


def test_a_key_file_that_others_can_read_is_a_warning(api, config, tmp_path):
    """It runs, and the log says which file should be closed to others."""
    key = tmp_path / "key"
    key.write_text(KEY, encoding="utf-8")
    key.chmod(0o644)
    path = config(api().url, admin_key_env=None, admin_key_file=str(key))

    with Program(tmp_path, "serve", f"--config.file={path}", ANYWHERE) as program:
        program.wait_for("readiness", lambda: program.get("/-/ready"))

    assert f"admin_key_file {key} can be read by other users" in program.err
    assert "(mode 0644); chmod 600 it" in program.err


def test_the_log_says_how_far_the_history_is(api, config, tmp_path):
    """While it loads, a line says how much is there; another one says that everything is."""
    path = config(api().url, history="2d")

    with Program(tmp_path, "serve", f"--config.file={path}", ANYWHERE, KEY=KEY) as program:
        end = 'msg="history loaded" account=acme-0 source=usage'
        program.wait_for("end of the history", lambda: end in program.err)

    (bill,) = [line for line in program.err.splitlines() if "the bill comes from" in line]
    assert " account=acme-0" in bill
    lines = [line for line in program.err.splitlines() if 'msg="loading history"' in line]
    first = next(line for line in lines if "source=usage" in line)
    assert re.search(r"level=info .*back_to=\S+Z days_left=1\.\d loaded=\d+%", first)


def test_logs_can_be_json(api, config, tmp_path):
    """With --log.format=json every line is one object with ts, level and msg."""
    options = (f"--config.file={config(api().url)}", ANYWHERE, "--log.format=json")

    with Program(tmp_path, "serve", *options, KEY=KEY) as program:
        program.wait_for("a second line", lambda: program.err.count("\n") > 1)
        program.process.terminate()
        program.process.wait(STOP_SECONDS)

    lines = [json.loads(line) for line in program.err.splitlines()]
    assert all({"ts", "level", "msg"} <= set(line) for line in lines)
    assert lines[0]["accounts"] == "acme-0"


def test_the_log_level_hides_what_is_less(api, config, tmp_path):
    """With --log.level=error a good run logs nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    options = (f"--config.file={config(api().url)}", f"--web.listen-address={address}")

    with Program(tmp_path, "serve", *options, "--log.level=error", KEY=KEY) as program:
        program.url = f"http://{address}"
        program.wait_for("readiness", lambda: program.get("/-/ready"))
        program.process.terminate()
        code = program.process.wait(STOP_SECONDS)

    assert (code, program.err) == (0, "")


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--log.level=loud", "'loud' is not one of"),
        ("--log.format=xml", "'xml' is not one of"),
        ("--web.listen-address=9853", "'9853' is not HOST:PORT or :PORT"),
        ("--web.listen-address=:99999", "':99999' is not HOST:PORT or :PORT"),
        ("--web.listen-address=[::1:9853", "'[::1:9853' is not HOST:PORT or :PORT"),
        ("--admin-key=x", "No such option: --admin-key"),
    ],
)
def test_wrong_options(option, sentence):
    """Each wrong option is one sentence with the value and exit code 2."""
    result = CliRunner().invoke(app, ["serve", option], env={"COLUMNS": "300", "NO_COLOR": "1"})

    assert result.exit_code == 2
    assert sentence in " ".join(result.output.replace("│", " ").split())


def test_simulated_data_can_be_called_so(api, config, tmp_path):
    """With --simulated the page and the metrics say it, as those of the demo do."""
    path = config(api().url)

    with Program(
        tmp_path, "serve", f"--config.file={path}", ANYWHERE, "--simulated", KEY=KEY
    ) as program:
        program.wait_for("readiness", lambda: program.get("/-/ready"))
        metrics, page = program.get("/metrics"), program.get("/")

    assert "\nclaude_cost_exporter_simulated 1.0\n" in metrics
    assert "SIMULATED" in page


def test_real_data_cannot_be_called_simulated(config, tmp_path):
    """Nothing starts with --simulated when an account is read from somewhere else."""
    path = config("https://api.example.com")

    with Program(
        tmp_path, "serve", f"--config.file={path}", ANYWHERE, "--simulated", KEY=KEY
    ) as program:
        code = program.finish()

    assert code == 2
    assert "account acme-0 is not, it is read from https://api.example.com" in program.err
