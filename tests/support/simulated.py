"""An exporter and a simulator in one process, on one clock that moves at full speed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Event

import httpx

from claude_cost_exporter.cli.wiring import SOURCE_TYPES, Exporter
from claude_cost_exporter.clock import ManualClock
from claude_cost_exporter.config.load import load
from claude_cost_exporter.pricing.overrides import Override
from claude_cost_exporter.simulator import Delivery, Request, Simulator

KEY = "sk-ant-admin01-canary-0123456789abcdef"
START = datetime(2026, 11, 3, 0, 0, tzinfo=UTC)
USAGE = "usage_messages"
CONFIG = """
sources: [{{type: anthropic, account: sim, admin_key_env: KEY, base_url: "http://127.0.0.1:9",
           poll_interval: {poll}, history: {history}, api: {api}, {source}}}]
ledger: {{url: "sqlite:///{folder}/ledger.db"}}
scrape_interval: {scrape}
{more}
"""


class InProcess(httpx.BaseTransport):
    """Hands requests to a simulator without a socket."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        target = request.url.raw_path.decode()
        answer = self.simulator.handle(Request.parse("GET", target, dict(request.headers)))
        if answer.delivery is not Delivery.WHOLE:
            raise httpx.RemoteProtocolError("Server disconnected before the end of the response.")
        return httpx.Response(
            answer.status, headers=list(answer.headers), content=b"".join(answer.chunks())
        )


class Simulated:
    """One organisation, one exporter; time moves when `clock` is told to."""

    def __init__(
        self,
        folder,
        scenario="steady",
        *,
        start=START,
        clock=None,
        switches=None,
        seed=7,
        rendered=False,
        **options,
    ) -> None:
        """`rendered`: after every poll, as `serve` does; else only when a test asks for it."""
        self.rendered = rendered
        self.clock = clock or ManualClock(start)
        self.folder = folder
        usual = {"poll": "300s", "scrape": "60s", "history": "0d", "api": "auto"}
        self.options = {"source": "", "more": ""} | usual | options
        self.simulator = Simulator(
            scenario, clock=self.clock, seed=seed, switches=switches, start=start
        )
        self.open()

    def open(self) -> None:
        loaded = load(CONFIG.format(folder=self.folder, **self.options), SOURCE_TYPES, Override)
        self.exporter = Exporter(
            loaded,
            clock=self.clock,
            stop=Event(),
            environment={"KEY": KEY},
            transport=InProcess(self.simulator),
            simulated=True,
        )
        (self.poller,) = self.exporter.pollers
        if not self.rendered:
            self.poller._changed = self.snapshot  # counters may rise once they were shown at 0

    def restart(self) -> None:
        self.exporter.close()
        self.open()

    def wait(self, **duration) -> None:
        self.clock.advance(timedelta(**duration))

    def poll(self) -> None:
        self.poller.poll()

    def text(self) -> str:
        """Return what a scrape would get now."""
        self.exporter.publisher.publish()
        return self.exporter.publisher.current.exposition.text.plain.decode()

    def snapshot(self):
        return self.exporter.ledger.snapshot(self.clock.now())

    def counter(self, family="llm_cost_usd_total") -> int:
        """Return the sum of a counter family in nano-USD or as a count."""
        return sum(self.snapshot().counters.get(family, {}).values())

    def source(self, name="usage"):
        """Return the state of a source as the views see it."""
        self.exporter.publisher.publish()
        return self.poller.attempts[name]

    def close(self) -> None:
        self.exporter.close()


def run(simulated, hours, step=300):
    """Poll every `step` simulated seconds."""
    for _ in range(int(hours * 3600 / step)):
        simulated.poll()
        simulated.wait(seconds=step)


def counted(simulated):
    """Return what the counters should show: what was shown now minus at the first poll."""
    now = simulated.clock.now()
    end = now.replace(second=0, microsecond=0)
    shown = simulated.simulator.truth(START, end, now, visible=True)
    return shown.cost  # the simulation starts on a full hour, so the baseline is empty
