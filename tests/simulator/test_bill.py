"""The bill and its invoice: what each scenario makes of the same usage."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.pricing.book import PriceBook
from claude_cost_exporter.records import Dimensions
from claude_cost_exporter.simulator import SCENARIOS, Switches, ratecard
from claude_cost_exporter.simulator.money import FEMTO_PER_NANO, cents_text, trimmed, usd
from claude_cost_exporter.simulator.terms import Terms
from tests.support.invoices import (
    HAIKU,
    START,
    TODAY,
    TOMORROW,
    YESTERDAY,
    by_model,
    estimate,
    midnight,
    simulator,
)

LYRA = "claude-lyra-1"


def test_estimate_and_bill_agree():
    """Where no scenario interferes, the bill is usage times list price, to the nano-dollar."""
    one = simulator("steady")
    first = YESTERDAY - 20 * DAY
    assert by_model(one, first) == estimate(one, first, TODAY)
    invoice = one.invoice(first, TODAY)
    assert invoice.amount == invoice.listed == sum(estimate(one, first, TODAY).values())


def test_every_grouping_of_an_invoice_adds_up():
    """By whatever dimension, the parts of an invoice have the same sum; days are closed-open."""
    invoice = simulator("quarter").invoice(YESTERDAY - 5 * DAY, TODAY)
    whole = invoice.amount
    for dimensions in (
        ("day",),
        ("model", "token_type"),
        ("workspace_id", "api_key_id"),
        ("cost_type", "service_tier", "user_profile_id"),
        ("product", "speed", "inference_geo", "context_window"),
    ):
        assert sum(invoice.by(*dimensions).values()) == whole
    days = [YESTERDAY - n * DAY for n in range(5, -1, -1)]
    assert list(invoice.by("day")) == days
    assert invoice.usd == Decimal(whole) / 10**15


def test_invoice_labels():
    """Lines carry the exporter's labels: real default workspace, undated models, none."""
    invoice = simulator("quarter").invoice(YESTERDAY, TODAY)
    assert HAIKU in invoice.by("model")
    assert "wrkspc_01DefAcme4Qw8RtYuPn2LkZ" in invoice.by("workspace_id")
    assert "none" in invoice.by("api_key_id")
    assert set(invoice.by("token_type")) == {
        *("input", "output", "cache_read", "cache_write_5m", "cache_write_1h", "none")
    }
    services = {line.model for line in invoice if line.cost_type == "session_usage"}
    assert services == {"none"}
    unreadable = simulator("steady", switches=Switches(default_workspace_readable=False))
    assert "default" in unreadable.invoice(YESTERDAY, TODAY).by("workspace_id")


def test_what_the_api_shows_needs_an_api():
    """An API that does not exist is an error, not an empty invoice."""
    with pytest.raises(KeyError, match="console"):
        simulator("steady").invoice(YESTERDAY, TODAY, START, api="console")


def test_discount():
    """The discount is 15 % on tokens, and the list price stays beside it."""
    invoice = simulator("discount").invoice(YESTERDAY, TODAY)
    paid, listed = invoice.by("cost_type"), invoice.listed_by("cost_type")
    assert paid["tokens"] * 100 == listed["tokens"] * 85
    assert paid["web_search"] == listed["web_search"] > 0
    everything = Terms(discount_percent=15, discounted=("tokens", "web_search"))
    both = simulator(replace(SCENARIOS["discount"], terms=everything))
    assert both.invoice(YESTERDAY, TODAY).amount * 100 == listed["tokens"] * 85 + (
        listed["web_search"] * 85
    )


def test_unknown_model():
    """From hour 30 on a model is billed that has no list price, so its estimate is nothing."""
    one = simulator("unknown_model")
    day, after = date(2026, 11, 26), date(2026, 11, 27)
    assert LYRA not in by_model(one, TODAY, TOMORROW)
    assert by_model(one, day, after)[LYRA] > 0
    truth = one.truth(midnight(day), midnight(after))
    (usage,) = [s for series, s in truth.by_series.items() if series.model == LYRA]
    assert not usage.priced
    assert usage.cost == 0
    rates = (7_000, 34_000, 280, 8_600, 13_800)
    nano = sum(n * rate for n, rate in zip(usage.tokens, rates, strict=True))
    assert by_model(one, day, after)[LYRA] == nano * FEMTO_PER_NANO


