"""From billed days to prices in force: in one ledger, with counters that never jump."""

from __future__ import annotations

from datetime import UTC, datetime, time
from decimal import Decimal
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from claude_cost_exporter.assemble import Fits, assemble
from claude_cost_exporter.cli import app
from claude_cost_exporter.cli.wiring import accept_prices
from claude_cost_exporter.clock import DAY, HOUR, SystemClock
from claude_cost_exporter.learning import PriceLearner
from claude_cost_exporter.ledger.base import BillBatch, Settings
from claude_cost_exporter.plans import Plans
from claude_cost_exporter.pricing.overrides import Override
from claude_cost_exporter.records import NANO, Tokens, UsageRecord, Window
from claude_cost_exporter.snapshot import Scope
from tests.support.bills import COUNTS, FIRST, NOVA, OPUS, SONNET, charge, cost, on
from tests.support.ledger import MINUTE, Account, used

LISTED = round(sum(cost(OPUS) + cost(SONNET)))


def midnight(day):
    return datetime.combine(day, time(), UTC)


class Organisation:
    """An account whose days pass one by one: usage at noon, polls at midnight, bills after."""

    def __init__(self, url) -> None:
        self.account = Account(url, Settings(), midnight(FIRST))
        self.learn_from_ledger(midnight(FIRST))
        self.lines = []
        self.day = FIRST
        self.account.poll(midnight(FIRST))

    def learn_from_ledger(self, now, overrides=()) -> None:
        """Begin as the exporter does: the packaged book, and what the ledger has learned."""
        self.prices = accept_prices(self.account.ledger, overrides, now)
        self.learner = PriceLearner(self.account.ledger, self.prices)

    def priced(self, hour, dimensions, counts=COUNTS):
        """Return the rows of one hour's usage at the rates in force."""
        record = UsageRecord("probe", hour, dimensions, counts)
        return used(hour, counts, dims=dimensions, rates=self.prices.rates("acme", record))

    def use(self, *dimensions, factor="1", counts=COUNTS) -> None:
        """Let a day pass with usage at noon."""
        rows = [row for d in dimensions for row in self.priced(
            midnight(self.day) + 12 * HOUR, d, counts)]  # fmt: skip
        self.lines += [line for d in dimensions for line in charge(self.day, d, factor, counts)]
        self.day += DAY
        self.account.poll(midnight(self.day), *rows, back=24)

    def read_bill(self, at, days=10) -> None:
        """Read the bill of the last days, and learn from those that are newly billed."""
        end = midnight(at.date())
        window = Window(max(end - days * DAY, midnight(FIRST)), end)
        first, last = window.start.date(), window.end.date()
        rows = [line for line in self.lines if first <= line.day < last]
        batch = BillBatch("acme", "cost", window, at, rows, ("bill/legacy",))
        changes = self.account.ledger.bill(batch)
        self.learner.billed("acme", (*changes.newly_billed, *changes.restated), at)

    def bill(self) -> None:
        """Read the bill twice, so that the day that ended last is billed at 13:00."""
        for hours in (5, 13):
            self.read_bill(midnight(self.day) + hours * HOUR)

    def learned(self):
        return [
            " ".join(str(part) for part in (e.model, e.token_type, e.factor or e.usd_per_million))
            for e in self.prices.current.learned
        ]

    def spend(self, kind, member, day):
        snapshot = self.account.snapshot(midnight(self.day))
        return snapshot.days[Scope("acme", kind, member)].get(day)


@pytest.fixture
def org(tmp_path):
    """An organisation on an empty ledger."""
    organisation = Organisation(f"sqlite:///{tmp_path}/ledger.db")
    yield organisation
    organisation.account.ledger.close()


def test_a_discount_is_in_force_after_three_settled_days(org):
    """15 % off: learned when the third day has settled, for hours that begin then."""
    for _ in range(4):
        org.use(OPUS, SONNET, factor="0.85")
        org.bill()
        assert org.learned() == []
    org.use(OPUS, SONNET, factor="0.85")
    org.bill()
    assert org.learned() == ["None None 0.85"]
    accepted = midnight(org.day) + 13 * HOUR
    rates = [
        org.prices.rates("acme", UsageRecord("probe", hour, OPUS, Tokens())).per_million[0]
        for hour in (accepted - HOUR, accepted)
    ]
    assert rates == [5 * NANO, 4_250_000_000]


