"""`reconcile` as finance runs it: a table, a spreadsheet, and sentences where there is neither."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from claude_cost_exporter.cli import app
from claude_cost_exporter.clock import ManualClock, SystemClock
from claude_cost_exporter.records import TokenType
from claude_cost_exporter.simulator.truth import label_of
from claude_cost_exporter.views.reconciliation import Reason
from tests.support.simulated import KEY, Simulated

START = datetime(2026, 10, 1, tzinfo=UTC)
SCENARIO = "discount,unknown_model,priority,blocked,code_execution,restated_bill"


NOW = START + timedelta(days=8, hours=1)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Eight simulated days of October, read twice a day; the exporter is still running."""
    folder = tmp_path_factory.mktemp("ledger")
    simulated = Simulated(folder, SCENARIO, start=START, poll="3600s", api="legacy")
    for _ in range(16):
        simulated.poll()
        simulated.wait(hours=12)
    yield simulated
    simulated.close()


def command(folder, tmp_path, monkeypatch, now=NOW):
    """Return a function that runs the command on 9 October and returns what it printed."""
    config = tmp_path / "config.yml"
    config.write_text(
        "sources: [{type: anthropic, account: sim, admin_key_env: KEY}]\n"
        f'ledger: {{url: "sqlite:///{folder}/ledger.db"}}\n'
    )
    monkeypatch.setattr(SystemClock, "now", lambda _: now)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments, code=0):
        done = CliRunner().invoke(app, ["reconcile", f"--config.file={config}", *arguments])
        assert done.exit_code == code, done.output
        return done.output

    return run


@pytest.fixture
def reconcile(simulated, tmp_path, monkeypatch):
    """Run the command on 9 October and return what it printed."""
    return command(simulated.folder, tmp_path, monkeypatch)


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
    "discount": f"{Reason.DISCOUNT}: 15.0%",
}


@pytest.mark.parametrize("why", REASONS)
def test_every_kind_of_difference_is_named(reconcile, why):
    """The table and the spreadsheet name each of the five, with the model that it is about."""
    said = REASONS[why]
    lines = [row for row in rows(reconcile("--csv")) if row["reason"] == said]
    assert lines
    assert all(row["model"] and row["day"] for row in lines)
    assert said.split(": ")[-1] in " ".join(reconcile().split())


RESTATED = (date(2026, 10, 3), date(2026, 10, 4))
UNREAD = date(2026, 10, 8)
UNTIL_LEARNED = date(2026, 10, 3)
YOUNG = date(2026, 10, 4)


def refused(simulated, day):
    """Return model and token type of everything that is used and refused in part that day."""
    midnight = datetime.combine(day, time(), UTC)
    used = simulated.simulator.truth(midnight, midnight + timedelta(days=1)).by_series
    return {
        (label_of(series.model), token_type)
        for series, spend in used.items()
        if series.blocked
        for token_type, tokens in zip(TokenType, spend.tokens, strict=True)
        if tokens
    }


def expected(line, refusals):
    """Return the reason that a line must have, as the simulation made it."""
    day, model = date.fromisoformat(line["day"]), line["model"]
    if day == UNREAD:
        return Reason.NOT_READ
    if line["cost_type"] == "code_execution":
        return Reason.NO_USAGE
    if model == "claude-lyra-1" and day <= UNTIL_LEARNED:
        return Reason.UNPRICED
    if (model, line["token_type"]) in refusals[day]:
        return (
            Reason.LATE
            if day >= YOUNG
            else (Reason.RESTATED if day in RESTATED else Reason.UNBILLED)
        )
    if day in RESTATED:
        return Reason.WHOLE_DAY
    return "" if model in {"claude-lyra-1", "none"} else Reason.DISCOUNT


def test_every_reason_is_the_one_that_the_simulation_made(simulated, reconcile):
    """Line by line: refused tokens, restated days, the unlisted model, containers, the rest."""
    lines = [line for line in rows(reconcile("--csv")) if line["estimated_usd"]]
    days = {date.fromisoformat(line["day"]) for line in lines}
    refusals = {day: refused(simulated, day) for day in days}
    wrong = [
        (line, expected(line, refusals))
        for line in lines
        if line["reason"].split(":")[0].split(" (the bill may")[0] != expected(line, refusals)
    ]
    assert wrong == []
    assert len({expected(line, refusals) for line in lines}) == 9


def test_a_bill_that_was_read_once_is_explained(tmp_path, monkeypatch):
    """After the first start every day has the reason that the data show, and may still change."""
    simulated = Simulated(
        tmp_path,
        "discount,blocked",
        start=START,
        clock=ManualClock(NOW),
        history="8d",
        api="legacy",
    )
    simulated.poll()
    while simulated.poller.load_history():
        pass
    text = command(tmp_path, tmp_path, monkeypatch)("--csv", "--month=2026-10")
    simulated.close()
    first = [line for line in rows(text) if line["day"] == "2026-10-02"]
    found = {line["reason"] for line in first}
    assert found == {
        "",
        f"{Reason.DISCOUNT}: 15.0% (the bill may still change)",
        f"{Reason.UNBILLED} (the bill may still change)",
    }


def test_lines_fit_a_terminal_of_eighty_columns(reconcile):
    """Reasons stand on lines of their own; what is charged without a model says what it is."""
    lines = reconcile().splitlines()
    assert max(map(len, lines)) <= 80
    assert not any(line.strip().startswith("none ") or line.endswith(":") for line in lines)
    assert sum(line.startswith("2026-10-") for line in lines) == 8
    after = lines[lines.index(next(line for line in lines if line.startswith("all days"))) :]
    assert [line.split()[0] for line in after[1:10]] == [
        *("claude-haiku-4-5", "claude-lyra-1", "claude-opus-4-8", "claude-opus-5-5"),
        *("claude-sonnet-4-6", "claude-sonnet-5-5", "code_execution", "web_search", "total"),
    ]


def test_the_spreadsheet_adds_up_exactly(reconcile):
    """Amounts are exact decimals: billed minus estimated is the difference, line by line."""
    lines = [row for row in rows(reconcile("--csv")) if row["billed_usd"]]
    assert len(lines) > 100
    for row in lines:
        estimated, billed = Decimal(row["estimated_usd"]), Decimal(row["billed_usd"])
        assert Decimal(row["difference_usd"]) == billed - estimated
    different = {row["reason"] for row in lines if abs(Decimal(row["difference_usd"])) > 1}
    assert "" not in different
    assert f"{Reason.DISCOUNT}: 15.0%" in different
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


@pytest.mark.parametrize("month", ["2026-11", "2062-01"])
def test_a_month_that_has_not_begun_is_refused(reconcile, month):
    """There is no closed day in it, which is a sentence and exit code 2."""
    assert f"no day of {month} has ended yet" in reconcile(f"--month={month}", code=2)


def test_on_the_first_it_is_the_month_that_has_ended(simulated, tmp_path, monkeypatch):
    """On 1 November yesterday's month is October, and November has no closed day yet."""
    run = command(simulated.folder, tmp_path, monkeypatch, datetime(2026, 11, 1, 5, tzinfo=UTC))
    assert "sim: 2026-10-01 to 2026-10-31" in run()
    assert "no day of 2026-11 has ended yet" in run("--month=2026-11", code=2)


def test_days_end_yesterday(reconcile):
    """The running month ends with the last closed UTC day."""
    newest = max(date.fromisoformat(row["day"]) for row in rows(reconcile("--csv")))
    assert newest == date(2026, 10, 8)
