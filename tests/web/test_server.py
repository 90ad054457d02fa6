"""The server against slow, silent, stuck and broken clients."""

from __future__ import annotations

import socket
import tracemalloc

import pytest

from claude_cost_exporter.errors import ExporterError
from claude_cost_exporter.web.connections import Limits
from claude_cost_exporter.web.server import address_of, listen
from tests.support.served import is_closed, is_reset

NEVER = 600
"""Seconds of a deadline that shall play no part in a test."""
HALF_A_HEADER = b"GET /metrics HTTP/1.1\r\nHost: "
WHOLE_HEADER = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


def close(clients):
    for client in clients:
        client.close()


def test_scrapes_are_answered_among_stuck_clients(serving, large):
    """300 half-open connections and 20 readers that never read keep no scraper waiting."""
    served = serving(large, header_seconds=NEVER, answer_seconds=NEVER, stop_seconds=0.1)
    clients = [served.connect(HALF_A_HEADER) for _ in range(300)]
    clients += [served.connect(WHOLE_HEADER, SO_RCVBUF=4096) for _ in range(20)]
    assert served.ask(headers={"accept-encoding": "gzip"})[0] == 200
    assert served.ask()[2] == large.exposition.text.plain
    assert served.ask(path="/-/healthy")[0] == 200
    close(clients)


def test_stuck_readers_hold_no_copy_of_the_body(serving, large):
    """What 20 stuck readers cost together is less than one copy of the body."""
    served = serving(large, stop_seconds=0.1)
    tracemalloc.start()
    clients = [served.connect(WHOLE_HEADER, SO_RCVBUF=4096) for _ in range(20)]
    assert [client.recv(4) for client in clients] == [b"HTTP"] * 20
    assert served.ask(path="/-/healthy")[0] == 200
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < len(large.exposition.text.plain) / 2
    close(clients)


def test_the_deadlines_are_these():
    """A header has 10 s, an answer a minute; stopping stays far below 5 s."""
    limits = Limits()
    assert limits.header_seconds == 10
    assert limits.answer_seconds == 60
    assert limits.stop_seconds <= 3


@pytest.mark.parametrize("sent", [b"", b"G", HALF_A_HEADER, b"\r\n"])
def test_a_header_that_stays_incomplete_is_not_waited_for(serving, small, sent):
    """A connection without a complete header is closed at its deadline."""
    client = serving(small, header_seconds=0.2, idle_seconds=NEVER).connect(sent)
    assert is_closed(client)
    client.close()


def test_more_bytes_are_no_more_time(serving, small):
    """A client that sends its header byte by byte is closed at the deadline all the same."""
    client = serving(small, header_seconds=0.3, idle_seconds=NEVER).connect(HALF_A_HEADER)
    client.settimeout(0.05)
    sent, answer = 0, None
    while answer is None and sent < 10_000:
        try:
            client.sendall(b"a")
            sent += 1
            answer = client.recv(1)
        except TimeoutError:
            continue
        except ConnectionError:
            answer = b""
    assert answer == b""
    assert sent > 1
    client.close()


