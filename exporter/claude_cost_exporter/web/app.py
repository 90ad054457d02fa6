"""The routes. A request does no work: it is answered with bytes that are ready (floor 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from claude_cost_exporter.metrics.blocks import sliced
from claude_cost_exporter.metrics.negotiation import accepts_gzip, choose_format

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from claude_cost_exporter.metrics.publisher import Publication

SLICE_BYTES = 64 * 1024
HTML = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "x-content-type-options": "nosniff",
}
PATHS = ("/", "/metrics", "/-/healthy", "/-/ready")


def create_app(current: Callable[[], Publication | None]) -> Starlette:
    """Return the application; `current` gives what was published last."""

    async def metrics(request: Request) -> Response:
        publication = current()
        if publication is None:
            return PlainTextResponse("nothing has been rendered yet\n", 503)
        wanted = choose_format(_joined(request, "accept"))
        compressed = accepts_gzip(_joined(request, "accept-encoding"))
        headers = {"content-type": wanted.value, "vary": "accept, accept-encoding"}
        if compressed:
            headers["content-encoding"] = "gzip"
        parts = publication.exposition.body(wanted).parts(compressed=compressed)
        return _Sliced(parts, headers)

    async def status(_: Request) -> Response:
        publication = current()
        if publication is None:
            return PlainTextResponse("nothing has been rendered yet\n", 503)
        return _Sliced([publication.status_page], HTML)

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("healthy\n")

    async def ready(_: Request) -> Response:
        publication = current()
        if publication is not None and publication.ready:
            return PlainTextResponse("ready\n")
        return PlainTextResponse("waiting for the first attempt of every source\n", 503)

    routes = [
        Route("/metrics", metrics),
        Route("/-/healthy", healthy),
        Route("/-/ready", ready),
        Route("/", status),
    ]
    app = Starlette(routes=routes, exception_handlers={404: _unknown, Exception: _defect})
    app.router.redirect_slashes = False
    return app


def _joined(request: Request, name: str) -> str:
    return ", ".join(request.headers.getlist(name))


async def _unknown(request: Request, _: Exception) -> Response:
    return PlainTextResponse(f"no page {request.url.path}; there are {', '.join(PATHS)}\n", 404)


async def _defect(request: Request, error: Exception) -> Response:
    structlog.get_logger().error("request failed", path=request.url.path, exc_info=error)
    return PlainTextResponse("the exporter failed to answer; its log says why\n", 500)


class _Sliced(Response):
    """Sends a body in slices: a slow reader holds one of them and not a copy of it all."""

    def __init__(self, parts: Sequence[bytes], headers: Mapping[str, str]) -> None:
        length = sum(len(part) for part in parts)
        super().__init__(headers={**headers, "content-length": str(length)})
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head, then slices as fast as the client reads them."""
        del receive
        head = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **head})
        if scope["method"] != "HEAD":
            for part in sliced(self._parts, SLICE_BYTES):
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
