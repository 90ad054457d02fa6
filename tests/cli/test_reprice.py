"""The `reprice` command: what it prints, that it asks, and when it refuses."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
import typer
from typer.testing import CliRunner

from claude_cost_exporter.cli import reprice
from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.errors import ConfigError, LedgerError, LedgerLockedError
from claude_cost_exporter.ledger.base import Settings
from claude_cost_exporter.pricing.book import PriceBook
from claude_cost_exporter.pricing.overrides import Override
from claude_cost_exporter.records import Tokens
from claude_cost_exporter.snapshot import Scope
from tests.support.bills import on
from tests.support.ledger import START, Account, used

CONFIG = """
sources: [{{type: anthropic, account: acme, admin_key_env: KEY}}]
ledger: {{url: "{url}"}}
"""
OPUS, HAIKU = on("claude-opus-5"), on("claude-haiku-4-5-20251001", geo="not_available")
MILLION = Tokens(1_000_000)


class Shop:
    """A ledger that an exporter has left, and the command."""

    def __init__(self, folder) -> None:
        self.url = f"sqlite:///{folder}/ledger.db"
        self.config = folder / "config.yml"
        self.config.write_text(CONFIG.format(url=self.url))
        book = PriceBook.packaged()
        day = START.date()
        rows = [
            row
            for dims in (OPUS, HAIKU)
            for back in (0, 1)
            for row in used(START - back * DAY, MILLION, dims=dims,
                            rates=book.rates("acme", dims, day))
        ]  # fmt: skip
        self.account = Account(self.url, Settings(), START)
        self.account.ledger.accept_book(book.document(), START)
        self.account.poll(START, *rows, back=25)
        self.account.ledger.close()

    def learn(self, *entries):
        """Let the exporter have learned something."""
        self.account.open(START + HOUR)
        book = PriceBook.packaged().with_learned(entries)
        self.account.ledger.accept_book(book.document(), START + HOUR)
        self.account.ledger.close()

    def run(self, *arguments, answer=None):
        app = typer.Typer()
        app.command("reprice")(reprice.command)
        arguments = [f"--config.file={self.config}", *arguments]
        return CliRunner().invoke(app, arguments, input=answer)

    def spend(self):
        """Return dollars of yesterday and today."""
        self.account.open(START + 2 * HOUR)
        days = self.account.snapshot(START + 2 * HOUR).days[Scope("acme", "all", "all")]
        self.account.ledger.close()
        return [days[START.date() - day] / 10**9 for day in (DAY, timedelta())]


@pytest.fixture
def shop(tmp_path):
    """Two models, a million input tokens each, yesterday and today: 5 USD and 1 USD a day."""
    return Shop(tmp_path)


DISCOUNT = Override(account="acme", factor=Decimal("0.85"))


@pytest.mark.parametrize(
    ("arguments", "answer"), [(["--yes"], None), ([], "y\n")], ids=["--yes", "yes"]
)
def test_it_prints_what_changes_and_changes_it(shop, arguments, answer):
    """By model: before, after and the difference; then the rows have the new rates."""
    shop.learn(DISCOUNT)
    result = shop.run("--since=2026-11-02", *arguments, answer=answer)
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[:5] == [
        ["estimated", "USD", "before", "after", "difference"],
        ["acme", "claude-haiku-4-5", "2.0000", "1.7000", "-0.3000"],
        ["acme", "claude-opus-5", "10.0000", "8.5000", "-1.5000"],
        ["total", "12.0000", "10.2000", "-1.8000"],
        ["8", "rows", "of", "2", "days;", "counters", "do", "not", "move."],
    ]
    assert ("Change these rows?" in result.stdout) == (answer is not None)
    assert shop.spend() == [5.1, 5.1]


@pytest.mark.parametrize("answer", ["n\n", ""], ids=["no", "no answer"])
def test_without_a_yes_nothing_is_done(shop, answer):
    """No, or nobody there to ask: exit code 1, and the ledger is as it was."""
    shop.learn(DISCOUNT)
    result = shop.run("--since=2026-11-02", answer=answer)
    assert result.exit_code == 1
    assert "difference" in result.stdout
    assert shop.spend() == [6, 6]


def test_only_what_changes_is_listed(shop):
    """One model has other rates, from one day on: the rest is in the total only."""
    entry = Override(account="acme", model="claude-opus-5", from_=START.date(), factor=Decimal(2))
    shop.learn(entry)
    result = shop.run("--since=2026-11-02", "--yes")
    assert "haiku" not in result.stdout
    assert [line.split()[-1] for line in result.stdout.splitlines()[1:3]] == ["5.0000", "5.0000"]
    assert shop.spend() == [6, 11]


def test_overrides_of_the_configuration_are_current_prices(shop):
    """They need not have been in force before: the file that is named decides."""
    with shop.config.open("a") as file:
        file.write("prices: {overrides: [{model: claude-opus-5, factor: 0.5}]}\n")
    result = shop.run("--since=2026-11-03", "--yes")
    assert result.exit_code == 0
    assert shop.spend() == [6, 3.5]


def test_nothing_to_do_is_said(shop):
    """Rows that have the current rates already, or no rows at all: no question, exit code 0."""
    for since, why in (
        ("2026-11-01", "every row has the rates of the current prices"),
        ("2027-01-01", "there is no usage from that day on"),
    ):
        result = shop.run(f"--since={since}")
        assert (result.exit_code, result.stdout) == (0, f"nothing changes: {why}\n")


def test_an_exporter_that_runs_is_not_disturbed(shop):
    """While somebody holds the ledger the command refuses, and says what to do."""
    shop.account.open(START)
    result = shop.run("--since=2026-11-01", "--yes")
    shop.account.ledger.close()
    assert isinstance(result.exception, LedgerLockedError)
    assert str(result.exception).endswith("; stop it, reprice, and start it again")
    assert "another exporter (process " in str(result.exception)


def test_a_ledger_that_is_not_there_is_not_made(shop, tmp_path):
    """A wrong path is an error and leaves no file behind."""
    shop.config.write_text(CONFIG.format(url=f"sqlite:///{tmp_path}/other/ledger.db"))
    result = shop.run("--since=2026-11-01", "--yes")
    assert isinstance(result.exception, LedgerError)
    assert "there is no ledger" in str(result.exception)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("arguments", [[], ["--since=yesterday"], ["--since=2026-13-01"]])
def test_the_day_must_be_one(shop, arguments):
    """--since is needed, as a date; anything else is exit code 2."""
    assert shop.run(*arguments).exit_code == 2


def test_problems_of_the_configuration_are_shown(shop, capsys):
    """A wrong configuration is refused with every problem in it."""
    shop.config.write_text("sources: []\nledgr: {}\n")
    result = shop.run("--since=2026-11-01")
    assert isinstance(result.exception, ConfigError)
    assert "ledgr: unknown key" in str(result.exception)
