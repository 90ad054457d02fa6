"""What the exporter says about itself, on a registry of its own (floor 4)."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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


@dataclass(frozen=True, slots=True)
class SelfMetric:
    """One family of the exporter's own: name without prefix, type, labels, HELP."""

    name: str
    kind: type[Counter | Gauge | Histogram]
    labels: tuple[str, ...]
    help: str

    @property
    def full_name(self) -> str:
        """Return the name as it is exposed."""
        return f"{PREFIX}_{self.name}{'_total' if self.kind is Counter else ''}"


BY_SOURCE = ("account", "source")
SELF_METRICS = (
    SelfMetric("polls", Counter, BY_SOURCE, "Polls, good and bad."),
    SelfMetric(
        "poll_failures", Counter, (*BY_SOURCE, "kind"), "Polls that failed, by the kind of error."
    ),
    SelfMetric(
        "poll_duration_seconds", Histogram, BY_SOURCE, "How long polls take, retries included."
    ),
    SelfMetric(
        "api_requests",
        Counter,
        ("account", "endpoint", "status"),
        "Requests to the provider, retries included; status is error without an answer.",
    ),
    SelfMetric(
        "api_request_duration_seconds",
        Histogram,
        ("account", "endpoint"),
        "How long single requests take.",
    ),
    SelfMetric(
        "api_requests_per_minute",
        Gauge,
        ("account",),
        "Requests a minute over the last ten minutes, history left out. At most 6, unless a "
        "simulator on this machine is polled more often than once a minute.",
    ),
    SelfMetric("rows_upserted", Counter, BY_SOURCE, "Ledger rows that were new or changed."),
    SelfMetric(
        "unknown_fields",
        Counter,
        ("source", "field"),
        "Fields of answers that this version does not know, each counted once.",
    ),
    SelfMetric("ledger_size_bytes", Gauge, (), "Size of the ledger."),
    SelfMetric("build_info", Gauge, ("version", "python_version"), "Always 1."),
    SelfMetric("simulated", Gauge, (), "1 when the data are simulated, 0 otherwise."),
)
SERIES_DROPPED = SelfMetric(
    "series_dropped",
    Counter,
    ("family",),
    "Label sets beyond a family's cap; they are counted under other.",
)


class SelfMetrics:
    """Counts what happens; ingest and sources call it, they never see prometheus_client."""

    def __init__(self, *, simulated: bool = False) -> None:
        self.registry = _WithoutCreated()
        ProcessCollector(registry=self.registry)
        self._dropped: dict[str, int] = {}
        self.registry.register(_Dropped(self._dropped))
        self._instruments = {spec.name: _instrument(spec, self.registry) for spec in SELF_METRICS}
        self._gauge("build_info", __version__, platform.python_version()).set(1)
        self._gauge("simulated").set(simulated)

    def _counter(self, name: str, *labels: str) -> Counter:
        counter: Counter = self._instruments[name].labels(*labels)
        return counter

    def _gauge(self, name: str, *labels: str) -> Gauge:
        family = self._instruments[name]
        gauge: Gauge = family.labels(*labels) if labels else family
        return gauge

    def _observe(self, name: str, seconds: float, *labels: str) -> None:
        self._instruments[name].labels(*labels).observe(seconds)

    def poll_finished(self, account: str, source: str, seconds: float, failure: str) -> None:
        """Count a poll; `failure` is the kind of error, empty when it was good."""
        self._counter("polls", account, source).inc()
        self._observe("poll_duration_seconds", seconds, account, source)
        if failure:
            self._counter("poll_failures", account, source, failure).inc()

    def rows_upserted(self, account: str, source: str, rows: int) -> None:
        """Count the rows that changed."""
        self._counter("rows_upserted", account, source).inc(rows)

    def unknown_field(self, source: str, field: str) -> None:
        """Count a field that no struct has."""
        self._counter("unknown_fields", source, field).inc()

    def watch_budget(self, account: str, per_minute: Callable[[], float]) -> None:
        """Show the request rate of an account."""
        self._gauge("api_requests_per_minute", account).set_function(per_minute)

    def request_finished(self, account: str, endpoint: str, status: str, seconds: float) -> None:
        """Count a request; `status` is the HTTP status, or `error` without an answer."""
        self._counter("api_requests", account, endpoint, status).inc()
        self._observe("api_request_duration_seconds", seconds, account, endpoint)

    def request_observer(self, account: str) -> _Requests:
        """Return what an account's client tells of its requests."""
        return _Requests(account, self)

    def took(self, snapshot: Snapshot) -> None:
        """Show what a snapshot says about the ledger."""
        self._gauge("ledger_size_bytes").set(snapshot.ledger_bytes)
        self._dropped.update(snapshot.series_dropped)


def _instrument(spec: SelfMetric, registry: CollectorRegistry) -> Any:  # noqa: ANN401 - one of three
    buckets = {"buckets": BUCKETS} if spec.kind is Histogram else {}
    name = f"{PREFIX}_{spec.name}"
    return spec.kind(name, spec.help, spec.labels, registry=registry, **buckets)  # type: ignore[arg-type]


class _Requests:
    """Counts the requests of one account."""

    def __init__(self, account: str, metrics: SelfMetrics) -> None:
        self._account, self._metrics = account, metrics

    def request_finished(self, endpoint: str, status: str, seconds: float) -> None:
        """Count a request; `status` is the HTTP status, or `error` without an answer."""
        self._metrics.request_finished(self._account, endpoint, status, seconds)


class _Dropped:
    """The ledger remembers dropped label sets, so this counter survives restarts."""

    def __init__(self, dropped: dict[str, int]) -> None:
        self._dropped = dropped

    def collect(self) -> Iterable[Metric]:
        """Yield one sample a family."""
        spec = SERIES_DROPPED
        family = CounterMetricFamily(f"{PREFIX}_{spec.name}", spec.help, labels=spec.labels)
        for name, count in sorted(self._dropped.items()):
            family.add_metric([name], count)
        yield family
