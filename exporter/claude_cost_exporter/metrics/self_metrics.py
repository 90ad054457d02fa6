"""What the exporter says about itself, on a registry of its own (floor 4)."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.metrics_core import CounterMetricFamily

from claude_cost_exporter import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client.metrics_core import Metric

    from claude_cost_exporter.snapshot import Snapshot

PREFIX = "claude_cost_exporter"
BUCKETS = (0.05, 0.25, 1, 5, 20, 60)


class _WithoutCreated(CollectorRegistry):
    """A registry that leaves `_created` samples out; they would double the series."""

    def collect(self) -> Iterator[Metric]:
        """Yield every family without its `_created` samples."""
        for family in super().collect():
            family.samples = [s for s in family.samples if not s.name.endswith("_created")]
            yield family


class SelfMetrics:
    """Counts what happens; ingest and sources call it, they never see prometheus_client."""

    def __init__(self) -> None:
        self.registry = registry = _WithoutCreated()
        ProcessCollector(registry=registry)
        self._polls = Counter(
            f"{PREFIX}_polls", "Polls, good and bad.", ["account", "source"], registry=registry
        )
        self._failures = Counter(
            f"{PREFIX}_poll_failures",
            "Polls that failed, by the kind of error.",
            ["account", "source", "kind"],
            registry=registry,
        )
        self._poll_seconds = Histogram(
            f"{PREFIX}_poll_duration_seconds",
            "How long polls take, retries included.",
            ["account", "source"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._requests = Counter(
            f"{PREFIX}_api_requests",
            "Requests to the provider, retries included; status is error without an answer.",
            ["account", "endpoint", "status"],
            registry=registry,
        )
        self._request_seconds = Histogram(
            f"{PREFIX}_api_request_duration_seconds",
            "How long single requests take.",
            ["account", "endpoint"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._budget = Gauge(
            f"{PREFIX}_api_requests_per_minute",
            "Requests a minute over the last ten minutes, history left out. At most 6.",
            ["account"],
            registry=registry,
        )
        self._rows = Counter(
            f"{PREFIX}_rows_upserted",
            "Ledger rows that were new or changed.",
            ["account", "source"],
            registry=registry,
        )
        self._unknown = Counter(
            f"{PREFIX}_unknown_fields",
            "Fields of answers that this version does not know, each counted once.",
            ["source", "field"],
            registry=registry,
        )
        self._ledger = Gauge(
            f"{PREFIX}_ledger_size_bytes", "Size of the ledger.", registry=registry
        )
        self._dropped: dict[str, int] = {}
        registry.register(_Dropped(self._dropped))
        build = Gauge(
            f"{PREFIX}_build_info", "Always 1.", ["version", "python_version"], registry=registry
        )
        build.labels(__version__, platform.python_version()).set(1)

    def poll_finished(self, account: str, source: str, seconds: float, failure: str) -> None:
        """Count a poll; `failure` is the kind of error, empty when it was good."""
        self._polls.labels(account, source).inc()
        self._poll_seconds.labels(account, source).observe(seconds)
        if failure:
            self._failures.labels(account, source, failure).inc()

    def rows_upserted(self, account: str, source: str, rows: int) -> None:
        """Count the rows that changed."""
        self._rows.labels(account, source).inc(rows)

    def unknown_field(self, source: str, field: str) -> None:
        """Count a field that no struct has."""
        self._unknown.labels(source, field).inc()

    def watch_budget(self, account: str, per_minute: Callable[[], float]) -> None:
        """Show the request rate of an account."""
        self._budget.labels(account).set_function(per_minute)

    def request_observer(self, account: str) -> _Requests:
        """Return what an account's client tells of its requests."""
        return _Requests(account, self._requests, self._request_seconds)

    def took(self, snapshot: Snapshot) -> None:
        """Show what a snapshot says about the ledger."""
        self._ledger.set(snapshot.ledger_bytes)
        self._dropped.update(snapshot.series_dropped)


class _Requests:
    """Counts the requests of one account."""

    def __init__(self, account: str, count: Counter, seconds: Histogram) -> None:
        self._account, self._count, self._seconds = account, count, seconds

    def request_finished(self, endpoint: str, status: str, seconds: float) -> None:
        """Count a request; `status` is the HTTP status, or `error` without an answer."""
        self._count.labels(self._account, endpoint, status).inc()
        self._seconds.labels(self._account, endpoint).observe(seconds)


class _Dropped:
    """The ledger remembers dropped label sets, so this counter survives restarts."""

    def __init__(self, dropped: dict[str, int]) -> None:
        self._dropped = dropped

    def collect(self) -> Iterable[Metric]:
        """Yield one sample a family."""
        family = CounterMetricFamily(
            f"{PREFIX}_series_dropped",
            "Label sets beyond a family's cap; they are counted under other.",
            labels=["family"],
        )
        for name, count in sorted(self._dropped.items()):
            family.add_metric([name], count)
        yield family
