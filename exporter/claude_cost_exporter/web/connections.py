"""HTTP connections that must keep moving (floor 5).

A client is only ever waited for with a deadline: for its request header, for its next request,
for it to read the answer. When there are too many connections, the one that has not moved for
the longest is closed, so that silent clients never keep a scraper out.
"""

from __future__ import annotations

import math
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

    from starlette.applications import Starlette


RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long clients are waited for, and how many of them there may be."""

    header_seconds: float = 10
    """From the connection, or from a later request's first byte, until its header is complete."""
    idle_seconds: float = 75
    """Between two requests: more than the usual scrape interval."""
    answer_seconds: float = 60
    """From a complete header until the client has read the answer."""
    stop_seconds: float = 3
    """Open answers get this long when the server stops."""
    connections: int = 512
    """Half of the file descriptors that a process usually may have."""
    backlog: int = 128
    """Connections that are accepted at once, before the rule above is applied."""


LIMITS = Limits()


class ServerConfig(Config):
    """What uvicorn must know to serve the application with these connections."""

    def __init__(self, app: Starlette, limits: Limits) -> None:
        self.limits = limits
        self.open: dict[Connection, None] = {}
        """Open connections; the one that has not moved for the longest is the first."""
        super().__init__(
            app,
            http=Connection,
            ws="none",
            lifespan="off",
            interface="asgi3",
            backlog=limits.backlog,
            timeout_keep_alive=math.ceil(limits.idle_seconds),
            log_config=None,
            log_level="error",  # what clients do wrong is not worth a line
            access_log=False,
            proxy_headers=False,
            server_header=False,
        )


class Connection(H11Protocol):
    """One connection: uvicorn's, with a deadline for every state that it can be in."""

    def __init__(self, config: ServerConfig, *args: Any, **options: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(config, *args, **options)
        self._limits, self._open = config.limits, config.open
        self._deadline: asyncio.TimerHandle | None = None
        self._idle = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a header; make room when there are too many connections."""
        super().connection_made(transport)
        self._expect_within(self._limits.header_seconds)
        if len(self._open) > self._limits.connections:
            next(iter(self._open)).hang_up()

    def data_received(self, data: bytes) -> None:
        """Wait for the rest of a header from its first byte on; more bytes are no more time."""
        if self._idle:
            self._idle = False
            self._expect_within(self._limits.header_seconds)
        super().data_received(data)

    def handle_events(self) -> None:
        """Wait for the answer to be read once a header is complete."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._idle = False
            self._expect_within(self._limits.answer_seconds)

    def on_response_complete(self) -> None:
        """Wait for the next request; its header may already be there."""
        self._idle = True
        self._expect_within(self._limits.idle_seconds)
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; once an answer has begun there is only hanging up."""
        if self.cycle is not None:
            self.cycle.disconnected = True  # what the application still says is not sent
            if self.cycle.response_started:
                self.hang_up()
                return
        super().send_400_response(msg)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it, and its deadline."""
        super().connection_lost(exc)
        self._open.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()

    def hang_up(self) -> None:
        """Close at once. A polite end would wait for a stuck client to read what is left."""
        self._open.pop(self, None)
        if self.transport.get_write_buffer_size():  # a reset, so that the kernel lets go too
            connected = self.transport.get_extra_info("socket")
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.transport.abort()

    def _expect_within(self, seconds: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._open.pop(self, None)
        self._open[self] = None
        self._deadline = self.loop.call_later(seconds, self.hang_up)
