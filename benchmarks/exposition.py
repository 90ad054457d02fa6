"""The exposition at 100,000 series: rendering, and serving against prometheus_client's classes."""

from __future__ import annotations

import gzip
import hashlib
import json
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from statistics import median
from threading import Event, Thread
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    disable_created_metrics,
    generate_latest,
)

from benchmarks.figures import Figure
from benchmarks.series import series
from claude_cost_exporter.catalogue import BY_NAME
from claude_cost_exporter.metrics.exposition import Renderer
from claude_cost_exporter.metrics.publisher import Publication
from claude_cost_exporter.samples import Sample
from claude_cost_exporter.web.app import create_app
from claude_cost_exporter.web.server import listen, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from claude_cost_exporter.metrics.exposition import Exposition

SCRAPES = 50


def figures() -> Iterator[Figure]:
    """Measure rendering, then a scrape, then the same through stock counters."""
    renderer = Renderer(CollectorRegistry())
    samples = [[Sample(*one, 1e3 * n + 0.123456789) for one in series()] for n in (1, 2)]
    for state, version, target in (("first", 0, 1), ("all_changed", 1, 0.5), ("unchanged", 1, 0.1)):
        seconds = _seconds(lambda at=version: renderer.render(samples[at]))
        yield Figure(f"render_100k_series_{state}", seconds, "s", target)
    exposition = renderer.render(samples[1])
    with _served(exposition) as port:
        wanted = hashlib.sha256(exposition.text.compressed).hexdigest()
        scrape = median(_scrapes(port, wanted))
        with ExitStack() as stack:
            _stuck_clients(port, stack)
            among_stuck = max(_scrapes(port, wanted))
    yield Figure("gzip_scrape_of_100k_series", scrape, "s", 0.005)
    yield Figure("slowest_gzip_scrape_among_320_stuck_clients", among_stuck, "s", 1)
    stock = _stock(samples[1])
    rendering = min(_seconds(lambda: gzip.compress(generate_latest(stock))) for _ in range(2))
    ratio = rendering / scrape
    yield Figure("gzip_scrape_against_stock", ratio, "x", 100, at_least=True, enforced=True)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@contextmanager
def _served(exposition: Exposition) -> Iterator[int]:
    """Serve an exposition on a free port."""
    publication = Publication(exposition, b"", ready=True)
    (listener,) = listen(["127.0.0.1:0"])
    port: int = listener.getsockname()[1]
    stop = Event()
    arguments = (create_app(lambda: publication), [listener], stop)
    server = Thread(target=serve, args=arguments)
    server.start()
    try:
        yield port
    finally:
        stop.set()
        server.join()


def _scrapes(port: int, wanted: str) -> list[float]:
    """Return the seconds that each scrape took another process."""
    command = [sys.executable, "-m", "benchmarks.scraper", str(port), str(SCRAPES)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(printed)
    if found["sha256"] != wanted:
        raise RuntimeError("a scrape got something else than what was rendered")
    return list(found["seconds"])


def _stuck_clients(port: int, stack: ExitStack) -> None:
    """Hold 300 half-open connections, and 20 clients that never read what they asked for."""
    for sent, count in (
        (b"GET /metrics HTTP/1.1\r\n", 300),
        (b"GET /metrics HTTP/1.0\r\n\r\n", 20),
    ):
        for _ in range(count):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(sent)


def _stock(samples: list[Sample]) -> CollectorRegistry:
    """Return the same series as children of prometheus_client's own counters."""
    disable_created_metrics()  # they would only make it slower
    registry = CollectorRegistry()
    names = {sample.metric for sample in samples}
    counters = {
        name: Counter(name, BY_NAME[name].help, BY_NAME[name].labels, registry=registry)
        for name in names
    }
    for name, labels, value in samples:
        counters[name].labels(*labels).inc(value)
    return registry
