"""Serving the application with hypercorn, against slow and silent clients (floor 5)."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import hypercorn.asyncio
from hypercorn.config import Config as HypercornConfig
from hypercorn.config import Sockets

from claude_cost_exporter.errors import ExporterError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from threading import Event

    from starlette.applications import Starlette

HEADER_SECONDS = 10
GRACE_SECONDS = 3
BACKLOG = 1024
DEFAULT_PORT = 9853


def listen(addresses: Sequence[str]) -> list[socket.socket]:
    """Return listening sockets for `host:port` addresses; `:9853` means every interface."""
    return [_listen(address) for address in addresses]


def _listen(address: str) -> socket.socket:
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit():
        raise ExporterError(f"--web.listen-address={address}: expected HOST:PORT or :PORT")
    bare = host.strip("[]")
    try:
        family = socket.AF_INET6 if ":" in bare else socket.AF_INET
        listener = socket.create_server((bare, int(port)), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ExporterError(f"cannot listen on {address}: {error.strerror}") from error
    listener.setblocking(False)  # noqa: FBT003 - the socket API
    return listener


def address_of(listener: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown if host not in ('0.0.0.0', '::') else 'localhost'}:{port}"  # noqa: S104


def serve(app: Starlette, listeners: Sequence[socket.socket], stop: Event) -> None:
    """Serve until `stop` is set; open requests get a few seconds to end."""
    config = HypercornConfig()
    config.keep_alive_timeout = HEADER_SECONDS  # runs from the connection until a whole header
    config.graceful_timeout = GRACE_SECONDS
    config.errorlog = config.accesslog = None
    config.include_server_header = False

    class _Prepared(HypercornConfig):
        def create_sockets(self) -> Sockets:
            return Sockets([], list(listeners), [])

    prepared = _Prepared()
    prepared.__dict__.update(config.__dict__)

    async def stopped() -> None:
        while not stop.is_set():  # noqa: ASYNC110 - a thread sets it, not this loop
            await asyncio.sleep(0.1)

    asyncio.run(hypercorn.asyncio.serve(app, prepared, shutdown_trigger=stopped))  # type: ignore[arg-type]
