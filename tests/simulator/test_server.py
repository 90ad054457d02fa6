"""The same API over a real socket, faults included."""

import http.client
import json
import socket
import threading
from urllib.parse import urlsplit

import pytest

from claude_cost_exporter.simulator import Simulator, faults, serve
from claude_cost_exporter.simulator.server import is_loopback

KEY = {"x-api-key": "sk-ant-admin01-x", "anthropic-version": "2023-06-01"}
ME = "/v1/organizations/me"


@pytest.fixture
def server():
    """Run a server on a free loopback port."""
    with serve(Simulator("steady")) as running:
        yield running


@pytest.fixture
def connection(server):
    """Connect to the server."""
    address = urlsplit(server.url)
    client = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    yield client
    client.close()


def ask(connection, path=ME, method="GET", headers=None):
    """Return the whole answer to one request."""
    connection.request(method, path, headers=KEY if headers is None else headers)
    response = connection.getresponse()
    return response, response.read()


def test_same_answer_as_in_process(server, connection):
    """Query, headers and body arrive unchanged."""
    path = "/v1/organizations/workspaces?limit=1&ids%5B%5D=wrkspc_01Prod7HsNf3VbGmKe9XcJa"
    response, body = ask(connection, path)
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["server"] is None
    assert json.loads(body)["data"][0]["name"] == "Production"
    assert server.simulator.requests.entries[0].query[1][0] == "ids[]"


def test_connection_is_kept(server, connection):
    """Several requests, good and bad, share one connection."""
    ask(connection)
    before = connection.sock
    response, body = ask(connection, headers={})
    assert response.status == 400
    assert json.loads(body)["type"] == "error"
    ask(connection)
    assert connection.sock is before


def test_head_and_post(connection):
    """HEAD has headers and no body; POST is refused and its body is read away."""
    response, body = ask(connection, method="HEAD")
    assert (response.status, body) == (200, b"")
    assert int(response.headers["content-length"]) > 0
    connection.request("POST", ME, body=b"{}" * 100, headers=KEY)
    response = connection.getresponse()
    response.read()
    assert response.status == 405
    assert ask(connection)[0].status == 200


def test_dropped_connection(server, connection):
    """The connection is reset before an answer."""
    server.simulator.faults.add(faults.dropped())
    with pytest.raises(ConnectionResetError):
        ask(connection)


def test_truncated_body(server, connection):
    """The body ends early and the connection closes."""
    server.simulator.faults.add(faults.truncated())
    with pytest.raises(http.client.IncompleteRead):
        ask(connection)


def test_giant_body_and_a_client_that_leaves(server, connection):
    """A client may hang up in the middle of 200 MB; the server goes on."""
    server.simulator.faults.add(faults.giant(200_000_000))
    connection.request("GET", ME, headers=KEY)
    response = connection.getresponse()
    assert int(response.headers["content-length"]) >= 200_000_000
    assert len(response.read(100_000)) == 100_000
    response.close()
    connection.close()
    assert ask(connection)[0].status == 200


def test_slow_answer_does_not_block_others(server, connection):
    """While one client waits, another is answered; stopping ends the wait."""
    server.simulator.faults.add(faults.slow(3600), endpoint="organization")
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as waiting:
        lines = [f"GET {ME} HTTP/1.1", "Host: x", *(f"{k}: {v}" for k, v in KEY.items())]
        waiting.sendall("\r\n".join([*lines, "", ""]).encode())
        while not server.simulator.requests.total:
            threading.Event().wait(0.01)
        assert ask(connection, "/v1/organizations/workspaces")[0].status == 200


def test_closing_hangs_up():
    """After close nobody listens and idle connections end."""
    with serve(Simulator("steady")) as running:
        address = urlsplit(running.url)
        client = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
        ask(client)
    assert client.sock.recv(1) == b""
    client.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port), timeout=10)


def test_a_bug_is_not_silent(server, connection, capsys):
    """An exception inside the simulator is printed, and the client sees a broken connection."""

    def explode(_document):
        raise KeyError("a bug in a test")

    server.simulator.faults.add(faults.edited(explode))
    with pytest.raises(http.client.RemoteDisconnected):
        ask(connection)
    assert "a bug in a test" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "example.com", ""])
def test_only_loopback(host):
    """Other addresses are refused by name."""
    assert not is_loopback(host)
    with pytest.raises(ValueError, match="loopback"):
        serve(Simulator("steady"), host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback(host):
    """All spellings of this machine are accepted."""
    assert is_loopback(host)


def test_parallel_clients(server):
    """Eight threads get the same closed hour."""
    path = (
        "/v1/organizations/usage_report/messages?bucket_width=1h&limit=24"
        "&starting_at=2026-01-05T00:00:00Z&ending_at=2026-01-06T00:00:00Z"
    )
    address = urlsplit(server.url)
    bodies = []

    def one_client():
        client = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
        bodies.append(ask(client, path)[1])
        client.close()

    threads = [threading.Thread(target=one_client) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bodies) == 8
    assert len(set(bodies)) == 1
