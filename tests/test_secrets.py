"""The canary: whatever fails, and however, the key is nowhere to be read afterwards."""

from __future__ import annotations

import logging
import traceback
from contextlib import redirect_stderr
from io import StringIO
from threading import Event

import pytest
import structlog

from claude_cost_exporter import cli
from claude_cost_exporter.cli import logs
from claude_cost_exporter.cli.wiring import SOURCE_TYPES, Exporter, load_config
from claude_cost_exporter.clock import SystemClock
from claude_cost_exporter.config.load import load
from claude_cost_exporter.errors import ConfigError, ExporterError, UnauthorizedError
from claude_cost_exporter.pricing.overrides import Override
from claude_cost_exporter.report.bar import written
from claude_cost_exporter.simulator import Simulator, SimulatorServer, faults
from claude_cost_exporter.simulator.wire import Delivery, Response, to_json

SECRET = "Wq7Zt3RkVb9XnYp2LcMd8Fs-canary-JhGu5Ae_Tx4Oi6Ks1Dv0Bz-QmWn"
KEY = f"sk-ant-admin01-{SECRET}"
PIECES = tuple(SECRET[start : start + 12] for start in range(len(SECRET) - 11))
ESCAPED = "".join(f"\\u{ord(character):04x}" for character in KEY).encode()
CONFIG = """
sources: [{{type: anthropic, account: acme, {key}, base_url: "{url}", poll_interval: 100ms,
           history: 0d}}]
ledger: {{url: "sqlite:///{folder}/ledger.db"}}
"""


def leaks(text):
    """Return the pieces of the key that a text or file holds."""
    data = text.encode() if isinstance(text, str) else text
    return [piece for piece in (KEY, *PIECES) if piece.encode() in data]


def test_the_canary_is_noticed_in_pieces():
    """The check sees the key, and every piece of its secret part from 12 characters on."""
    assert KEY in leaks(f"a {KEY} b")
    assert leaks(SECRET[20:32]) == [SECRET[20:32]]
    assert leaks(SECRET[20:31] + "." + SECRET[31:42]) == []
    assert leaks("use sk-ant-admin01-... keys") == []


class Ears:
    """Everything that the program says: both outputs, and every logger of every library."""

    def __init__(self, capfd, style) -> None:
        self._capfd = capfd
        self._log = StringIO()
        self._handler = logging.StreamHandler(self._log)
        self._root = logging.getLogger()
        self._level = self._root.level
        self._root.addHandler(self._handler)
        self._root.setLevel(logging.DEBUG)
        with redirect_stderr(self._log):
            logs.configure("debug", style)

    def heard(self):
        return "".join(self._capfd.readouterr()) + self._log.getvalue()

    def close(self):
        self._root.removeHandler(self._handler)
        self._root.setLevel(self._level)
        structlog.reset_defaults()


@pytest.fixture(params=["logfmt", "json"])
def ears(request, capfd):
    """Listen at debug level, in each log format."""
    ears = Ears(capfd, request.param)
    yield ears
    ears.close()


class Hostile:
    """A simulated API that answers with whatever `spoil` makes of its true answer."""

    def __init__(self) -> None:
        self.simulator = Simulator()
        self.spoil = lambda response, request: response

    def handle(self, request):
        return self.spoil(self.simulator.handle(request), request)


@pytest.fixture
def hostile():
    """A hostile API on a real loopback socket."""
    hostile = Hostile()
    with SimulatorServer(hostile, "127.0.0.1", 0) as server:
        hostile.url = server.url
        yield hostile


@pytest.fixture
def exporter(hostile, tmp_path):
    """An exporter with the canary key, that polls the hostile API."""
    text = CONFIG.format(key="admin_key_env: KEY", url=hostile.url, folder=tmp_path)
    loaded = load(text, SOURCE_TYPES, Override)
    exporter = Exporter(loaded, clock=SystemClock(), stop=Event(), environment={"KEY": KEY})
    yield exporter
    exporter.close()


def shown(exporter, folder):
    """Return everything that an exporter shows to anybody, and what it keeps on disk."""
    exporter.publisher.publish()
    current = exporter.publisher.current
    yield current.exposition.text.plain + current.exposition.openmetrics.plain
    yield current.status_page
    (poller,), (account,) = exporter.pollers, exporter.accounts
    for thing in (exporter, poller, account, account.client, account.limiter, *account.sources):
        yield f"{thing!r} {thing}"
    yield repr(poller.attempts)
    for path in folder.glob("ledger.db*"):
        yield path.read_bytes()


def with_locals(error):
    """Return the traceback that a tool with a taste for local variables would print."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def raised(call, *arguments):
    """Return every form of the error that a call raises."""
    try:
        call(*arguments)
    except ExporterError as error:
        return (
            f"{error} {error!r} {''.join(traceback.format_exception(error))} {with_locals(error)}"
        )
    return ""


def error(message):
    return to_json({"type": "error", "error": {"type": "some_error", "message": message}})


def answering(status, body=b"{}", **headers):
    """Return what makes every answer this one; header names have _ for -."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())

    def spoil(response, request):
        date = tuple(pair for pair in response.headers if pair[0] == "date")
        return Response(status, (*named, *(() if "date" in headers else date)), body)

    return spoil


def rewriting(old, new):
    """Return what replaces bytes in every true answer."""

    def spoil(response, request):
        return Response(response.status, response.headers, response.body.replace(old, new))

    return spoil


def delivered(delivery):
    """Return what breaks the connection in or before an answer full of keys."""
    return lambda response, request: Response(200, (), KEY.encode() * 100, delivery=delivery)


