"""The web server on a real loopback socket, what it serves, and its clients."""

from __future__ import annotations

import http.client
import select
import socket
from threading import Event, Thread

from prometheus_client import CollectorRegistry

from claude_cost_exporter.metrics.exposition import Renderer
from claude_cost_exporter.metrics.publisher import Publication
from claude_cost_exporter.samples import Sample
from claude_cost_exporter.web.app import create_app
from claude_cost_exporter.web.connections import Limits
from claude_cost_exporter.web.server import listen, serve

PATIENCE_SECONDS = 10
"""How long a test waits for what must happen; it fails only when it never does."""


class Served:
    """A running server; `publication` is what it answers with."""

    def __init__(self, publication=None, **limits) -> None:
        self.publication = publication
        self.stop = Event()
        (listener,) = listen(["127.0.0.1:0"])
        self.port = listener.getsockname()[1]
        arguments = (create_app(lambda: self.publication), [listener], self.stop, Limits(**limits))
        self.thread = Thread(target=serve, args=arguments)
        self.thread.start()

    def connect(self, sent=b"", **options):
        """Return a raw connection that has sent something."""
        client = socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS)
        for name, value in options.items():
            client.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
        client.sendall(sent)
        return client

    def ask(self, method="GET", path="/metrics", headers=None):
        """Return status, headers and body of one answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def end(self):
        """Stop; return whether the server thread has ended in time."""
        self.stop.set()
        self.thread.join(PATIENCE_SECONDS)
        return not self.thread.is_alive()


def is_closed(client):
    """Wait until the server has closed a connection, with an end or with a reset."""
    try:
        while client.recv(65536):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


def is_reset(client):
    """Wait, without reading, until the server has reset a connection."""
    poller = select.poll()
    poller.register(client, 0)  # errors and hang-ups are always told
    return bool(poller.poll(PATIENCE_SECONDS * 1000))


def publish(series=1, *, ready=True):
    """Return a publication with this many series."""
    samples = [
        Sample("llm_source_up", ("anthropic", "acme", f"{n:0120}"), n) for n in range(series)
    ]
    rendered = Renderer(CollectorRegistry()).render(samples)
    return Publication(rendered, b"<!doctype html>status", ready)
