"""A running exporter, scraped by real Prometheus servers while it is killed and restarted.

What is compared. The exporter is the ordinary program in a process of its own. It polls a
simulated Admin API over a socket every second, and both Prometheus versions scrape it every
second. It is killed with SIGKILL and started again, then ended with SIGTERM and started again.
Usage becomes visible as it does in reality, 2 to 5 minutes after its minute, so that at any time
some of it comes in.

The clock of the API stands still twice: until both servers have seen the counters at 0, and at
the end, until both have seen a whole poll. So there is one answer to what was visible first and
last, and last minus first raw sample must equal it: every series, to the nano-dollar.

Whatever is waited for is something that both servers have stored. In the first minutes of an
hour that takes longer: counters begin in the hour of the first poll, and nothing of it is
visible yet.
"""

from __future__ import annotations

import json
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from claude_cost_exporter.catalogue import BY_NAME
from claude_cost_exporter.clock import SystemClock, floor_hour
from claude_cost_exporter.records import NANO
from claude_cost_exporter.simulator import Simulator, serve
from claude_cost_exporter.simulator.flows import ACME_FLOWS, FLAT
from claude_cost_exporter.simulator.scenarios import STEADY
from tests.e2e.asking import free_port
from tests.e2e.servers import Prometheus
from tests.support.processes import KILLED, ExporterProcess

COST, TOKENS = "llm_cost_usd_total", "llm_tokens_total"
SCRAPE_SECONDS = 1
HOLD_SECONDS = 3
CHANGES = 15
"""Steps of single series that both servers must see in each life of the exporter."""
PATIENCE = 400.0
ALWAYS_BUSY = tuple(replace(flow, profile=FLAT, odds=100) for flow in ACME_FLOWS)
LIVE = replace(STEADY, name="live", flows=ALWAYS_BUSY)


class StoppableClock(SystemClock):
    """The machine's clock, that can stand still."""

    def __init__(self) -> None:
        self._still: datetime | None = None

    def now(self) -> datetime:
        return self._still or super().now()

    def stop(self) -> datetime:
        self._still = self.now()
        return self._still

    def go_on(self) -> None:
        self._still = None


@dataclass(frozen=True, slots=True)
class Live:
    """What was done, and who watched."""

    simulator: Simulator
    exporter: ExporterProcess
    servers: tuple[Prometheus, ...]
    first: datetime
    last: datetime
    exit_codes: tuple[int, ...]

    def truth(self, counting_since: float) -> tuple[dict, dict]:
        """Return what became visible from first to last, as nano-USD and as tokens, by labels."""
        start = floor_hour(datetime.fromtimestamp(counting_since, UTC))
        end = self.last.replace(second=0, microsecond=0)
        before, after = (
            self.simulator.truth(start, end, moment, visible=True)
            for moment in (self.first, self.last)
        )
        return (
            _minus(after.cost_by_labels(), before.cost_by_labels()),
            _minus(after.tokens_by_labels(), before.tokens_by_labels()),
        )


def _minus(after: dict, before: dict) -> dict:
    difference = {labels: value - before.get(labels, 0) for labels, value in after.items()}
    return {labels: value for labels, value in difference.items() if value}


@pytest.fixture(scope="module")
def live(both_prometheus_tools, tmp_path_factory):
    """Two Prometheus servers that have watched an exporter be killed and restarted."""
    clock = StoppableClock()
    first = clock.stop()
    simulator = Simulator(LIVE, clock=clock, seed=7)
    folder = tmp_path_factory.mktemp("live")
    address = f"127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        api = stack.enter_context(serve(simulator))
        exporter = ExporterProcess(_config(folder, api.url), address)
        stack.enter_context(exporter)
        servers = tuple(
            stack.enter_context(
                Prometheus(tools, tmp_path_factory.mktemp("prometheus"), targets=[address])
            )
            for tools in both_prometheus_tools
        )
        _wait(servers, COST)
        clock.go_on()
        _watch(servers, CHANGES)
        codes = [exporter.end(signal.SIGKILL)]
        exporter.start()
        _watch(servers, 2 * CHANGES)
        codes.append(exporter.end(signal.SIGTERM))
        exporter.start()
        _watch(servers, 3 * CHANGES)
        last = clock.stop()
        settled = last.timestamp() + HOLD_SECONDS + 2
        _wait(servers, f'llm_source_last_success_timestamp_seconds{{source="usage"}} > {settled}')
        yield Live(simulator, exporter, servers, first, last, tuple(codes))


