"""The simulated API as a real HTTP server on loopback (floor 2)."""

from __future__ import annotations

import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from claude_cost_exporter.errors import ExporterError
from claude_cost_exporter.simulator.requests import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claude_cost_exporter.simulator.api import Simulator

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    simulator: Simulator

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing when a client goes away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """Answer as the simulator says, faults on the socket included."""
        parts = urlsplit(self.path)
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        response = self.server.simulator.handle(Request(parts.path, query, headers))
        time.sleep(response.delay_seconds)
        if response.drop:
            self.close_connection = True
            return
        self.send_response_only(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(response.body)))
        self.end_headers()
        body = response.body[: len(response.body) // 2] if response.truncate else response.body
        self.wfile.write(body)
        self.close_connection |= response.truncate

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base
        """Stay quiet: the exporter's log is the one to read."""


@contextmanager
def serve(simulator: Simulator, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve until the block ends; yields the base URL. Port 0 takes a free one."""
    if host not in LOOPBACK:
        raise ExporterError(
            f"the simulator listens on loopback only ({', '.join(LOOPBACK)}), not on {host}"
        )
    try:
        server = _Server((host, port), _Handler)
    except OSError as error:
        raise ExporterError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    server.simulator = simulator
    thread = Thread(target=server.serve_forever, name="simulator", daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
