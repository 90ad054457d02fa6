"""What Prometheus would have scraped from an exporter in simulated days, as OpenMetrics.

Simulated time moves from scrape to scrape at full speed. The exporter is the real one up to the
text that it publishes; `keep` chooses the families that are written.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from tests.support.simulated import Simulated

SAMPLE = re.compile(r"^([a-z_]\w*)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


class Recording:
    """An exporter that is polled and scraped at even intervals until simulated time is up."""

    def __init__(
        self,
        simulated: Simulated,
        sink: Callable[[str], object],
        *,
        keep: Collection[str],
        labels: str,
        poll: timedelta = timedelta(hours=1),
        scrape: timedelta = timedelta(minutes=5),
    ) -> None:
        """`labels` are those that Prometheus adds: job="...",instance="..."."""
        self.simulated, self._sink, self._keep, self._labels = simulated, sink, keep, labels
        self._poll, self._scrape = poll, scrape
        simulated.poller._changed = lambda: None  # rendered below, when history is loaded too
        self._due = simulated.clock.now()

    def run(self, end: datetime) -> None:
        """Poll and scrape until `end`, which is the time of the last scrape or just after it."""
        clock = self.simulated.clock
        exposed: list[str] = []
        while clock.now() <= end:
            if clock.now() >= self._due:
                exposed = self._read()
                self._due += self._poll
            timestamp = f" {clock.now().timestamp():.3f}\n"
            self._sink("".join(line + timestamp for line in exposed))
            clock.advance(self._scrape)

    def _read(self) -> list[str]:
        self.simulated.poll()
        while self.simulated.poller.load_history():
            pass
        self.simulated.exporter.publisher.publish()
        text = self.simulated.exporter.publisher.current.exposition.text.plain.decode()
        return [f"up{{{self._labels}}} 1", *self._lines(text)]

    def _lines(self, text: str) -> list[str]:
        return [
            f"{name}{{{','.join(part for part in (labels, self._labels) if part)}}} {value}"
            for name, labels, value in SAMPLE.findall(text)
            if name in self._keep
        ]
