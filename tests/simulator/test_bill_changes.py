"""Bills that change after their day: late, half landed, restated, credited."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.simulator import SCENARIOS
from claude_cost_exporter.simulator.terms import BillRestatement, Terms
from tests.support.invoices import (
    HAIKU,
    START,
    TODAY,
    YESTERDAY,
    by_model,
    estimate,
    midnight,
    simulator,
)


def test_late_bill():
    """A tenth of a day's groups of charges appears three days later, and then for good."""
    one = simulator("late_bill")
    end = midnight(TODAY)
    kinds = ("workspace_id", "model", "cost_type")
    final = one.invoice(YESTERDAY, TODAY).by(*kinds)
    early = one.invoice(YESTERDAY, TODAY, end + 3 * DAY - timedelta(seconds=1)).by(*kinds)
    assert final == one.invoice(YESTERDAY, TODAY, end + 3 * DAY).by(*kinds)
    assert final == by_kinds(simulator("steady"), kinds)
    assert set(early) <= set(final)
    missing = [
        len(set(one.invoice(d, d + DAY).by(*kinds)) - set(shown_on(one, d, kinds)))
        for d in (YESTERDAY - n * DAY for n in range(30))
    ]
    assert 20 < sum(missing) < 70
    assert 0 in missing


def by_kinds(one, kinds):
    """Return yesterday's charges by several dimensions."""
    return one.invoice(YESTERDAY, TODAY).by(*kinds)


def shown_on(one, day, kinds):
    """Return what the cost report showed of a day two days after its end."""
    return one.invoice(day, day + DAY, midnight(day) + 3 * DAY).by(*kinds)


def test_half_landed():
    """About half of a day's money is missing a day after, and all is there after 30 hours."""
    one = simulator("half_landed")
    shares = []
    for n in range(20):
        day = YESTERDAY - n * DAY
        final = one.invoice(day, day + DAY).amount
        early = one.invoice(day, day + DAY, midnight(day) + 2 * DAY).amount
        shares.append(early / final)
        assert one.invoice(day, day + DAY, midnight(day) + DAY + 30 * HOUR).amount == final
    assert min(shares) < 0.4
    assert 0.3 < sum(shares) / len(shares) < 0.7


def test_restated_bill():
    """Five days in, two billed days lose 4 %; usage and other days stay as they were."""
    one = simulator("restated_bill")
    when = START + 5 * DAY
    first = date(2026, 11, 26)
    before = one.invoice(first, first + 3 * DAY, when - timedelta(seconds=1)).by("day")
    after = one.invoice(first, first + 3 * DAY, when).by("day")
    assert after[first] * 100 == before[first] * 96
    assert after[first + DAY] * 100 == before[first + DAY] * 96
    assert by_model(one, first + 2 * DAY, first + 3 * DAY) == by_model(
        simulator("steady"), first + 2 * DAY, first + 3 * DAY
    )
    assert one.truth(START, START + DAY) == simulator("steady").truth(START, START + DAY)


def test_credited_model():
    """Twenty days in, one day of Haiku is credited: its rows go to zero and stay."""
    one = simulator("restated_bill")
    day = date(2026, 11, 29)
    when = START + 20 * DAY
    assert by_model(one, day, day + DAY, when - HOUR)[HAIKU] > 0
    assert by_model(one, day, day + DAY, when)[HAIKU] == 0
    assert by_model(one, day + DAY, day + 2 * DAY)[HAIKU] > 0


def test_g10_zero_rows_on_the_wire(asker):
    """G10: a credited row stays in the legacy report with an amount of 0; analytics drops it."""
    day = datetime(2026, 11, 29, tzinfo=UTC)
    asking = asker("restated_bill", start=START, now=START + 21 * DAY)
    amounts = {
        row["amount"] for row in asking.costs(day, day + DAY)[0]["results"] if row["model"] == HAIKU
    }
    assert amounts == {"0"}
    models = asking.analytics("cost", day, day + DAY, "1d", ("model", "cost_type"))
    assert ("claude-haiku-4-5-20251001", "tokens") not in {
        (row["group"]["model"], row["group"]["cost_type"]) for row in models
    }


def test_both_kinds_of_corrections():
    """A restatement of usage reaches the bill too; one of the bill comes on top of it."""
    scenario = replace(
        SCENARIOS["closed_day"],
        terms=Terms(restatements=(BillRestatement(3 * DAY, percent=-50, days_back=2, days=2),)),
    )
    one = simulator(scenario)
    first, end = date(2026, 11, 25), date(2026, 11, 27)
    truth = sum(estimate(one, first, end).values())
    assert one.invoice(first, end).amount == pytest.approx(truth / 2, rel=1e-12)
    assert truth < sum(estimate(simulator("steady"), first, end).values())


def test_late_usage_is_billed_with_its_day():
    """Usage that is reported late changes nothing in what its day costs."""
    assert by_model(simulator("late_rows")) == by_model(simulator("steady"))
