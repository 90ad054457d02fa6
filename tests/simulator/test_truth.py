"""The truth's money: prices by hand, labels, and sums without rounding."""

from datetime import UTC, date, datetime, timedelta

import pytest

from claude_cost_exporter.records import model_label
from claude_cost_exporter.simulator import Simulator, Switches, ratecard
from claude_cost_exporter.simulator.corrections import Series
from claude_cost_exporter.simulator.ratecard import model_on, rates_of
from claude_cost_exporter.simulator.truth import Spend, Truth

NOVEMBER = date(2026, 11, 24)
DAY = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("model", "tier", "geo", "speed", "expected"),
    [
        ("claude-opus-5-5", "standard", "global", "standard", (4000, 20000, 200, 5000, 8000)),
        ("claude-opus-5-5", "standard", "global", "fast", (8000, 40000, 400, 10000, 16000)),
        ("claude-opus-5-5", "standard", "us", "standard", (4400, 22000, 220, 5500, 8800)),
        ("claude-sonnet-5-5", "standard", "global", "standard", (2000, 10000, 100, 2500, 4000)),
        ("claude-opus-4-8", "standard", "global", "standard", (5000, 25000, 500, 6250, 10000)),
        (
            "claude-haiku-4-5-20251001",
            "batch",
            "not_available",
            "standard",
            (500, 2500, 50, 625, 1000),
        ),
        ("claude-sonnet-4-6", "standard", "global", "standard", (3000, 15000, 300, 3750, 6000)),
        ("claude-fable-5-1", "standard", "global", "standard", (10000, 50000, 250, 12500, 20000)),
    ],
)
def test_rates(model, tier, geo, speed, expected):
    """Rates are nano-USD per token as the price list has them in November 2026."""
    assert rates_of(model, tier, geo, speed, NOVEMBER) == expected


def test_price_change_by_day():
    """Sonnet 5.5's cache reads halve on 7 October 2026."""
    read = [
        rates_of("claude-sonnet-5-5", "standard", "global", "standard", date(2026, 10, day))[2]
        for day in (6, 7)
    ]
    assert read == [200, 100]


@pytest.mark.parametrize(
    ("model", "tier"),
    [("claude-nova-1", "standard"), ("claude-opus-5-5", "priority"), ("claude-opus-5-5", "flex")],
)
def test_no_price(model, tier):
    """Unknown models and tiers that the bill does not show have no price."""
    assert rates_of(model, tier, "global", "standard", NOVEMBER) is None


def test_no_price_before_release():
    """A model has no price before its first day."""
    day = date(2026, 9, 21)
    assert rates_of("claude-opus-5-5", "standard", "global", "standard", day) is None


def test_rates_that_do_not_divide_are_refused():
    """A combination whose price is no whole number of nano-USD per token is an error."""
    with pytest.raises(ValueError, match="not whole"):
        rates_of("claude-opus-4-8", "batch", "us", "standard", NOVEMBER)


def test_lines_move_on():
    """The organisation adopts a new member of a line three days after its release."""
    assert model_on(ratecard.OPUS, date(2026, 9, 24)).id == "claude-opus-5"
    assert model_on(ratecard.OPUS, date(2026, 9, 25)).id == "claude-opus-5-5"
    assert model_on(ratecard.OPUS, date(2020, 1, 1)).id == "claude-opus-4-5-20251101"


def test_every_hour_of_history_is_priced():
    """A year of steady traffic uses no model before it has a price."""
    start = datetime(2026, 11, 24, tzinfo=UTC)
    simulator = Simulator("steady", start=start, history_days=330)
    for n in range(330):
        day = simulator.truth(start - timedelta(days=n + 1), start - timedelta(days=n))
        assert day.unpriced_tokens == 0
        assert day.cost > 0


def test_labels_agree_with_the_exporter():
    """The label literals of the rate card are what the exporter makes of the ids."""
    for model in ratecard.MODELS.values():
        assert model.label == model_label(model.id)


def two_rows():
    """Return a truth of one priced and one unpriced row."""
    shared = (None, None, None, None)
    tail = ("standard", "0-200k", "global", "standard")
    priced = Series(*shared, "claude-haiku-4-5-20251001", *tail)
    unpriced = Series(*shared, "claude-nova-1", *tail)
    by_series = {
        priced: Spend((1, 2, 3, 4, 5, 6), (10, 20, 30, 40, 50, 60), priced=True),
        unpriced: Spend((7, 0, 0, 0, 0, 1), (0, 0, 0, 0, 0, 9), priced=False),
    }
    return Truth(by_series, "wrkspc_default")


def test_totals():
    """Cost, tokens and unpriced tokens are plain sums."""
    truth = two_rows()
    assert (truth.cost, truth.tokens, truth.unpriced_tokens) == (219, 22, 7)


def test_cost_by_labels():
    """Tokens of a priced row by type, web searches of every row, the default workspace by id."""
    workspace = "wrkspc_default"
    haiku = (workspace, "claude-haiku-4-5", "standard", "standard")
    nova = (workspace, "claude-nova-1", "standard", "standard")
    assert two_rows().cost_by_labels() == {
        (*haiku, "tokens", "input"): 10,
        (*haiku, "tokens", "output"): 20,
        (*haiku, "tokens", "cache_read"): 30,
        (*haiku, "tokens", "cache_write_5m"): 40,
        (*haiku, "tokens", "cache_write_1h"): 50,
        (*haiku, "web_search", "none"): 60,
        (*nova, "web_search", "none"): 9,
    }


def test_other_groups():
    """By key, by model and by token type the sums are the same rows."""
    truth = two_rows()
    workspace = "wrkspc_default"
    assert truth.cost_by_api_key() == {
        (workspace, "none", "claude-haiku-4-5"): 210,
        (workspace, "none", "claude-nova-1"): 9,
    }
    assert truth.cost_by_model() == {"claude-haiku-4-5": 210, "claude-nova-1": 9}
    tokens = truth.tokens_by_labels()
    assert tokens[workspace, "claude-nova-1", "standard", "standard", "input"] == 7
    assert sum(tokens.values()) == truth.tokens


def test_groups_of_a_day_add_up():
    """On a whole day every grouping has the same total."""
    simulator = Simulator("all", start=DAY)
    truth = simulator.truth(DAY, DAY + timedelta(days=1))
    for groups in (truth.cost_by_labels(), truth.cost_by_api_key(), truth.cost_by_model()):
        assert sum(groups.values()) == truth.cost
    assert truth.unpriced_tokens > 0


def test_default_workspace_label():
    """The default workspace goes by its id, or as `default` when the id cannot be read."""
    console = ("none", "claude-opus-5-5")
    hours = (DAY + timedelta(hours=8), DAY + timedelta(hours=18))
    keys = Simulator("steady", start=DAY).truth(*hours).cost_by_api_key()
    assert ("wrkspc_01DefAcme4Qw8RtYuPn2LkZ", *console) in keys
    unreadable = Simulator("steady", start=DAY, switches=Switches(default_workspace_readable=False))
    assert ("default", *console) in unreadable.truth(*hours).cost_by_api_key()
