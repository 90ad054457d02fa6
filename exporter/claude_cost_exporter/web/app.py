"""The routes. A request does no work: it is answered with bytes that are ready (floor 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from claude_cost_exporter.metrics.negotiation import accepts_gzip, choose_format

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request

    from claude_cost_exporter.metrics.publisher import Publication

SLICE_BYTES = 64 * 1024
PATHS = ("/", "/metrics", "/-/healthy", "/-/ready")


def create_app(current: Callable[[], Publication | None]) -> Starlette:
    """Return the application; `current` gives what was published last."""

    async def metrics(request: Request) -> Response:
        publication = current()
        if publication is None:
            return PlainTextResponse("nothing has been rendered yet\n", 503)
        wanted = choose_format(request.headers.get("accept", ""))
        body = publication.exposition.body(wanted)
        headers = {"content-type": wanted.value, "vary": "accept, accept-encoding"}
        if accepts_gzip(request.headers.get("accept-encoding", "")):
            return _sliced(body.compressed, {**headers, "content-encoding": "gzip"})
        return _sliced(body.plain, headers)

    async def status(_: Request) -> Response:
        publication = current()
        page = publication.status_page if publication else b"starting\n"
        return _sliced(page, {"content-type": "text/html; charset=utf-8"})

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("healthy\n")

    async def ready(_: Request) -> Response:
        publication = current()
        if publication is not None and publication.ready:
            return PlainTextResponse("ready\n")
        return PlainTextResponse("waiting for the first attempt of every source\n", 503)

    async def unknown(request: Request, _: Exception) -> Response:
        known = ", ".join(PATHS)
        return PlainTextResponse(f"no page {request.url.path}; there are {known}\n", 404)

    routes = [
        Route("/metrics", metrics),
        Route("/-/healthy", healthy),
        Route("/-/ready", ready),
        Route("/", status),
    ]
    return Starlette(routes=routes, exception_handlers={404: unknown})


def _sliced(body: bytes, headers: dict[str, str]) -> Response:
    """Send a body in slices, so that a slow reader holds one slice and not a copy of it all."""

    async def slices() -> AsyncIterator[memoryview]:
        view = memoryview(body)
        for start in range(0, len(view), SLICE_BYTES):
            yield view[start : start + SLICE_BYTES]

    length = {"content-length": str(len(body))}
    return StreamingResponse(slices(), headers={**headers, **length})