def dimensions_of(model):
    """Return the plainest row of a model."""
    return Dimensions(model, "standard", "0-200k", "global", "standard")


def test_the_unknown_model_is_on_no_list():
    """The exporter's price list has every listed model of the simulation, and not this one."""
    book = PriceBook.packaged()
    for model in ratecard.MODELS.values():
        for since, rates in model.rates:
            geo = "global" if model.has_geo else "not_available"
            dimensions = dimensions_of(model.id)._replace(inference_geo=geo)
            listed = book.rates("acme", dimensions, since).per_million
            expected = tuple(rate * 1_000_000 for rate in rates) if model.listed else None
            assert listed == expected, model.id


def test_priority():
    """Priority tokens have an estimate of nothing and a bill of nothing."""
    one = simulator("priority")
    truth = one.truth(midnight(YESTERDAY), midnight(TODAY))
    assert truth.unpriced_tokens > 1_000_000
    assert by_model(one) == by_model(simulator("steady"))
    assert "priority" not in one.invoice(YESTERDAY, TODAY).by("service_tier")


def test_blocked():
    """Refused requests raise the estimate of one model and no charge."""
    one = simulator("blocked")
    assert by_model(one) == by_model(simulator("steady"))
    estimated = estimate(one, YESTERDAY, TODAY)
    differing = {model for model, femto in by_model(one).items() if estimated[model] != femto}
    assert differing == {"claude-opus-5-5"}
    assert 1.001 < estimated["claude-opus-5-5"] / by_model(one)["claude-opus-5-5"] < 1.05


@pytest.mark.parametrize(
    ("name", "cost_type", "dollars_per_hour"),
    [("code_execution", "code_execution", "0.05"), ("sessions", "session_usage", "0.08")],
)
def test_services(name, cost_type, dollars_per_hour):
    """Container and session hours are billed by the hour and are in no usage report."""
    one = simulator(name)
    amount = usd(one.invoice(YESTERDAY, TODAY).by("cost_type")[cost_type])
    hours = amount / Decimal(dollars_per_hour)
    assert 50 < hours < 200
    assert hours == hours.quantize(Decimal("0.00001"))
    truth = one.truth(midnight(YESTERDAY), midnight(TODAY))
    assert cost_type not in {series.model for series in truth.by_series}


def test_agents_have_ordinary_token_rows():
    """Managed agents add tokens to estimate and bill alike, beside their session hours."""
    one = simulator("sessions")
    charges = one.invoice(YESTERDAY, TODAY)
    tokens = Counter()
    for line in charges:
        if line.product == "managed_agents_api":
            tokens[line.cost_type] += line.amount
    assert set(tokens) == {"tokens", "web_search", "session_usage"}
    assert charges.amount - tokens["session_usage"] == sum(estimate(one, YESTERDAY, TODAY).values())


def test_price_change():
    """On 7 October cache reads of Sonnet 5.5 begin to cost half, on the bill and in the list."""
    one = simulator("price_change", start=datetime(2026, 10, 1, tzinfo=UTC))
    prices = []
    for day in (date(2026, 10, 6), date(2026, 10, 7)):
        truth = one.truth(midnight(day), midnight(day) + DAY)
        reads = sum(
            spend.counts[2]
            for series, spend in truth.by_series.items()
            if series.model == "claude-sonnet-5-5"
        )
        amounts = one.invoice(day, day + DAY).by("model", "token_type")
        prices.append(Decimal(amounts["claude-sonnet-5-5", "cache_read"]) / reads)
        assert by_model(one, day, day + DAY) == estimate(one, day, day + DAY)
    assert prices == [200 * FEMTO_PER_NANO, 100 * FEMTO_PER_NANO]


