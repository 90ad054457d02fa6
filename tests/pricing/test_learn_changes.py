"""What is learned as days pass: settled days, price changes, new contracts, days that disagree."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from msgspec.structs import replace

from claude_cost_exporter.pricing.evidence import Evidence, points_of
from claude_cost_exporter.records import Tokens
from tests.support.bills import (
    DAY,
    FIRST,
    HAIKU,
    NOVA,
    OPUS,
    ORDINARY,
    SONNET,
    analytics,
    charge,
    days,
    joined,
    month,
)
from tests.support.lessons import BOOK, entries, taught


def test_a_discount_needs_three_settled_days():
    """Two settled days, and days younger than 48 hours, teach nothing; a third one does."""
    young = days(4, date(2026, 11, 8))
    assert taught(month(ORDINARY, young, factor="0.85")).learned == ()
    old = days(5, date(2026, 11, 7))
    assert entries(taught(month(ORDINARY, old, factor="0.85"))) == {"": "0.85"}


def test_each_api_has_its_own_rounding():
    """After a change of API, whole cents of the old one are not judged by the digits of the new."""
    counts = Tokens(*(1_003 + prime for prime in (1, 3, 7, 13, 17)))
    old = [line._replace(amount=line.amount // 10**7 * 10**7) for day in days(5)
           for line in charge(day, OPUS, "0.85", counts)]  # fmt: skip
    usage = [use._replace(tokens=counts) for use in month([OPUS], days(5)).usage]
    new = month([SONNET], days(2, FIRST + 5 * DAY), factor="0.85", told=analytics)
    points = points_of(joined(Evidence(usage, old), new), BOOK, "acme")
    assert {key.model for key in points} == {SONNET.model}


def test_the_day_of_a_price_change_is_left_out():
    """2026-10-07 mixes the old and the new cache read of Sonnet 5.5; the days around it agree."""
    when = days(3, date(2026, 10, 6))
    old, blended = (1, 1, 2, 1, 1), (1, 1, "1.4", 1, 1)
    bill = [
        line
        for day, factor in zip(when, (old, blended, 1), strict=True)
        for line in charge(day, SONNET, factor)
    ]
    evidence = joined(month([SONNET], when)._replace(bill=bill), month([OPUS], when))
    assert taught(evidence) == ((), ())
    without = taught(evidence._replace(bill=[b for b in bill if b.day != when[1]]))
    assert without == ((), ())


def test_a_price_change_day_never_counts_among_three():
    """Two settled days and a day of a price change are not three days."""
    when = days(3, date(2026, 10, 6))
    assert entries(taught(month([SONNET, OPUS], when, factor="0.9"))) == {"claude-opus-5": "0.9"}


def test_a_discount_that_begins_is_dated():
    """Half a month at list price, then 15 % off: the factor holds from its first day."""
    before, after = days(6, date(2026, 10, 28)), days(5, date(2026, 11, 3))
    parts = (month(ORDINARY, before), month(ORDINARY, after, factor="0.85"))
    (entry,) = taught(joined(*parts)).learned
    assert (entry.factor, entry.from_) == (Decimal("0.85"), date(2026, 11, 3))


def test_a_changed_contract_ends_the_old_discount():
    """15 % off, from 12 November 20 %: what was paid before stays known, also a month later."""
    before, after = days(10), days(8, date(2026, 11, 12))
    known = BOOK.with_learned(taught(month(ORDINARY, before, factor="0.85")).learned)
    later, parts = datetime(2026, 11, 25, tzinfo=UTC), month(ORDINARY, after, factor="0.8")
    book = BOOK.with_learned(
        taught(joined(month(ORDINARY, before, factor="0.85"), parts), known, later).learned
    )
    assert [(str(e.factor), e.from_, e.to) for e in book.learned] == [
        ("0.85", None, date(2026, 11, 12)),
        ("0.8", date(2026, 11, 12), None),
    ]
    paid = [book.rates("acme", OPUS, day).per_million[0] for day in (FIRST, date(2026, 11, 20))]
    assert paid == [4_250_000_000, 4 * 10**9]
    assert taught(parts, book, later).learned == book.learned


def test_a_changed_correction_and_a_changed_rate_end():
    """A model's own factor that goes away, and an unlisted model's new price, have their dates."""
    before, after = days(6), days(4, FIRST + 6 * DAY)
    was = joined(month([OPUS, SONNET], before), month([HAIKU], before, factor="0.72"),
                 month([NOVA], before))  # fmt: skip
    book = BOOK.with_learned(taught(was).learned)
    now = joined(was, month([OPUS, SONNET, HAIKU], after), month([NOVA], after, factor="2"))
    book = BOOK.with_learned(taught(now, book, datetime(2026, 11, 25, tzinfo=UTC)).learned)
    first, last = (
        [book.quote("acme", on_, day).rates[1].normalize() for on_ in (HAIKU, NOVA)]
        for day in (FIRST, after[-1])
    )
    assert (first, last) == ([Decimal("3.6"), 34], [5, 68])


def test_a_discount_that_ends_and_returns_has_a_gap():
    """Ten per cent off, a week at list prices, ten per cent off again: three stretches."""
    stretches = [
        ("0.9", days(5)),
        ("1", days(5, FIRST + 5 * DAY)),
        ("0.9", days(6, FIRST + 10 * DAY)),
    ]
    book, parts = BOOK, []
    for factor, when in stretches:
        parts.append(month(ORDINARY, when, factor=factor))
        later = datetime(2026, 11, 25, tzinfo=UTC)
        book = BOOK.with_learned(taught(joined(*parts), book, later).learned)
    paid = [book.rates("acme", OPUS, when[2]).per_million[0] for _, when in stretches]
    assert paid == [4_500_000_000, 5 * 10**9, 4_500_000_000]


def test_days_that_disagree_change_nothing():
    """Restated days are outvoted, also as the end of a discount; without a majority all stays."""
    known = BOOK.with_learned(taught(month(ORDINARY, factor="0.85")).learned)
    restated = joined(
        month(ORDINARY, days(3), factor="0.6"), month(ORDINARY, days(5, FIRST + 3 * DAY))
    )
    (ended,) = taught(restated, known).learned
    assert ended == replace(known.learned[0], to=FIRST + 3 * DAY)
    parts = [month(ORDINARY, [day], factor=f"0.{50 + n}") for n, day in enumerate(days(8))]
    assert taught(joined(*parts), known).learned == known.learned


def test_what_days_say_nothing_about_stays():
    """A model that is not used any more keeps its rate; one that is used again is checked."""
    known = BOOK.with_learned(taught(month([NOVA])).learned)
    discount = taught(month(ORDINARY, factor="0.85"), known)
    assert entries(discount) == {"": "0.85"} | entries(taught(month([NOVA])))
    cheaper = taught(month([NOVA], factor="0.9"), known)
    assert entries(cheaper)["claude-nova-1 output"] == "30.6"


def test_a_correction_of_two_days_takes_no_rate_back():
    """A provisional rate changes when three days agree on another one, not before."""
    known = BOOK.with_learned(taught(month([NOVA], days(1))).learned)
    corrected = [month([NOVA], days(1)), month([NOVA], days(2, FIRST + DAY), factor="0.96")]
    assert taught(joined(*corrected), known).learned == known.learned
    lasting = joined(*corrected, month([NOVA], [FIRST + 3 * DAY], factor="0.96"))
    assert entries(taught(lasting, known))["claude-nova-1 output"] == "32.64"


def test_days_of_an_unlisted_model_that_disagree():
    """Settled days are believed before young ones, and where these disagree, the newest is."""
    half = month([NOVA], [date(2026, 11, 11)], factor="0.5")
    settled = joined(month([NOVA], [date(2026, 11, 9)]), half)
    assert entries(taught(settled))["claude-nova-1 output"] == "34"
    young = joined(month([NOVA], [date(2026, 11, 10)], factor="0.5"),
                   month([NOVA], [date(2026, 11, 11)]))  # fmt: skip
    assert entries(taught(young))["claude-nova-1 output"] == "34"
    wrong = BOOK.with_learned(taught(half).learned)
    assert entries(taught(settled, wrong))["claude-nova-1 output"] == "34"


def test_a_known_discount_explains_a_single_model():
    """When only one model is used for a while, its 0.85 is the discount that is known."""
    known = BOOK.with_learned(taught(month(ORDINARY, factor="0.85")).learned)
    lesson = taught(month([OPUS], factor="0.85"), known)
    assert (lesson.learned, lesson.disagreements) == (known.learned, ())


def test_nearly_the_same_number_changes_nothing():
    """A factor within 0.5 % of the known one is the known one: no new price book for noise."""
    known = BOOK.with_learned(taught(month(ORDINARY, factor="0.85")).learned)
    assert taught(month(ORDINARY, factor="0.852"), known).learned == known.learned
    assert entries(taught(month(ORDINARY, factor="0.86"), known)) == {"": "0.86"}
