"""Ninety-two days of everything that makes a bill differ from an estimate, beside the invoice."""

from __future__ import annotations

from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from claude_cost_exporter.clock import DAY, HOUR, floor_hour
from claude_cost_exporter.records import TokenType
from claude_cost_exporter.simulator.ratecard import billed_rates_of
from claude_cost_exporter.views.reconciliation import Reason
from tests.support.quarter import (
    END,
    FEMTO,
    NANO,
    OTHER_ZONE,
    REPORT,
    START,
    SWITCH,
    UNLISTED,
    WHOLE,
    ZONE,
    Quarter,
    by_day,
    windows,
)

HALF_A_CENT = NANO // 200
FIRST = START.date()
MONTHS = (date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1))


@pytest.fixture(scope="module")
def quarter(tmp_path_factory):
    """The whole quarter, and its bills until they have settled."""
    one = Quarter(tmp_path_factory.mktemp("quarter"))
    one.live()
    yield one
    one.simulated.close()


def near(amount):
    return pytest.approx(amount, abs=HALF_A_CENT)


def invoiced(quarter, first, end, seen):
    """Return what the API in use showed of some days at a look."""
    report = REPORT[seen.api]
    return quarter.simulator.invoice(first, end, as_of=seen.at, api=report).amount / FEMTO


def test_a_day_costs_what_its_bill_said_when_it_was_read(quarter):
    """When a bill comes into force, and whenever it moves, the day becomes it, to the cent."""
    compared = 0
    for before, seen in pairwise(quarter.seen):
        for day in seen.billed & seen.spend.keys():
            known = day in before.billed and day in before.spend
            if day >= FIRST and not (known and seen.spend[day] == before.spend[day]):
                assert seen.spend[day] == near(invoiced(quarter, day, day + DAY, seen))
                compared += 1
    assert compared > len(quarter.seen) // 2


def test_every_monday_all_billed_days_are_the_invoice(quarter):
    """Days in force equal the invoice as one of the last three reads found it."""
    for index, seen in enumerate(quarter.seen):
        reads = quarter.seen[max(0, index - 2) : index + 1]
        for day in seen.billed & seen.spend.keys() if seen.at.weekday() == 0 else ():
            if day >= FIRST:
                said = [invoiced(quarter, day, day + DAY, read) for read in reads]
                assert any(seen.spend[day] == near(amount) for amount in said), (seen.at, day)


def test_month_to_date_is_billed_days_and_estimates(quarter):
    """Days without a bill show their estimate, and the gauge is the sum of the local month."""
    for seen in quarter.seen:
        oldest = min(seen.billed, default=FIRST)  # a snapshot tells what is billed since last month
        for day, amount in seen.spend.items():
            assert day in seen.billed or day < oldest or amount == seen.estimated[day]
        zone = ZoneInfo(ZONE if seen.at < SWITCH else OTHER_ZONE)
        days, today = by_day(seen.hours, zone), seen.at.astimezone(zone).date()
        month = sum(amount for day, amount in days.items() if day >= today.replace(day=1))
        if today.month in {10, 11, 12}:
            assert seen.windows["month_to_date"] == near(month)


def test_month_to_date_falls_only_by_what_is_not_billed(quarter):
    """Between two looks it falls by no more than bills are below what they replace."""
    falls = 0
    for before, seen in pairwise(quarter.seen[1:]):  # the first look is in September
        moved = seen.windows["month_to_date"] - before.windows["month_to_date"]
        if moved < 0 and seen.at.day > 1:
            billed = seen.billed & seen.spend.keys() & before.spend.keys()
            lower = sum(min(0, seen.spend[day] - before.spend[day]) for day in billed)
            assert moved >= lower - HALF_A_CENT
            falls += 1
    assert falls


def test_billed_spend_is_the_bill_of_closed_days(quarter):
    """llm_billed_spend_usd is the bill of the UTC month up to its newest billed day."""
    compared = 0
    for seen in quarter.seen:
        if (shown := seen.charged.get("month_to_date_closed")) is not None:
            month = seen.at.date().replace(day=1)
            assert shown == near(sum(seen.spend[day] for day in seen.billed if day >= month))
            compared += 1
    assert compared > len(quarter.seen) // 2


def test_last_month_is_its_invoice(quarter):
    """Five days into the next month, every UTC month costs what the provider charged for it."""
    for month, following in pairwise(MONTHS):
        seen = next(one for one in quarter.seen if one.at.date() == following + 5 * DAY - DAY)
        assert seen.charged["last_month"] == near(invoiced(quarter, month, following, seen))


def paid_for_unlisted(quarter, start, end):
    """Return nano-USD that the tokens of the unlisted model cost, with the discount."""
    used = quarter.simulator.truth(start, end).by_series
    return sum(
        count * rate * (100 - quarter.simulator.scenario.terms.discount_percent) / 100
        for series, spend in used.items()
        if series.model == UNLISTED
        for count, rate in zip(
            spend.counts, billed_rates_of(*series[4:6], *series[7:9], start.date()), strict=False
        )
    )