def _config(folder, url):
    path = folder / "config.yml"
    source = {
        "type": "anthropic",
        "account": "live",
        "admin_key_env": "KEY",
        "base_url": url,
        "poll_interval": "1s",
        "history": "0d",
    }
    document = {
        "sources": [source],
        "ledger": {"url": f"sqlite:///{folder}/ledger.db"},
        "scrape_interval": f"{SCRAPE_SECONDS}s",
        "new_series_hold": f"{HOLD_SECONDS}s",
    }
    path.write_text(json.dumps(document), encoding="utf-8")  # JSON is YAML
    return path


def _wait(servers, expression):
    for server in servers:
        server.wait_for(expression, PATIENCE)


def _watch(servers, changes):
    """Wait until every server has seen the counters move that often."""
    _wait(servers, f"sum(changes({COST}[1h])) >= {changes}")


@pytest.fixture(scope="module", params=[0, 1], ids=["2.x", "3.x"])
def server(request, live):
    """One of the servers."""
    return live.servers[request.param]


def _raw(server, live, family):
    """Return all samples of a family, by the labels that the truth uses."""
    names = [name for name in BY_NAME[family].labels if name not in ("provider", "account")]
    found = server.raw(family, live.first, time.time())
    return {tuple(series.labels[name] for name in names): series.points for series in found}


def _counting_since(server):
    return server.value("llm_counting_since_timestamp_seconds", time.time())


def test_t5_nothing_is_lost_or_added_over_a_kill_and_a_restart(live, server):
    """T5: last minus first raw sample is what the API showed, for cost and for tokens."""
    cost, tokens = live.truth(_counting_since(server))

    assert live.exit_codes == (KILLED, 0)
    assert cost
    assert _growth(_raw(server, live, COST), NANO) == cost
    assert _growth(_raw(server, live, TOKENS), 1) == tokens


def _growth(series, unit):
    """Return last minus first sample of every series that has moved, in whole units."""
    ends = {labels: (points[0][1], points[-1][1]) for labels, points in series.items()}
    return {
        labels: round(last * unit) - round(first * unit)
        for labels, (first, last) in ends.items()
        if first != last
    }


def test_the_counters_never_fall(live, server):
    """Over three processes no sample of any counter is below the one before."""
    counters = server.raw('{__name__=~"llm_.+_total"}', live.first, time.time())
    starts = server.raw("process_start_time_seconds", live.first, time.time())

    assert len({value for series in starts for _, value in series.points}) == 3
    assert {series.labels["__name__"] for series in counters} >= {COST, TOKENS}
    assert [
        series.labels
        for series in counters
        for (_, before), (_, after) in pairwise(series.points)
        if after < before
    ] == []


@pytest.mark.parametrize("family", [COST, TOKENS])
def test_increase_is_within_one_scrape_interval(live, server, family):
    """increase() differs from the truth by less than the spend of one scrape interval."""
    cost, tokens = live.truth(_counting_since(server))
    truth = sum(cost.values()) / NANO if family == COST else sum(tokens.values())
    points = next(iter(_raw(server, live, family).values()))
    seconds = points[-1][0] - points[0][0]

    assert server.value(f"sum(increase({family}[1h]))", points[-1][0] + 0.5) == pytest.approx(
        truth, abs=truth * SCRAPE_SECONDS / seconds
    )


def test_t15_every_scrape_saw_one_poll_as_a_whole(live, server):
    """T15: at every scrape cost and tokens belong together, and no series was ever missing."""
    cost, tokens = _raw(server, live, COST), _raw(server, live, TOKENS)
    moved = [labels for labels in tokens if tokens[labels][-1][1] > 0]
    scrapes = max(map(len, tokens.values()))

    assert len(moved) > CHANGES
    assert [labels for labels in moved if len(tokens[labels]) < scrapes] == []
    for labels in moved:
        *who, token_type = labels
        spent = [round(value * NANO) for _, value in cost[*who, "tokens", token_type]]
        used = [round(value) for _, value in tokens[labels]]
        rate = spent[-1] // used[-1]

        assert spent == [rate * count for count in used], labels


def test_the_exposition_passes_promtool(live, server):
    """Promtool has nothing to say of what the exporter answers, but that a count of days is one."""
    found = server.tools.check_metrics(live.exporter.get("/metrics"))
    assert found == ['llm_forecast_history_days use base unit "seconds" instead of "days"']
