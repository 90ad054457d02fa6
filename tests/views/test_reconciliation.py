"""Every difference between bill and estimate has a reason, and the right one."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from claude_cost_exporter.comparison import BillState, Comparison, Discount, LineOfDay, Unpriced
from claude_cost_exporter.records import NANO
from claude_cost_exporter.snapshot import Line
from claude_cost_exporter.views.reconciled import by_day, by_model, by_reason, total
from claude_cost_exporter.views.reconciliation import Reason, reconcile, sentence

FIRST, LAST = date(2026, 10, 1), date(2026, 10, 10)
DAYS = [FIRST + timedelta(days=n) for n in range(10)]
IN_FORCE = BillState(in_force=True, last_changed=FIRST)
INPUT, OUTPUT = (Line("claude-x", "tokens", kind) for kind in ("input", "output"))
CACHE = Line("claude-x", "tokens", "cache_read")
OTHER = Line("claude-y", "tokens", "output")
SEARCH = Line("none", "web_search", "none")
EXECUTION = Line("none", "code_execution", "none")
PAID = 100 * NANO


def row(day, line=INPUT, estimated=PAID, billed=PAID, settled=None, tokens=1000):
    settled = billed if settled is None else settled
    return LineOfDay(day, line, int(estimated), None if billed is None else int(billed),
                     int(settled or 0), tokens)  # fmt: skip


def reasons(*rows, bills=None, **more):
    bills = dict.fromkeys(DAYS, IN_FORCE) if bills is None else bills
    found = reconcile(Comparison("acme", FIRST, LAST, rows, bills, **more))
    return [one.reason for one in found.lines]


def test_equal_amounts_need_no_reason():
    """A difference below a tenth of a percent, or below half a cent, is none."""
    tiny = row(FIRST, estimated=10_000, billed=4_000_000)
    assert reasons(row(FIRST), row(FIRST, OUTPUT, billed=1.0009 * PAID), tiny) == [None] * 3


def test_what_is_not_known_yet():
    """No bill, and usage that was not read, are reasons of their own."""
    rows = (row(DAYS[0], billed=None), row(DAYS[2], billed=2 * PAID))
    assert reasons(*rows, bills={DAYS[2]: IN_FORCE}, unread=(DAYS[2],)) == [
        Reason.NOT_READ,
        Reason.USAGE_UNREAD,
    ]


OPEN = BillState(in_force=False, last_changed=LAST)


def test_a_bill_that_was_read_once_has_its_reasons():
    """What the data show is said, with a word that it may still change; half a bill is late."""
    lines = (INPUT, OUTPUT, OTHER)
    rows = [row(day, line, billed=0.85 * PAID, settled=0) for day in DAYS[:9] for line in lines]
    rows += [row(DAYS[9], line, billed=0.4 * PAID, settled=0) for line in lines]
    rows += [
        row(DAYS[1], EXECUTION, estimated=0),
        row(DAYS[2], CACHE, billed=2.5 * PAID, settled=0),
    ]
    found = reconcile(Comparison("acme", FIRST, LAST, tuple(rows), dict.fromkeys(DAYS, OPEN)))
    said = [found.why(one) for one in found.lines]
    assert said == [
        *["discount: 15.0% (the bill may still change)"] * 27,
        *[str(Reason.LATE)] * 3,
        f"{Reason.NO_USAGE} (the bill may still change)",
        f"{Reason.MORE} (the bill may still change)",
    ]


def test_the_largest_line_of_a_day_is_not_the_whole_day():
    """One line that holds most of the money and is partly refused says nothing about the others."""
    rows = [row(day, line) for day in DAYS for line in (OUTPUT, OTHER)]
    large = row(DAYS[1], estimated=9 * PAID, billed=8.9 * PAID)
    assert reasons(*rows, large)[-1] == Reason.UNBILLED


def test_a_negative_amount_is_a_credit():
    """Beside usage or without any: what is given back is no price and no refusal."""
    credit = Line("none", "credit", "none")
    rows = (row(FIRST, billed=-PAID), row(DAYS[1], credit, estimated=0, billed=-PAID))
    assert reasons(*rows) == [Reason.CREDIT] * 2


def test_a_discount_is_the_ratio_that_most_money_has():
    """One ratio over three days and more is a discount, and the sentence says how large."""
    rows = [row(day, line, billed=0.85 * PAID) for day in DAYS for line in (INPUT, OUTPUT, OTHER)]
    found = reconcile(Comparison("acme", FIRST, LAST, tuple(rows), dict.fromkeys(DAYS, IN_FORCE)))
    assert {(one.reason, one.detail) for one in found.lines} == {(Reason.DISCOUNT, "15.0%")}
    assert found.discount == pytest.approx(0.85)


def test_a_surcharge_is_no_discount():
    """One ratio above 1 over all days is a surcharge, and the sentence says how large."""
    rows = [row(day, line, billed=1.176 * PAID) for day in DAYS for line in (INPUT, OUTPUT, OTHER)]
    found = reconcile(Comparison("acme", FIRST, LAST, tuple(rows), dict.fromkeys(DAYS, IN_FORCE)))
    assert {found.why(one) for one in found.lines} == {"billed above the estimate: 17.6%"}


def test_a_day_with_another_ratio_was_restated():
    """Beside a discount, a whole day at another rate is told apart."""
    rows = [
        row(day, line, billed=(0.8 if day == DAYS[4] else 0.85) * PAID)
        for day in DAYS
        for line in (INPUT, OUTPUT)
    ]
    found = reasons(*rows)
    assert found.count(Reason.WHOLE_DAY) == 2
    assert found.count(Reason.DISCOUNT) == 18


def test_the_day_on_which_the_discount_was_learned():
    """Half of it was estimated at the list price, so its lines lie between both."""
    rows = [row(day, line, billed=0.85 * PAID) for day in DAYS[:5] for line in (INPUT, OUTPUT)]
    rows += [row(DAYS[5], billed=0.93 * PAID), row(DAYS[5], OUTPUT, billed=0.9 * PAID)]
    assert reasons(*rows) == [Reason.DISCOUNT] * 12


def test_a_learned_discount_needs_no_third_day():
    """A discount that the price book knows explains the single day before it was learned."""
    rows = [row(DAYS[0], line, billed=0.85 * PAID) for line in (INPUT, OUTPUT, OTHER)]
    rows += [row(DAYS[1], billed=0.9 * PAID), row(DAYS[1], OUTPUT, billed=0.95 * PAID)]
    rows += [row(DAYS[2], line, billed=0.9 * PAID) for line in (INPUT, OUTPUT, OTHER)]
    learned = (Discount(DAYS[1], 0.85),)
    assert reasons(*rows, discounts=learned) == [Reason.DISCOUNT] * 5 + [Reason.WHOLE_DAY] * 3
    assert Reason.DISCOUNT not in reasons(*rows[3:], discounts=(Discount(DAYS[5], 0.85),))


def test_a_changed_day_also_explains_what_has_no_discount():
    """A day at 0.96 of a bill with 15 % off: web searches, without discount, are at 0.96."""
    rows = [row(day, line, billed=0.85 * PAID) for day in DAYS[:4] for line in (INPUT, OUTPUT)]
    rows += [row(DAYS[4], line, billed=0.816 * PAID) for line in (INPUT, OUTPUT)]
    assert reasons(*rows, row(DAYS[4], SEARCH, billed=0.96 * PAID))[-1] == Reason.WHOLE_DAY


def test_a_restated_line_beside_a_discount():
    """Also on a day with a discount a line that was right, and then changed, was restated."""
    rows = [row(day, line, billed=0.85 * PAID) for day in DAYS[:4] for line in (INPUT, OUTPUT)]
    restated = row(DAYS[2], OTHER, billed=0.2 * PAID, settled=0.85 * PAID)
    assert reasons(*rows, restated)[-1] == Reason.RESTATED


def test_refusals_in_much_the_same_share_are_no_price():
    """A line that is about 1 % too low every day, but never by the same, is used and not billed."""
    rows = [row(day, line) for day in DAYS for line in (INPUT, OUTPUT)]
    rows += [row(day, OTHER, billed=(0.986 + n / 1000) * PAID) for n, day in enumerate(DAYS)]
    found = reasons(*rows)
    assert found[-10:] == [Reason.UNBILLED] * 6 + [Reason.LATE] * 4


def test_a_usual_ratio_of_one_is_no_price():
    """A line that is usually right, and 0.3 % too low once, has no other price."""
    rows = [row(day, line) for day in DAYS[:5] for line in (INPUT, OUTPUT)]
    assert reasons(*rows, row(DAYS[5], billed=0.997 * PAID))[-1] == Reason.UNBILLED


def test_a_model_that_was_priced_during_the_day():
    """The hours before its first bill have no estimate, so that more is billed than estimated."""
    rows = [row(day, line) for day in DAYS for line in (INPUT, OUTPUT)]
    part = row(DAYS[1], OTHER, billed=1.2 * PAID)
    unpriced = (Unpriced(DAYS[1], "claude-y", "unknown_model", 1000),)
    assert reasons(*rows, part, unpriced=unpriced)[-1] == Reason.UNPRICED


def test_tiers_without_a_price_beside_standard_usage():
    """A bill that has flex tokens of the same line is larger because of these."""
    rows = [row(day, line) for day in DAYS for line in (INPUT, OUTPUT)]
    part = row(DAYS[1], OTHER, billed=1.2 * PAID)
    flex = (Unpriced(DAYS[1], "claude-y", "flex", 1000),)
    assert reasons(*rows, part, unpriced=flex)[-1] == Reason.UNPRICED
    assert reasons(*rows, part)[-1] == Reason.MORE


def test_a_line_with_its_own_ratio_has_another_price():
    """When one line differs by the same on most days its list price is wrong."""
    rows = [row(day, line) for day in DAYS for line in (INPUT, OUTPUT)]
    rows += [row(day, OTHER, billed=1.2 * PAID) for day in DAYS]
    assert reasons(*rows)[-10:] == [Reason.PRICE] * 10


def test_cost_that_no_usage_report_has():
    """Code execution and sessions are billed and never estimated."""
    assert reasons(row(FIRST, EXECUTION, estimated=0)) == [Reason.NO_USAGE]


def test_tokens_without_a_price_are_the_reason_for_an_estimate_of_nothing():
    """An unknown model is billed; its tokens say why nothing was estimated."""
    rows = (row(FIRST, OTHER, estimated=0),)
    unpriced = (Unpriced(FIRST, "claude-y", "unknown_model", 1000),)
    assert reasons(*rows, unpriced=unpriced) == [Reason.UNPRICED]
    assert reasons(*rows) == [Reason.NO_USAGE]


def test_less_billed_than_used():
    """On recent days it may still arrive; later, refused requests are the likely cause."""
    rows = [row(day, line) for day in DAYS for line in (OUTPUT, OTHER)]
    rows += [row(DAYS[1], billed=0.9 * PAID), row(DAYS[9], billed=0.9 * PAID)]
    assert reasons(*rows)[-2:] == [Reason.UNBILLED, Reason.LATE]
    weeks_later = LAST + timedelta(days=20)
    assert reasons(*rows, newest_bill=weeks_later)[-2:] == [Reason.UNBILLED] * 2


def test_late_searches_on_a_day_with_a_discount_on_tokens():
    """What has no discount is compared with its full price: 0.97 of it is not more than 0.85."""
    rows = [row(day, line, billed=0.85 * PAID) for day in DAYS for line in (INPUT, OUTPUT, OTHER)]
    rows += [row(day, SEARCH) for day in DAYS[:9]]
    assert reasons(*rows, row(DAYS[9], SEARCH, billed=0.97 * PAID))[-1] == Reason.LATE


def test_more_billed_than_used():
    """The other way round usage may be missing."""
    rows = [row(day, line) for day in DAYS for line in (OUTPUT, OTHER)]
    assert reasons(*rows, row(DAYS[2], billed=1.5 * PAID))[-1] == Reason.MORE


def test_a_bill_that_changed_after_it_had_settled():
    """When the settled amount was nearer to the estimate, the later change is the reason."""
    rows = [row(day, line) for day in DAYS for line in (OUTPUT, OTHER)]
    restated = row(DAYS[2], billed=0, settled=PAID)
    assert reasons(*rows, restated)[-1] == Reason.RESTATED
    nearer = row(DAYS[2], billed=0.9 * PAID, settled=0.5 * PAID)
    assert reasons(*rows, nearer)[-1] == Reason.UNBILLED


def test_days_and_models_add_up_their_lines():
    """Sums are those of the lines; a day says each reason once, with all figures of a model."""
    rows = (
        row(FIRST, billed=0.5 * PAID),
        row(FIRST, OUTPUT, billed=0.7 * PAID),
        row(FIRST, OTHER),
        row(FIRST, SEARCH, billed=1.5 * PAID),
        row(DAYS[1], billed=None),
    )
    found = reconcile(Comparison("acme", FIRST, LAST, rows, {FIRST: IN_FORCE}))
    one, two = by_day(found)
    assert one.whole == ("2026-10-01", 4 * PAID, 3.7 * PAID)
    assert [part.name for part in one.models] == ["claude-x", "claude-y", "web_search"]
    assert one.models[0][1:] == (2 * PAID, 1.2 * PAID)
    assert one.reasons == {
        str(Reason.UNBILLED): ("claude-x",), str(Reason.MORE): ("web_search",)
    }  # fmt: skip
    assert (two.whole, two.reasons) == (
        ("2026-10-02", PAID, None), {str(Reason.NOT_READ): ("claude-x",)}
    )  # fmt: skip
    assert [part[:2] for part in by_model(found)] == [
        ("claude-x", 3 * PAID), ("claude-y", PAID), ("web_search", PAID)
    ]  # fmt: skip
    assert total(found) == ("total", 5 * PAID, 3.7 * PAID)
    assert list(by_reason(found)) == [
        (Reason.UNBILLED, -0.8 * PAID), (Reason.MORE, 0.5 * PAID)
    ]  # fmt: skip


def test_many_figures_of_one_reason_are_a_range():
    """Two figures are both said, of more the lowest and the highest."""
    price = str(Reason.PRICE)
    assert sentence(Reason.PRICE, {"x 0.81", "x 0.80"}) == f"{price}: x 0.80, x 0.81"
    three = {"x 0.81", "x 0.80", "x 0.84"}
    assert sentence(Reason.PRICE, three) == f"{price}: x 0.80 to x 0.84"
    assert sentence(Reason.LATE, may_change=True) == str(Reason.LATE)
