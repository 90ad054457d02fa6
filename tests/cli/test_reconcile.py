"""`reconcile` as finance runs it: a table, a spreadsheet, and sentences where there is neither."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from claude_cost_exporter.cli import app
from claude_cost_exporter.clock import SystemClock
from claude_cost_exporter.views.reconciliation import Reason
from tests.support.simulated import KEY, Simulated

START = datetime(2026, 10, 1, tzinfo=UTC)
SCENARIO = "discount,unknown_model,priority,blocked,code_execution,restated_bill"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    """Eight simulated days of October, read twice a day; the exporter is still running."""
    folder = tmp_path_factory.mktemp("ledger")
    simulated = Simulated(folder, SCENARIO, start=START, poll="3600s", api="legacy")
    for _ in range(16):
        simulated.poll()
        simulated.wait(hours=12)
    yield folder
    simulated.close()


@pytest.fixture
def reconcile(ledger, tmp_path, monkeypatch):
    """Run the command on 9 October and return what it printed."""
    config = tmp_path / "config.yml"
    config.write_text(
        "sources: [{type: anthropic, account: sim, admin_key_env: KEY}]\n"
        f'ledger: {{url: "sqlite:///{ledger}/ledger.db"}}\n'
    )
    monkeypatch.setattr(SystemClock, "now", lambda _: START + timedelta(days=8, hours=1))

    def run(*arguments, code=0):
        done = CliRunner().invoke(app, ["reconcile", f"--config.file={config}", *arguments])
        assert done.exit_code == code, done.output
        return done.output

    return run


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_the_table_names_every_day_model_and_difference(reconcile):
    """Every day and model has a row, and every difference of the scenario its sentence."""
    shown = reconcile("--month=2026-10")
    assert "sim: 2026-10-01 to 2026-10-08" in shown
    for day in range(1, 9):
        assert f"2026-10-{day:02}" in shown
    for sentence in ("discount", "priority_tier", "billed, but in no usage report"):
        assert sentence in shown
    assert "total" in shown


REASONS = {
    "priority tier": "no price: priority_tier",  # it is in no bill, too
    "unbilled refusals": Reason.UNBILLED,
    "unpriced": "no list price, so nothing was estimated: unknown_model",
    "late": Reason.LATE,
    "discount": f"{Reason.DISCOUNT} 15.0%",
}


@pytest.mark.parametrize("why", REASONS)
def test_every_kind_of_difference_is_named(reconcile, why):
    """The table and the spreadsheet name each of the five, with the model that it is about."""
    said = REASONS[why]
    lines = [row for row in rows(reconcile("--csv")) if row["reason"] == said]
    assert lines
    assert all(row["model"] and row["day"] for row in lines)
    assert said.split(": ")[-1] in " ".join(reconcile().split())


def test_the_spreadsheet_adds_up_exactly(reconcile):
    """Amounts are exact decimals: billed minus estimated is the difference, line by line."""
    lines = [row for row in rows(reconcile("--csv")) if row["billed_usd"]]
    assert len(lines) > 100
    for row in lines:
        estimated, billed = Decimal(row["estimated_usd"]), Decimal(row["billed_usd"])
        assert Decimal(row["difference_usd"]) == billed - estimated
    different = {row["reason"] for row in lines if abs(Decimal(row["difference_usd"])) > 1}
    assert "" not in different
    assert f"{Reason.DISCOUNT} 15.0%" in different
    assert any(reason.startswith(Reason.UNPRICED) for reason in different)


def test_tokens_without_a_price_are_in_the_spreadsheet(reconcile):
    """Priority Tier tokens have no amount; their rows say why."""
    unpriced = [
        row for row in rows(reconcile("--csv")) if row["reason"] == "no price: priority_tier"
    ]
    assert unpriced
    assert all(int(row["tokens"]) > 0 and row["billed_usd"] == "" for row in unpriced)


def test_a_month_without_data_says_so(reconcile):
    """An old month has neither usage nor bill, and that is what is printed."""
    assert "no usage and no bill has been read for these days" in reconcile("--month=2026-05")


def test_what_cannot_be_done_is_a_sentence(reconcile, tmp_path, monkeypatch):
    """A wrong month, an unknown account and a missing ledger are told apart."""
    assert "'October' is not a month; write 2026-11" in reconcile("--month=October", code=2)
    assert "the ledger has no account zeta" in reconcile("--account=zeta", code=1)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "nothing"))
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", KEY)
    done = CliRunner().invoke(app, ["reconcile"])
    assert "there is no ledger" in str(done.exception)


def test_days_end_yesterday(reconcile):
    """The running month ends with the last closed UTC day."""
    newest = max(date.fromisoformat(row["day"]) for row in rows(reconcile("--csv")))
    assert newest == date(2026, 10, 8)