def test_no_counter_moves_when_a_book_is_accepted(org):
    """Rows keep their rates, also when they are read again; later ones are cheaper."""
    for _ in range(5):
        org.use(OPUS, SONNET, factor="0.85")
    now = midnight(org.day) + 13 * HOUR
    before = org.account.cost(now)
    assert before == 5 * LISTED
    org.bill()
    assert org.learned() == ["None None 0.85"]
    rows = org.priced(midnight(org.day) - 12 * HOUR, OPUS)
    rows += org.priced(midnight(org.day) - 12 * HOUR, SONNET)
    org.account.poll(now, *rows, back=26)
    assert org.account.cost(now) == before
    rows += org.priced(now + HOUR, OPUS) + org.priced(now + HOUR, SONNET)
    org.account.poll(now + HOUR, *rows, back=27)
    assert org.account.cost(now + HOUR) == pytest.approx(before + 0.85 * LISTED, abs=20)


def test_an_unlisted_model_is_priced_from_its_first_billed_day(org):
    """Until then its cost is absent; the day's money comes from the bill, in gauges only."""
    org.use(NOVA, OPUS)
    later = midnight(org.day) + 2 * MINUTE
    unpriced = org.account.counter(later, "llm_unpriced_tokens_total")
    assert sum(unpriced.values()) == COUNTS.total
    counters = org.account.cost(later)
    org.bill()
    exact = round(sum(cost(NOVA)))
    assert org.spend("model", "claude-nova-1", FIRST) == pytest.approx(exact, rel=1e-6)
    assert org.account.cost(midnight(org.day) + 14 * HOUR) == counters
    org.use(NOVA)
    assert org.spend("model", "claude-nova-1", FIRST + DAY) is None
    org.account.poll(
        midnight(org.day) + 12 * HOUR, *org.priced(midnight(org.day) + 11 * HOUR, NOVA)
    )
    assert org.spend("model", "claude-nova-1", FIRST + 2 * DAY) == pytest.approx(exact, rel=0.01)


def test_types_without_a_learned_rate_stay_unpriced(org):
    """Writes of a kind that no bill has shown yet: counted as unpriced beside the priced rest."""
    org.use(NOVA, counts=COUNTS._replace(cache_write_1h=0))
    org.bill()
    org.use(NOVA)
    org.account.reopen(midnight(org.day))
    org.learn_from_ledger(midnight(org.day))
    noon = midnight(org.day) + 12 * HOUR
    org.account.poll(noon, *org.priced(noon, NOVA))
    later = noon + 2 * MINUTE
    unpriced = org.account.counter(later, "llm_unpriced_tokens_total")
    assert unpriced["claude-nova-1", "standard", "cache_write_1h", "unknown_model"] > COUNTS[4]
    costs = org.account.counter(later, "llm_cost_usd_total")
    types = {labels[-1] for labels, value in costs.items() if value}
    assert types == {"input", "output", "cache_read", "cache_write_5m"}
    configured = [SimpleNamespace(account="acme", sources=())]
    shown = assemble(org.account.snapshot(later), configured, org.prices, Plans(), Fits()).prices
    assert {price.token_type: price.usd_per_million for price in shown} == {
        "input": 7, "output": 34, "cache_read": 0.28, "cache_write_5m": 8.6,
    }  # fmt: skip
    assert {price.origin for price in shown} == {"learned"}


def test_learned_prices_survive_a_restart_and_an_override(org):
    """They are in the ledger's newest book; the user's own word goes before them."""
    org.use(NOVA)
    org.bill()
    known = org.learned()
    assert len(known) == 5
    org.account.reopen(midnight(org.day))
    own = Override(model="claude-nova-1", token_type="input", usd_per_million=Decimal(6))
    org.learn_from_ledger(midnight(org.day) + DAY, [own])
    assert org.learned() == known
    quote = org.prices.current.quote("acme", NOVA, org.day)
    assert ([str(rate) for rate in quote.rates[:2]], quote.origin) == (["6", "34"], "override")
    assert org.prices.current.quote("other", NOVA, org.day).rates is None


def test_a_restart_learns_what_was_missed(org):
    """A day that was billed when the process died teaches at the first read after the restart."""
    org.use(NOVA)
    org.learner.billed = lambda *_: None
    org.bill()
    org.account.reopen(midnight(org.day) + 14 * HOUR)
    org.learn_from_ledger(midnight(org.day) + 14 * HOUR)
    org.read_bill(midnight(org.day) + 15 * HOUR)
    assert len(org.learned()) == 5


