"""Listening and serving, against slow and silent clients (floor 5)."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import contextmanager
from errno import EADDRINUSE
from typing import TYPE_CHECKING

import uvicorn

from claude_cost_exporter.errors import ExporterError
from claude_cost_exporter.web.connections import LIMITS, ServerConfig

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from threading import Event

    from starlette.applications import Starlette

    from claude_cost_exporter.web.connections import Limits

HIGHEST_PORT = 65_535
TAKEN = "; choose another one with --web.listen-address"


def listen(addresses: Sequence[str]) -> list[socket.socket]:
    """Return listening sockets for `host:port` addresses; `:9853` means every interface."""
    return [_listen(address) for address in addresses]


def _listen(address: str) -> socket.socket:
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > HIGHEST_PORT:
        raise ExporterError(f"--web.listen-address={address}: expected HOST:PORT or :PORT")
    bare = host.removeprefix("[").removesuffix("]")
    both = not bare and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both or ":" in bare else socket.AF_INET
    try:
        return socket.create_server(
            (bare, int(port)), family=family, backlog=LIMITS.backlog, dualstack_ipv6=both
        )
    except (OSError, UnicodeError) as error:
        number = getattr(error, "errno", None) or 0
        cause = os.strerror(number) if number > 0 else "not a host name"
        remedy = TAKEN if number == EADDRINUSE else ""
        raise ExporterError(f"cannot listen on {address}: {cause}{remedy}") from error


def address_of(listener: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - shown, not bound
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(
    app: Starlette, listeners: Sequence[socket.socket], stop: Event, limits: Limits = LIMITS
) -> None:
    """Serve until `stop` is set; open answers get a few seconds to be read."""
    server = _Server(ServerConfig(app, limits), stop)
    asyncio.run(server.serve(list(listeners)))


class _Server(uvicorn.Server):
    """Stops when an event is set, and does not wait for those who never read."""

    config: ServerConfig

    def __init__(self, config: ServerConfig, stop: Event) -> None:
        super().__init__(config)
        self._stop = stop

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the command line."""
        yield

    async def on_tick(self, counter: int) -> bool:
        """Return whether to stop, ten times a second."""
        return await super().on_tick(counter) or self._stop.is_set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, and hang up on those who are still there after a few seconds."""
        loop = asyncio.get_running_loop()
        loop.call_later(self.config.limits.stop_seconds, self._hang_up)
        await super().shutdown(sockets)

    def _hang_up(self) -> None:
        for connection in list(self.config.open):
            connection.hang_up()