def test_end_customers():
    """Two end customers in steady traffic, thirty more in `customers`; the rest is none."""
    steady = simulator("steady").invoice(YESTERDAY, TODAY).by("user_profile_id")
    assert len(steady) == 3
    many = simulator("customers").invoice(YESTERDAY, TODAY).by("user_profile_id")
    assert len(many) == 33
    assert many["none"] == steady["none"]


def test_quarter_has_everything():
    """In 92 days from 1 October every reason for a difference occurs."""
    one = simulator("quarter", start=datetime(2026, 10, 1, tzinfo=UTC), history_days=31)
    invoice = one.invoice(date(2026, 10, 1), date(2027, 1, 1))
    assert set(invoice.by("cost_type")) == {
        *("tokens", "web_search", "code_execution", "session_usage")
    }
    assert len(invoice.by("day")) == 92
    assert LYRA in invoice.by("model")
    assert 0.84 < invoice.amount / invoice.listed < 0.88
    scenario = SCENARIOS["quarter"]
    names = {flow.name for flow in scenario.flows}
    assert {"blocked", "priority-commitment", "cached-reading", "agents"} <= names
    assert scenario.late_percent
    assert scenario.terms.late_percent
    assert scenario.terms.restatements


def test_every_part_of_the_quarter_matters():
    """Each part is more than a dollar a day, so that no comparison to the cent can miss it."""
    one = simulator("quarter", start=datetime(2026, 10, 1, tzinfo=UTC), history_days=1)
    first, end = date(2026, 10, 1), date(2026, 10, 15)
    worth = Counter(one.invoice(first, end).by("cost_type"))
    worth[LYRA] = by_model(one, first, end)[LYRA]
    worth["discount"] = one.invoice(first, end).listed - one.invoice(first, end).amount
    for series, spend in one.truth(midnight(first), midnight(end)).by_series.items():
        rates = ratecard.billed_rates_of(series.model, "standard", *series[7:9], first)
        listed = sum(n * rate for n, rate in zip(spend.counts, rates, strict=False))
        worth["priority"] += listed * FEMTO_PER_NANO * (series.service_tier == "priority")
        worth["refused"] += listed * FEMTO_PER_NANO * series.blocked
        worth["price change"] += spend.counts[2] * 100 * FEMTO_PER_NANO * (
            series.model == "claude-sonnet-5-5"
        )  # fmt: skip
    for day in (first + n * DAY for n in range((end - first).days)):
        on_time = one.invoice(day, day + DAY, midnight(day) + 2 * DAY).amount
        worth["late"] += one.invoice(day, day + DAY, midnight(day) + 5 * DAY).amount - on_time
    assert len(worth) == 10
    dollars = {part: usd(amount) / (end - first).days for part, amount in worth.items()}
    assert {part: amount for part, amount in dollars.items() if amount < 1} == {}


def test_scenarios_of_bills_combine():
    """Terms and services of several scenarios come together."""
    both = simulator("discount,code_execution,late_bill").scenario
    assert both.terms.discount_percent == 15
    assert both.terms.late_by == 3 * DAY
    assert [flow.name for flow in both.services] == ["containers"]


@pytest.mark.parametrize(
    ("femto", "decimals", "text"),
    [
        (0, 9, "0.000000000"),
        (412_800_000_000_000_000, 6, "41280.000000"),
        (1, 13, "0.0000000000001"),
        (5_000_000_000_000, 0, "1"),
        (4_999_999_999_999, 0, "0"),
        (1_237_891_200_000_000, 5, "123.78912"),
    ],
)
def test_cents(femto, decimals, text):
    """Cents have exactly the asked decimals, rounded half up."""
    assert cents_text(femto, decimals) == text


def test_trimmed():
    """The legacy report writes no trailing zeros, and leaves whole numbers alone."""
    assert [trimmed(t) for t in ("120.5000", "120.0000", "120", "0")] == [
        "120.5",
        "120",
        "120",
        "0",
    ]