def test_an_unlisted_model_is_priced_from_its_first_billed_day_on(quarter):
    """From the first poll after that, estimates of every day are within 1 % of what is paid."""
    first = next(
        seen
        for seen in quarter.seen
        if any(
            UNLISTED in quarter.simulator.invoice(day, day + DAY, as_of=seen.at).by("model")
            for day in seen.billed
        )
    )
    assert first.learned == len(TokenType)
    assert not any(seen.learned for seen in quarter.seen if seen.at < first.at)
    estimated, start = quarter.estimates(UNLISTED), floor_hour(first.at) + HOUR
    while start < END:
        midnight = start.replace(hour=0) + DAY
        paid = paid_for_unlisted(quarter, start, midnight)
        assert estimated[start.date()] == pytest.approx(paid, rel=0.01)
        assert paid > NANO
        start = midnight


def unexplained(found):
    """Yield the lines that differ by a tenth of a percent and half a cent, and have no reason."""
    for row, reason, _ in found.lines:
        billed = row.billed or 0
        if reason is None and abs(billed - row.estimated) > max(HALF_A_CENT, row.estimated / 1000):
            yield row


def lines_with(found, reason):
    return {(row.line.model, row.line.cost_type, row.line.token_type)
            for row, why, _ in found.lines if why is reason}  # fmt: skip


@pytest.fixture(scope="module")
def reconciled(quarter):
    """The quarter's three months beside their bill, after everything has settled."""
    return [quarter.reconcile(first, end - DAY) for first, end in pairwise(MONTHS)]


def test_every_difference_has_a_reason(reconciled):
    """No line of a day and model is unexplained, and totals are the invoice's."""
    assert [list(unexplained(found)) for found in reconciled] == [[], [], []]
    assert all(len(found.lines) > 28 * 25 for found in reconciled)
    assert not any(found.comparison.unread for found in reconciled)


def test_reasons_are_the_right_ones(quarter, reconciled):
    """Each cause of the scenario is named where it is at work, and nowhere else."""
    refused = {
        flow.line[-1].model.label for flow in quarter.simulator.scenario.flows if flow.blocked
    }
    for found in reconciled:
        assert {line[0] for line in lines_with(found, Reason.UNBILLED)} == refused
        assert {line[1] for line in lines_with(found, Reason.NO_USAGE)} == {
            "code_execution", "session_usage",
        }  # fmt: skip
        assert {one.reason for one in found.comparison.unpriced} >= {"priority_tier"}
        for never in (Reason.MORE, Reason.PRICE, Reason.NOT_READ, Reason.USAGE_UNREAD):
            assert lines_with(found, never) == set(), never
    october = reconciled[0]
    assert october.discount == pytest.approx(0.85)
    assert {line[0] for line in lines_with(october, Reason.UNPRICED)} == {UNLISTED}
    details = {detail for _, reason, detail in october.lines if reason is Reason.DISCOUNT}
    assert details == {"15.0%", "learned during this day"}
    assert [found.discount for found in reconciled[1:]] == [None, None]


def test_a_known_price_change_makes_no_difference(reconciled):
    """Sonnet 5.5's cache reads halve on 7 October; both days of it agree with the bill."""
    reads = {
        row.day: row.estimated / row.tokens
        for row, reason, _ in reconciled[0].lines
        if row.line[::2] == ("claude-sonnet-5-5", "cache_read") and reason is None
    }
    before, after = reads[date(2026, 10, 6)], reads[date(2026, 10, 8)]
    assert after == pytest.approx(before / 2, rel=0.05)


def test_what_has_not_arrived_is_late(quarter):
    """While bills are young, what is missing is late; afterwards it has arrived."""
    reasons = {reason for found in quarter.reconciled for _, reason, _ in found.lines}
    assert Reason.LATE in reasons
    assert [list(unexplained(found)) for found in quarter.reconciled] == [[], [], []]


@pytest.mark.parametrize("zone", [OTHER_ZONE, ZONE, "UTC"])
def test_calendar_months_of_any_time_zone_sum_to_the_invoice(quarter, zone):
    """Three local months, with what of the UTC quarter is outside of them, are the invoice."""
    local, final = ZoneInfo(zone), quarter.seen[-1]
    if zone != OTHER_ZONE:  # in which it lives at the end
        quarter.restart(more=f"time_zone: {zone}")
    ledger = quarter.simulated.exporter.ledger
    total = 0
    for following in MONTHS[1:]:
        at = datetime(following.year, following.month, 5, tzinfo=local)
        total += windows(ledger.snapshot(at), at)["last_month"]
    first, end = (datetime(day.year, day.month, 1, tzinfo=local) for day in (MONTHS[0], MONTHS[-1]))
    for hour, amount in ledger.snapshot(START).hours[WHOLE].items():
        total += amount * ((START <= hour < END) - (first <= hour < end))
    assert total == near(invoiced(quarter, FIRST, END.date(), final))
