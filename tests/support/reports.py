"""Commands that read the ledger of a running exporter, at its simulated moment."""

from __future__ import annotations

from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from claude_cost_exporter.cli import app
from claude_cost_exporter.clock import SystemClock
from tests.support.simulated import Simulated

START = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
PLANS = """
subscriptions: [{provider: anthropic, account: sim, plan: team, seats: 10, price_usd: 30}]
budgets:
  - {name: everything, amount_usd: 15000}
  - {name: research, amount_usd: 1100, scope_type: workspace, scope: Research}
  - {name: daily, amount_usd: 210, period: day}
credits: [{account: sim, date: 2026-11-01, amount_usd: 20000}]
"""
CONFIG = """
sources: [{{type: anthropic, account: sim, admin_key_env: NOT_SET}}]
ledger: {{url: "sqlite:///{folder}/ledger.db"}}
{more}
"""
WHO = {"provider": "anthropic", "account": "sim"}


def loaded(folder, scenario="steady", **options):
    """Return an exporter whose history is read."""
    running = Simulated(folder, scenario, **{"start": START, "history": "50d"} | options)
    running.poll()
    while running.poller.load_history():
        pass
    for _ in range(3):
        running.wait(minutes=5)
        running.poll()
    return running


class Commands:
    """Runs commands beside an exporter, on its clock."""

    def __init__(self, simulated, folder, monkeypatch, more=PLANS) -> None:
        self.config = folder / "config.yml"
        text = CONFIG.format(folder=simulated.folder, more=more)
        self.config.write_text(text, encoding="utf-8")
        monkeypatch.setattr(SystemClock, "now", lambda _: simulated.clock.now())

    def __call__(self, command, *arguments, code=0, **environment):
        done = CliRunner(env=environment).invoke(
            app, [command, f"--config.file={self.config}", *arguments]
        )
        assert done.exit_code == code, done.output + repr(done.exception)
        return done.output if done.exception is None or code == 2 else str(done.exception)


class Scraped:
    """What /metrics shows at the simulated moment."""

    def __init__(self, simulated) -> None:
        self._values = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(simulated.text())
            for sample in family.samples
        }

    def __call__(self, name, **labels):
        return self._values.get((name, frozenset(labels.items())))

    def sum(self, name, **labels):
        """Return the sum of the series that have these labels."""
        wanted = frozenset(labels.items())
        return sum(
            value for (found, has), value in self._values.items() if found == name and wanted <= has
        )
