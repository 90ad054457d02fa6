"""Every target of every dashboard, asked of a real Prometheus with two months in it.

An exporter reads a simulated organisation in real time and loads its history; `backfill` puts that
into a Prometheus, which then scrapes the exporter. Each target is asked as Grafana would ask it
when the dashboard opens.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from claude_cost_exporter.records import NANO
from claude_cost_exporter.simulator import Simulator, serve
from tests.e2e.servers import Prometheus, PrometheusTools
from tests.support.dashboards import asked, boards, defaults, seconds, targets
from tests.support.program import Program

BOARDS = boards()
DAYS = 65
"""Two months, so that last month is whole whatever today is."""
MOST_SERIES = 120
PATIENCE = 600.0
CONFIG = """
sources:
  - {{type: anthropic, account: sim, admin_key_env: KEY, base_url: "{api}", history: {days}d,
     poll_interval: 10s}}
ledger: {{url: "sqlite:///{folder}/ledger.db"}}
scrape_interval: 5s
subscriptions:
  - {{provider: anthropic, account: sim, plan: team, seats: 5, price_usd: 30, interval: monthly}}
budgets:
  - {{name: everything, amount_usd: 15000, period: month, scope_type: all}}
  - {{name: research, amount_usd: 1100, period: month, scope_type: workspace, scope: Research}}
credits: [{{account: sim, date: {credit}, amount_usd: 20000}}]
routing_whatif: [{{from_model: claude-opus-5-5, to_model: claude-sonnet-5-5}}]
"""
LOADED = "llm_model_first_seen_timestamp_seconds{"
ELSEWHERE = "llm-cost-claude-code-otel"
"""Its metrics come from Claude Code and not from the exporter."""
MAY_BE_EMPTY = {
    "Billed days": "the month's first days may not have been billed yet",
    "This month, billed and estimated, by day": "the same",
    "Billed / estimated, 7 days": "a bill needs two readings hours apart",
    "Billed / estimated over 7 days": "the same",
    "Billed and estimated by kind of cost": "the same",
    "Billed / estimated by model and token type": "the same",
    "Can these numbers be trusted?": "the same",
    "Unpriced tokens by model and reason, per day": "everything has a price here",
    "Ambiguously priced tokens, per day": "nothing is ambiguous here",
    "Restatements, per day": "born with the exporter, minutes ago",
    "The ten largest end customers, per day": "drawn once a day",
    "End customers in this time range": "moves once a day",
    "Cost by Claude Code's own estimate": "this key sees no subscriptions",
    "Sources": "no poll has failed",
    "Failed polls by kind, per minute": "no poll has failed",
    "Fields that this version does not know": "every field is known",
    "Series beyond the cap, by family": "no family is at its cap",
    "Budgets in detail": "a budget that lasts has no end",
    "Prepaid credit": "credit that lasts has no end",
}
"""Panels of which a target may have no answer, and why; none is empty as a whole."""


class Stack:
    """The simulated organisation, its exporter and a Prometheus with its past."""

    def __init__(self, folder, simulator, server) -> None:
        self.simulator = simulator
        self.server = server

    def answer(self, panel, target, board):
        """Ask a target like the dashboard that has just been opened.

        Steps are counted back from now. Grafana counts them from midnight, and what only lives
        since seconds would not have lived at any of those.
        """
        span = seconds(board["time"]["from"].removeprefix("now-"))
        query = asked(panel, target, defaults(board), span=span, scrape=5)
        now = time.time()
        if query.instant:
            return self.server.query(query.expr, now)
        start = now - span // query.step * query.step
        return self.server.query_range(query.expr, start, now, query.step)

    def figure(self, uid, title):
        """Return the first number of a panel."""
        board = BOARDS[uid]
        panel, target = next(one for one in targets(board) if one[0]["title"] == title)
        (series,) = self.answer(panel, target, board)
        return series.value


@pytest.fixture(scope="module")
def stack(request, tmp_path_factory):
    """Everything, once all of it has happened."""
    folder = tmp_path_factory.mktemp("dashboards")
    tools = PrometheusTools.find(3)
    simulator = Simulator("steady", history_days=DAYS)
    config = folder / "config.yml"
    today = datetime.now(UTC).date()
    with serve(simulator) as api:
        text = CONFIG.format(api=api.url, folder=folder, days=DAYS, credit=today.replace(day=1))
        config.write_text(text, encoding="utf-8")
        where = f"--config.file={config}"
        key = {"KEY": "sk-ant-admin01-simulated"}
        listen = "--web.listen-address=127.0.0.1:0"
        with Program(folder, "serve", where, listen, **key) as exporter:
            exporter.wait_for("history", lambda: LOADED in exporter.get("/metrics"), PATIENCE)
            address = exporter.url.removeprefix("http://")
            (folder / "data").mkdir()
            past = (
                *("--job=exporter", f"--instance={address}"),
                *(f"--promtool={tools.folder}/promtool", f"--data-dir={folder}/data"),
            )
            with Program(folder, "backfill", where, *past, **key) as backfill:
                assert backfill.process.wait(PATIENCE) == 0, backfill.out + backfill.err
            with Prometheus(tools, folder, targets=[address], scrape_interval="5s") as server:
                server.wait_for(
                    "increase(claude_cost_exporter_polls_total{source='usage'}[1m]) > 1"
                )
                yield Stack(folder, simulator, server)


@pytest.mark.parametrize("uid", sorted(BOARDS))
def test_every_target_has_an_answer(stack, uid):
    """No error, not empty, and not more series than a person can look at."""
    board = BOARDS[uid]
    answers = {}
    for panel, target in targets(board):
        found = stack.answer(panel, target, board)
        assert len(found) <= MOST_SERIES, (panel["title"], target["refId"])
        answers.setdefault(panel["title"], []).append(bool(found))
    if uid != ELSEWHERE:
        empty = {title for title, there in answers.items() if not all(there)}
        assert empty - MAY_BE_EMPTY.keys() == set()


def test_the_figures_of_the_overview_are_the_truth(stack):
    """Today and this month are what the organisation has used, fees by day added.

    What was used in the last minutes is not in the API yet.
    """
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    midnight = now.replace(hour=0, minute=0)
    month = midnight.replace(day=1)
    metered = stack.simulator.truth(month, now, now, visible=True).cost / NANO
    days = (month + timedelta(days=32)).replace(day=1) - month
    fees = 150 * ((now - month) / days)

    assert stack.figure("llm-cost-overview", "This month so far") == pytest.approx(
        metered + fees, rel=0.01
    )


def test_the_past_is_the_truth(stack):
    """The cost of the last seven days is what was used in them, past and live ones together."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    used = stack.simulator.truth(now - timedelta(days=7), now, now, visible=True).cost / NANO

    title = "Metered cost in this time range"
    assert stack.figure("llm-cost-models", title) == pytest.approx(used, rel=0.01)