K = KEY.encode()
MODEL = b'"claude-'
FAILURES = {
    **{f"{n} with the key": answering(n, error(f"Bad key {KEY}")) for n in faults.ERROR_KINDS},
    "an error of another type": answering(400, to_json({"error": {"type": KEY, "message": KEY}})),
    "an error cut in the middle": answering(400, error("x" * 280 + KEY * 30)),
    "an error text cut in the middle": answering(500, b"x" * 280 + K),
    "an escaped error": answering(403, b'{"error": {"message": "' + ESCAPED + b'"}}'),
    "an error page": answering(502, b"<html><title>" + K + b"</title>", content_type="text/html"),
    "a page instead of a report": answering(200, b"<html>" + K, content_type="text/html"),
    "half a key": answering(400, error(f"your key ends with {SECRET[9:]}")),
    "JSON that is none": answering(200, b'{"data": [' + K),
    "JSON of another kind": answering(200, to_json([KEY])),
    "a mistyped field": answering(200, to_json({"data": KEY, "has_more": KEY, "id": [KEY]})),
    "a bad count": rewriting(b'"output_tokens":', b'"output_tokens":"' + K + b'","x":'),
    "a bad time": rewriting(b'"starting_at":"20', b'"starting_at":"' + K),
    "a request id": answering(500, error("no"), request_id=KEY),
    "a redirect": answering(302, b"", location=f"https://example.test/{KEY}"),
    "a Retry-After": answering(429, error("no"), retry_after=KEY),
    "a reset": answering(429, error("no"), anthropic_ratelimit_requests_reset=KEY),
    "x-should-retry": answering(500, error("no"), x_should_retry=KEY),
    "a date": answering(200, b"{}", date=KEY),
    "a wrong clock": answering(200, b"{}", date=f"Tue, 03 Nov 2020 10:00:00 GMT {KEY}"),
    "a cookie": answering(500, error("no"), set_cookie=f"{KEY}={KEY}"),
    "a content type": answering(200, K, content_type=KEY),
    "an encoding": answering(200, K, content_encoding=KEY),
    "a broken encoding": answering(200, K, content_encoding="gzip"),
    "a header that is none": answering(200, K, x_bad=f"{KEY}\x01"),
    "a header name": answering(500, error("no"), **{KEY.replace("-", "_"): KEY}),
    "a header too long": answering(200, b"{}", x_long=KEY * 5000),
    "a truncated body": delivered(Delivery.TRUNCATED),
    "a reset connection": delivered(Delivery.DROPPED),
    "a huge body": lambda response, request: Response(200, (), K * 10_000, repeat=100),
    "a token that repeats": rewriting(
        b'"has_more":false,"next_page":null', b'"has_more":true,"next_page":"' + K + b'"'
    ),
    "a cursor that repeats": rewriting(b'"has_more":false', b'"has_more":true'),
}
GOOD = {
    "field names": rewriting(b'"results":', b'"' + K + b'":1,"results":'),
    "escaped field names": rewriting(b'"results":', b'"' + ESCAPED + b'":1,"results":'),
    "models": rewriting(MODEL, b'"' + K + b"-claude-"),
    "escaped models": rewriting(MODEL, b'"' + ESCAPED + b"-claude-"),
    "workspaces and keys": rewriting(b'"name":"', b'"name":"' + K),
    "ids": rewriting(b'"apikey_', b'"' + K),
    "the organisation": rewriting(b'"id":"7c0e', b'"id":"' + K),
    "tags": rewriting(b'"team":"', b'"team":"' + ESCAPED),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_that_echoes_the_key_shows_it_nowhere(
    ears, hostile, exporter, tmp_path, monkeypatch, name
):
    """While every answer echoes the key, neither logs, errors, pages nor files have it."""
    monkeypatch.setattr(exporter.accounts[0].client, "_max_body", 3_000_000)
    hostile.spoil = FAILURES[name]
    exporter.pollers[0].poll()
    said = raised(exporter.accounts[0].client.get, "/v1/organizations/me", [])
    failures = [one.error for one in exporter.pollers[0].attempts.values() if one.error]
    assert failures
    assert not any("unexpected" in failure for failure in failures)
    assert leaks(said) == []
    assert leaks(ears.heard()) == []
    for text in shown(exporter, tmp_path):
        assert leaks(text) == []


@pytest.mark.parametrize("name", GOOD)
def test_an_answer_that_echoes_the_key_shows_it_nowhere(ears, hostile, exporter, tmp_path, name):
    """What is read goes into labels, pages and the ledger; a key among it does not."""
    hostile.spoil = GOOD[name]
    exporter.pollers[0].poll()
    assert {one.error for one in exporter.pollers[0].attempts.values()} == {""}
    texts = list(shown(exporter, tmp_path))
    assert b"***" in b"".join(one for one in texts if isinstance(one, bytes))
    assert leaks(ears.heard()) == []
    for text in texts:
        assert leaks(text) == []


def test_a_defect_shows_no_key(ears, hostile, exporter, tmp_path):
    """A failure that nobody expected is logged with its traceback, which has no key in it."""

    def break_down(*_, **__):
        raise ZeroDivisionError("division by zero")

    exporter.accounts[0].client._read = break_down
    exporter.pollers[0].poll()
    heard = ears.heard()
    assert "Traceback" in heard
    assert leaks(heard) == []
    for text in shown(exporter, tmp_path):
        assert leaks(text) == []


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
    (tmp_path / "binary").write_bytes(b"\xff\x00" + K)
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
