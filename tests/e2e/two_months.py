"""Two months of a simulated organisation in a real Prometheus, asked like dashboards ask it.

An exporter reads the organisation in real time and loads its history; `backfill` puts that into a
Prometheus, which then scrapes the exporter.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from claude_cost_exporter.simulator import Simulator, serve
from tests.e2e import telemetry
from tests.e2e.servers import Prometheus, PrometheusTools
from tests.support.dashboards import asked, defaults, seconds
from tests.support.program import Program

if TYPE_CHECKING:
    from collections.abc import Iterator

RULES = sorted((Path(__file__).parent.parent.parent / "prometheus" / "rules").glob("*.yml"))
DAYS = 65
"""So that last month is whole whatever today is."""
SCRAPE_SECONDS = 5
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
_FIRST_DAY = (
    "the bill of the month's first day may not be in force yet: two readings, 6 hours apart"
)
_FLAWLESS = "no poll has failed"
EMPTY_PANELS = {
    ("llm-cost-health", "Failed polls by kind, per minute"): _FLAWLESS,
    ("llm-cost-health", "Fields that this version does not know"): "every field is known",
    ("llm-cost-health", "Series beyond the cap, by family"): "no family is at its cap",
    ("llm-cost-reconciliation", "This month so far, billed and estimated"): _FIRST_DAY,
    (
        "llm-cost-reconciliation",
        "Unpriced tokens by model and reason, per day",
    ): "everything has a price here",
    ("llm-cost-reconciliation", "Ambiguously priced tokens, per day"): "nothing is ambiguous here",
}
"""Panels without any answer, and why."""
MAY_BE_EMPTY = {
    (
        "llm-cost-claude-code",
        "Cost by Claude Code's own estimate",
        "B",
    ): "this key sees no subscriptions",
    ("llm-cost-health", "Sources", "E"): _FLAWLESS,
    ("llm-cost-overview", "Budgets in detail", "K"): "a budget that lasts has no end",
    ("llm-cost-overview", "Prepaid credit", "B"): "credit that lasts has no end",
    ("llm-cost-reconciliation", "Billed days", "A"): _FIRST_DAY,
    ("llm-cost-reconciliation", "Billed days", "B"): _FIRST_DAY,
}
"""Targets without an answer beside others that have one, and why."""


@dataclass(frozen=True, slots=True)
class TwoMonths:
    """The simulated organisation, and the Prometheus that knows its past."""

    simulator: Simulator
    server: Prometheus


def answer(server, panel, target, board, now, chosen=None):
    """Ask a target like the dashboard that has just been opened, or with something chosen.

    Steps are counted back from now. Grafana counts them from midnight, and what only lives
    since seconds would not have lived at any of those.
    """
    span = seconds(board["time"]["from"].removeprefix("now-"))
    values = defaults(board) | (chosen or {})
    query = asked(panel, target, values, span=span, scrape=SCRAPE_SECONDS)
    if query.instant:
        return server.query(query.expr, now)
    start = now - span // query.step * query.step
    return server.query_range(query.expr, start, now, query.step)


@contextmanager
def two_months(folder) -> Iterator[TwoMonths]:
    """Let all of it happen in a folder."""
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
        with Program(folder, "serve", "--simulated", where, listen, **key) as exporter:
            exporter.wait_for("history", lambda: LOADED in exporter.get("/metrics"), PATIENCE)
            address = exporter.url.removeprefix("http://")
            (folder / "data").mkdir()
            past = (
                *("--job=exporter", f"--instance={address}"),
                *(f"--promtool={tools.folder}/promtool", f"--data-dir={folder}/data"),
            )
            with Program(folder, "backfill", where, *past, **key) as backfill:
                assert backfill.process.wait(PATIENCE) == 0, backfill.out + backfill.err
            telemetry.write(folder / "telemetry.om", time.time())
            tools.load(folder / "telemetry.om", folder / "data")
            scrape = f"{SCRAPE_SECONDS}s"
            scraped = {"targets": [address], "scrape_interval": scrape}
            with Prometheus(tools, folder, rules=RULES, **scraped) as server:
                server.wait_for(
                    "increase(claude_cost_exporter_polls_total{source='usage'}[1m]) > 1"
                )
                server.wait_for("scope:llm_name:info")
                yield TwoMonths(simulator, server)