def test_a_later_header_has_the_same_deadline(serving, small):
    """On a connection that was idle the deadline runs from the first byte of the next header."""
    client = serving(small, header_seconds=0.2, idle_seconds=NEVER).connect(
        b"HEAD /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    assert client.recv(65536).startswith(b"HTTP/1.1 200")
    client.sendall(HALF_A_HEADER)
    assert is_closed(client)
    client.close()


def test_a_request_body_is_not_waited_for(serving, small):
    """A client that announces a body and never sends it is answered, and closed in time."""
    client = serving(small, header_seconds=0.2, idle_seconds=0.2).connect(
        b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc"
    )
    assert client.recv(65536).startswith(b"HTTP/1.1 200")
    assert is_closed(client)
    client.close()


def test_an_idle_connection_is_closed(serving, small):
    """A connection without a next request is closed after the idle time."""
    client = serving(small, header_seconds=NEVER, idle_seconds=0.2).connect(
        b"HEAD /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    assert client.recv(65536).startswith(b"HTTP/1.1 200")
    assert is_closed(client)
    client.close()


def test_a_reader_that_never_reads_is_dropped(serving, large):
    """A client that does not read its answer is reset, so that the kernel forgets it too."""
    client = serving(large, answer_seconds=0.3).connect(WHOLE_HEADER, SO_RCVBUF=4096)
    assert is_reset(client)
    client.close()


def test_a_reader_that_dribbles_is_dropped(serving, large):
    """Reading a little now and then is no more time: the whole answer has one deadline."""
    served = serving(large, answer_seconds=0.3)
    client = served.connect(WHOLE_HEADER, SO_RCVBUF=4096)
    received, dropped = 0, False
    while not dropped and received < len(large.exposition.text.plain):
        served.stop.wait(0.01)
        try:
            received += len(client.recv(1024))
        except ConnectionResetError:
            dropped = True
    assert dropped
    client.close()


def test_the_longest_silent_connection_makes_room(serving, small):
    """Beyond the cap each new connection replaces the one that has not moved for the longest."""
    served = serving(small, header_seconds=NEVER, connections=20)
    clients = [served.connect(HALF_A_HEADER) for _ in range(50)]
    assert all(is_closed(client) for client in clients[:30])
    assert served.ask()[0] == 200
    clients[-1].sendall(b"x\r\n\r\n")
    assert clients[-1].recv(65536).startswith(b"HTTP/1.1 200")
    close(clients)


def test_the_cap_spares_file_descriptors():
    """The cap and what is accepted at once fit into the 1,024 files that a process may have."""
    limits = Limits()
    assert limits.connections > 320
    assert limits.connections + limits.backlog < 1024 * 2 / 3


BROKEN = {
    "garbage": b"\x00\xff\x16\x03\x01 garbage\r\n\r\n",
    "http/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a giant header": HALF_A_HEADER + b"x" * 100_000,
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two lengths": b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
}


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_request_is_refused_quietly(serving, small, capfd, caplog, sent):
    """Whatever a client sends, it gets an error and an end; the log stays empty."""
    served = serving(small, header_seconds=NEVER, idle_seconds=NEVER)
    client = served.connect(sent)
    assert client.recv(10) == b"HTTP/1.1 4"
    assert is_closed(client)
    client.close()
    assert served.ask()[0] == 200
    assert "".join(capfd.readouterr()) == ""
    assert caplog.text == ""


def test_a_broken_body_is_refused_quietly(serving, small, capfd, caplog):
    """A request whose body is not what its header says ends without a line in the log."""
    served = serving(small, header_seconds=NEVER, idle_seconds=NEVER)
    header = b"POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    at_once, later = served.connect(header + b"nonsense\r\n"), served.connect(header)
    assert is_closed(at_once)
    assert later.recv(65536).startswith(b"HTTP/1.1 405")
    later.sendall(b"nonsense\r\n")
    assert is_closed(later)
    close([at_once, later])
    assert served.ask()[0] == 200
    assert "".join(capfd.readouterr()) == ""
    assert caplog.text == ""


def test_stopping_does_not_wait_for_stuck_clients(serving, large):
    """The server ends although clients are half-open, idle and stuck in reading."""
    served = serving(large, stop_seconds=0.2)
    clients = [served.connect(HALF_A_HEADER) for _ in range(20)]
    clients += [served.connect(WHOLE_HEADER, SO_RCVBUF=4096) for _ in range(5)]
    clients += [served.connect(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(5)]
    assert served.ask(path="/-/healthy")[0] == 200
    assert served.end()
    assert all(is_closed(client) for client in clients)
    close(clients)


def test_stopping_lets_open_answers_end(serving, large):
    """An answer that is being read when the server stops arrives whole."""
    served = serving(large)
    client = served.connect(WHOLE_HEADER)
    answer = client.makefile("rb")
    start = answer.read(1000)
    served.stop.set()
    body = (start + answer.read()).partition(b"\r\n\r\n")[2]
    assert body == large.exposition.text.plain
    assert served.end()
    with pytest.raises(ConnectionRefusedError):
        served.connect()
    close([client, answer])


def test_every_interface_is_both_kinds_of_address():
    """`:PORT` listens on IPv4 and, where the machine has it, on IPv6."""
    (listener,) = listen([":0"])
    port = listener.getsockname()[1]
    assert address_of(listener) == f"http://localhost:{port}"
    hosts = ["127.0.0.1", *(["::1"] if socket.has_dualstack_ipv6() else [])]
    for host in hosts:
        socket.create_connection((host, port), timeout=10).close()
    listener.close()


@pytest.mark.parametrize(
    ("address", "shown"),
    [("127.0.0.1:0", "http://127.0.0.1:"), ("localhost:0", "http://127.0.0.1:")],
)
def test_an_address_is_shown_as_a_link(address, shown):
    """The log names the address as something to click on."""
    (listener,) = listen([address])
    assert address_of(listener).startswith(shown)
    listener.close()


@pytest.mark.parametrize(
    "address", ["9853", "127.0.0.1:", "127.0.0.1:http", "x:-1", ":65536", ":²"]
)
def test_what_is_no_address_is_refused(address):
    """A wrong listen address is named, with what is expected."""
    with pytest.raises(ExporterError, match="expected HOST:PORT or :PORT"):
        listen([address])


@pytest.mark.parametrize("host", ["a..b", "[::1::2]"])
def test_what_is_no_host_is_refused(host):
    """A host that cannot be one is named in a sentence."""
    with pytest.raises(ExporterError, match="cannot listen on"):
        listen([f"{host}:0"])


def test_a_port_in_use_is_named():
    """Two exporters on one port: the second one says which port, and that it is in use."""
    (listener,) = listen(["127.0.0.1:0"])
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(ExporterError, match=f"cannot listen on {address}: Address already in use"):
        listen([address])
    listener.close()
