"""The fake API on a real socket, loopback only."""

from __future__ import annotations

import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from claude_cost_exporter.simulator.wire import Delivery, Request, Response

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from claude_cost_exporter.simulator.api import Simulator

IDLE_SECONDS = 60
"""How long a connection may stay without a request."""

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], simulator: Simulator) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.simulator = simulator
        self.stopping = threading.Event()
        self.connections: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as in the base class
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - as in the base class
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as in the base class
        """Say nothing about clients that hang up: they are part of the simulation."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    server: _Server

    def do_GET(self) -> None:
        """Answer as the simulator says, faults included."""
        length = int(self.headers.get("content-length") or 0)
        if length:
            self.rfile.read(length)
        request = Request.parse(self.command, self.path, dict(self.headers.items()))
        response = self.server.simulator.handle(request)
        if response.delay:
            self.server.stopping.wait(response.delay)
        if response.delivery is Delivery.DROPPED:
            self._reset()
        else:
            self._send(response)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_GET  # noqa: N815 - names that http.server calls

    def _send(self, response: Response) -> None:
        self.send_response_only(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        self.send_header("content-length", str(response.length))
        self.end_headers()
        if self.command != "HEAD":
            for chunk in response.chunks():
                self.wfile.write(chunk)
        if response.delivery is Delivery.TRUNCATED:
            self.close_connection = True

    def _reset(self) -> None:
        """Close without an answer, and with a reset instead of a polite end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.connection.close()  # before the server says goodbye with a FIN
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Stay quiet: a simulated request is not news, and its headers hold a key."""


class SimulatorServer:
    """A running server; a context manager that stops it."""

    def __init__(self, simulator: Simulator, host: str, port: int) -> None:
        if not is_loopback(host):
            raise ValueError(f"the simulator listens on loopback addresses only, not on {host!r}")
        self.simulator = simulator
        self._server = _Server((host, port), simulator)
        self.port: int = self._server.server_address[1]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="simulator", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening and hang up on everybody."""
        self._server.stopping.set()
        self._server.shutdown()
        self._thread.join()
        for connection in list(self._server.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it hung up first
        self._server.server_close()

    def __enter__(self) -> Self:
        """Return the running server."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server."""
        self.close()


def serve(simulator: Simulator, host: str = "127.0.0.1", port: int = 0) -> SimulatorServer:
    """Return a server that is already listening; port 0 picks a free one."""
    return SimulatorServer(simulator, host, port)
