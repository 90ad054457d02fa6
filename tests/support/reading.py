"""A usage source on a report of given rows."""

from __future__ import annotations

from claude_cost_exporter.records import Window
from claude_cost_exporter.sources.anthropic_usage import AnthropicUsage
from tests.support.api import Bench
from tests.support.report import Report, hour, usage

WINDOW = Window(hour(7), hour(11))  # the open hour is 10:00 to 11:00, now is 10:30:20
ONE = (30, 40, 50, 60, 70, 3)
HOURLY = [usage(hour(n, 5), ONE) for n in (7, 8, 9, 10)]


class Reading:
    """A usage source on a report of given rows."""

    def __init__(self, *used, **options) -> None:
        self.bench = Bench(**options)
        self.report = Report(*used)
        self.bench.api.will(self.report)
        self.source = AnthropicUsage(self.bench.client, self.bench.clock, self.bench.observed)

    def fetch(self, window=WINDOW, **options):
        return list(self.source.fetch(window, **options))

    def tokens(self, role, window=WINDOW):
        return sum(record.tokens.total for record in self.fetch(window) if record.role == role)

    def queries(self):
        return [dict(query) for query in self.bench.api.queries()]

    def close(self):
        self.bench.client.close()
