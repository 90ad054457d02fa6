"""Scrapes a server on this machine as Prometheus does: from another process, for each scrape anew.

`python -m benchmarks.scraper PORT TIMES` prints a JSON object: the seconds of every scrape, and the
SHA-256 of what it got, which must be the same each time.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import sys
import time


def main(port: int, times: int) -> None:
    """Scrape a number of times."""
    seconds, bodies = [], set()
    for _ in range(times):
        started = time.perf_counter()
        body = scrape(port)
        seconds.append(time.perf_counter() - started)
        bodies.add(hashlib.sha256(body).hexdigest())
    (digest,) = bodies
    json.dump({"seconds": seconds, "sha256": digest}, sys.stdout)


def scrape(port: int) -> bytes:
    """Return the compressed text exposition, read on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/metrics", headers={"accept-encoding": "gzip"})
    body = connection.getresponse().read()
    connection.close()
    return body


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
