"""`report --format=focus`: the columns of FOCUS 1.2, with the money of the bill."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.support.reports import WHO, Commands, Scraped
from tests.support.simulated import Simulated

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
SCENARIO = "discount,unknown_model,priority,blocked,code_execution"
MANDATORY = {
    "BilledCost", "BillingAccountId", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
    "ChargeCategory", "ChargeDescription", "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost",
    "EffectiveCost", "InvoiceIssuerName", "ListCost", "ProviderName", "PublisherName",
    "ServiceCategory", "ServiceName",
}  # fmt: skip
"""What may not be null in any row."""
NULLABLE = {"BillingAccountName", "ChargeClass", "PricingQuantity", "PricingUnit"}
"""What has to be a column, too."""


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Six simulated days, read twice a day; the exporter is still running."""
    running = Simulated(
        tmp_path_factory.mktemp("ledger"), SCENARIO, start=BEGIN, api="legacy", poll="3600s"
    )
    for _ in range(12):
        running.poll()
        running.wait(hours=12)
    running.poll()
    yield running
    running.close()


@pytest.fixture
def run(simulated, tmp_path, monkeypatch):
    """Run a command and return what it printed."""
    return Commands(simulated, tmp_path, monkeypatch, more="")


@pytest.fixture
def rows(run):
    """The rows of the month."""
    return list(csv.DictReader(io.StringIO(run("report", "--format=focus"))))


def billed(rows):
    return sum(Decimal(row["BilledCost"]) for row in rows)


def test_every_mandatory_column_is_there(rows):
    """No mandatory column is missing, and none is empty where the specification forbids it."""
    assert set(rows[0]) >= MANDATORY | NULLABLE
    assert [(name, row) for row in rows for name in MANDATORY if not row[name]] == []
    extra = [name for name in rows[0] if not name[0].isupper()]
    assert extra == ["x_CostBasis"]


def test_billed_cost_is_what_the_metrics_call_spend(rows, simulated):
    """The rows of the month add up to the metered spend of /metrics, to the nano-dollar."""
    shown = Scraped(simulated)("llm_spend_usd", **WHO, kind="metered", window="month_to_date")
    assert billed(rows) == Decimal(f"{shown:.9f}")


def test_days_with_a_bill_are_billed(rows, run):
    """Of every day whose bill is in force, the rows are what `reconcile` calls billed."""
    bill = defaultdict(Decimal)
    for row in csv.DictReader(io.StringIO(run("reconcile", "--csv"))):
        bill[row["day"]] += Decimal(row["billed_usd"] or 0)
    days = {row["ChargePeriodStart"][:10] for row in rows if row["x_CostBasis"] == "billed"}
    assert {"2026-11-01", "2026-11-02", "2026-11-03"} <= days < set(bill) | {"2026-11-07"}
    for day in days:
        of_day = [row for row in rows if row["ChargePeriodStart"].startswith(day)]
        assert billed(of_day) == bill[day]
        assert {row["x_CostBasis"] for row in of_day} == {"billed"}


def test_list_cost_is_price_times_quantity(rows):
    """Where a list price is known, it times the quantity is the list cost; a discount is below."""
    priced = [row for row in rows if row["ListUnitPrice"]]
    assert len(priced) > 100
    for row in priced:
        product = Decimal(row["ListUnitPrice"]) * Decimal(row["PricingQuantity"])
        assert Decimal(row["ListCost"]) == product
    bills = [
        row for row in priced if row["x_CostBasis"] == "billed" and row["SkuId"] != "web_search"
    ]
    ratio = billed(bills) / sum(Decimal(row["ListCost"]) for row in bills)
    assert 0.5 < ratio < 0.9
    for row in rows:
        if not row["ListUnitPrice"]:
            assert row["ListCost"] == row["BilledCost"]


def test_quantities_are_the_tokens_that_were_used(rows, simulated):
    """Tokens add up to the simulator's truth, and price units are millions of them."""
    now = simulated.clock.now()
    end = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    truth = simulated.simulator.truth(BEGIN, end, as_of=now, visible=True)
    tokens = [row for row in rows if row["ConsumedUnit"] == "Tokens"]
    assert sum(int(row["ConsumedQuantity"]) for row in tokens) == truth.tokens
    for row in tokens:
        assert Decimal(row["PricingQuantity"]) * 10**6 == int(row["ConsumedQuantity"])
        assert row["PricingUnit"] == "1000000 Tokens"


def test_who_and_what_are_named(rows):
    """Sub-accounts are workspaces, resources API keys, SKUs models with a kind of tokens."""
    assert {row["SubAccountName"] for row in rows} >= {"Production", "Research"}
    assert {row["ResourceName"] for row in rows} >= {"support-bot", "evals"}
    assert any(row["SkuId"].endswith("/cache_write_5m") for row in rows)
    assert {json.loads(row["Tags"])["team"] for row in rows if row["Tags"]} >= {"platform"}
    details = [json.loads(row["SkuPriceDetails"]) for row in rows if row["SkuPriceDetails"]]
    assert {one["x_ServiceTier"] for one in details} >= {"standard", "batch"}


def test_what_only_the_bill_knows_has_no_quantity(rows):
    """Code execution is in no usage report: its rows have cost, and neither tokens nor an owner."""
    found = [row for row in rows if row["SkuId"] == "code_execution"]
    assert billed(found) > 0
    for row in found:
        assert {row["ConsumedQuantity"], row["SubAccountId"], row["SkuPriceId"]} == {""}


def test_a_day_begins_and_ends_at_midnight(rows):
    """Every charge is of one UTC day, in the billing period of its month."""
    for row in rows:
        start, end = (
            datetime.fromisoformat(row[f"ChargePeriod{side}"]) for side in ("Start", "End")
        )
        assert end - start == timedelta(days=1)
        assert row["BillingPeriodStart"] == "2026-11-01T00:00:00Z"
        assert row["BillingPeriodEnd"] == "2026-12-01T00:00:00Z"