def test_a_restated_bill_corrects_a_first_rate(org):
    """Half of the first day had landed when it taught a rate; when the rest has, it is mended."""
    org.use(NOVA, factor="0.5")
    org.bill()
    assert "claude-nova-1 output 17" in org.learned()
    org.lines = charge(FIRST, NOVA)
    org.read_bill(midnight(org.day) + 14 * HOUR)
    assert "claude-nova-1 output 34" in org.learned()
    assert len(org.learned()) == 5


def test_usage_that_is_not_read_whole_teaches_nothing(org):
    """A billed day from before the history that has been loaded is not compared."""
    org.lines += charge(FIRST - DAY, NOVA)
    org.account.ledger.bill(
        BillBatch(
            "acme",
            "cost",
            Window(midnight(FIRST) - DAY, midnight(FIRST)),
            midnight(FIRST) + 50 * HOUR,
            org.lines,
            ("bill/legacy",),
        )
    )
    evidence = org.account.ledger.evidence("acme", FIRST - 2 * DAY)
    assert (evidence.usage, evidence.bill) == ((), ())


def test_bill_and_usage_of_a_day_stand_side_by_side(org):
    """Evidence holds the probe's sums by day and the lines of the bill in force, nothing else."""
    org.use(OPUS, NOVA)
    org.bill()
    org.use(OPUS)
    evidence = org.account.ledger.evidence("acme", FIRST)
    assert sorted(evidence.usage) == sorted([(FIRST, OPUS, COUNTS), (FIRST, NOVA, COUNTS)])
    assert sum(line.amount for line in evidence.bill) == sum(
        line.amount for line in charge(FIRST, OPUS) + charge(FIRST, NOVA)
    )
    assert org.account.ledger.evidence("acme", FIRST + DAY).usage == ()


def bill_less(org, days=7):
    """Let days pass whose bill has 20 for the output of Opus, where the list says 25."""
    for _ in range(days):
        org.use(SONNET, on("claude-haiku-4-5-20251001"))
        org.use(OPUS, factor="1")
        org.lines = [
            line._replace(amount=line.amount * 4 // 5 // 10 * 10)
            if (line.dimensions.model, line.dimensions.token_type, line.day)
            == (OPUS.model, "output", org.day - DAY)
            else line
            for line in org.lines
        ]
        org.bill()


def test_a_finding_is_logged_once(org, capsys):
    """The list says 25, the bill 20: one warning with the implied rate, not one a day."""
    bill_less(org)
    said = [line for line in capsys.readouterr().out.splitlines() if "disagrees" in line]
    assert len(said) == 1
    assert "implied_usd_per_million=20 " in said[0]
    assert org.learned() == ["claude-opus-5 output 0.8"]


def test_reconcile_prints_the_finding(org, tmp_path, monkeypatch):
    """The list price that the bill contradicts stands below the table, and no other one does."""
    bill_less(org)
    config = tmp_path / "config.yml"
    config.write_text(
        "sources: [{type: anthropic, account: acme, admin_key_env: KEY}]\n"
        f'ledger: {{url: "sqlite:///{tmp_path}/ledger.db"}}\n'
    )
    monkeypatch.setattr(SystemClock, "now", lambda _: midnight(org.day) + 14 * HOUR)
    arguments = ["reconcile", f"--config.file={config}", f"--month={FIRST:%Y-%m}"]
    monkeypatch.setenv("COLUMNS", "200")
    shown = CliRunner().invoke(app, arguments).stdout
    (found,) = [line for line in shown.splitlines() if "contradicts a list price" in line]
    assert found == (
        "The bill contradicts a list price, claude-opus-5 output standard 0-200k global: "
        "listed are 25 USD per million tokens, billed 20 before discounts."
    )


def test_a_bill_is_read_whatever_becomes_of_prices(org, capsys):
    """When learning fails it is logged, nothing else stops, and the next read tries again."""
    evidence = org.account.ledger.evidence
    org.account.ledger.evidence = None
    org.use(NOVA)
    org.bill()
    assert "no prices were learned" in capsys.readouterr().out
    assert org.learned() == []
    org.account.ledger.evidence = evidence
    org.read_bill(midnight(org.day) + 14 * HOUR)
    assert len(org.learned()) == 5
