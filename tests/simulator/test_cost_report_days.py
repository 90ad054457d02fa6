"""The days of the legacy cost report: closed ones only, as they land, page by page."""

from datetime import date, timedelta

import pytest

from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.simulator import BucketStart, OpenBucket, Switches
from tests.simulator.conftest import TODAY
from tests.support.cost_report import ending, rows, starting, total

NO_CLOSED_DAY = "Invalid date range: ending date must be after starting date"


@pytest.mark.parametrize(
    "query",
    [
        starting(TODAY, ending(TODAY + DAY)),
        starting(TODAY - DAY, ending(TODAY - timedelta(seconds=1))),
        starting(TODAY + timedelta(hours=-9, minutes=-37)),
        starting(TODAY),
        starting(TODAY + 3 * DAY, ending(TODAY + 5 * DAY)),
        starting(TODAY - DAY, ending(TODAY - 2 * DAY)),
    ],
    ids=["today", "to_23_59_59", "last_24_h", "no_end", "future", "reversed"],
)
def test_g1_a_range_without_a_closed_day_is_refused(steady, query):
    """G1: without a closed day in the range the answer is the 400 seen live, not to be retried."""
    response = steady.send("cost", query)
    assert steady.refused("cost", *query) == {
        "type": "invalid_request_error",
        "message": NO_CLOSED_DAY,
    }
    assert response.header("x-should-retry") == "false"


def test_g1_the_sibling_report_tolerates_it(steady):
    """G1: the usage report answers the same range with nothing instead."""
    assert steady.usage(TODAY, TODAY + DAY, "1d") == []


def test_ending_at_is_clamped_to_now(steady):
    """An end in the future ends with the last closed day."""
    (day,) = steady.costs(TODAY - DAY, TODAY + 9 * DAY)
    assert day["ending_at"] == "2026-11-24T00:00:00Z"


def test_the_open_day_as_a_switch(asker):
    """With the switch the open day is served with what has landed of it, and grows."""
    asking = asker(switches=Switches(open_cost_day=OpenBucket.PARTIAL))
    totals = []
    for _ in range(3):
        (day,) = asking.costs(TODAY, TODAY + DAY)
        assert day["ending_at"] == "2026-11-25T00:00:00Z"
        totals.append(total([day]))
        asking.clock.advance(2 * HOUR)
    assert totals == sorted(set(totals))
    shown = asking.simulator.invoice(TODAY.date(), date(2026, 11, 25), asking.clock.now())
    assert shown.usd == total(asking.costs(TODAY))


def test_g4_a_start_inside_a_day(asker):
    """G4: a start inside a day takes the next day, or with the switch that very one."""
    start = TODAY - 36 * HOUR
    assert asker().costs(start)[0]["starting_at"] == "2026-11-23T00:00:00Z"
    floor = asker(switches=Switches(bucket_start=BucketStart.FLOOR))
    assert floor.costs(start)[0]["starting_at"] == "2026-11-22T00:00:00Z"


def test_g2_a_closed_day_lands_during_the_hours_after_its_end(asker):
    """G2: right after midnight the day is there and a part is missing, until eight hours later."""
    asking = asker(now=TODAY + timedelta(minutes=1), start=TODAY)
    totals = []
    for _ in range(10):
        (day,) = asking.costs(TODAY - DAY)
        totals.append(total([day]))
        shown = asking.simulator.invoice(date(2026, 11, 23), date(2026, 11, 24), asking.clock.now())
        assert totals[-1] == shown.usd
        asking.clock.advance(HOUR)
    whole = asking.simulator.invoice(date(2026, 11, 23), date(2026, 11, 24)).usd
    assert totals == sorted(totals)
    assert totals[0] < totals[7] < totals[8] == totals[9] == whole


def test_the_delay_is_a_switch(asker):
    """Without any delay a day is complete at its end."""
    asking = asker(now=TODAY, start=TODAY, switches=Switches(cost_delay_hours=0))
    whole = asking.simulator.invoice(date(2026, 11, 23), date(2026, 11, 24)).usd
    assert total(asking.costs(TODAY - DAY)) == whole


def test_g9_seven_days_a_page_by_default(steady):
    """G9: without a limit a page holds seven days, and the token leads to the rest."""
    query = [*starting(TODAY - 30 * DAY), ("group_by[]", "description")]
    page = steady.get("cost", *query)
    assert len(page["data"]) == 7
    assert page["has_more"] is True
    days = steady.everything("cost", query)
    assert [day["starting_at"] for day in days] == [
        f"{TODAY - (30 - n) * DAY:%Y-%m-%dT00:00:00Z}" for n in range(30)
    ]


def test_page_token_is_bound_to_its_query(steady):
    """A token sent with other parameters is refused."""
    query = starting(TODAY - 30 * DAY)
    token = steady.get("cost", *query)["next_page"]
    steady.get("cost", *query, ("page", token))
    steady.refused("cost", *query, ("limit", 8), ("page", token))


def test_days_without_cost_are_included(asker):
    """Days before any usage are buckets with empty results."""
    days = asker(history_days=2).costs(TODAY - 6 * DAY)
    assert len(days) == 6
    assert days[0]["results"] == []
    assert days[-1]["results"] != []


def test_g3_usage_of_the_open_day(asker):
    """G3: at 1d the usage report omits the open day as the cost report does, at 1h it does not."""
    asking = asker()
    assert asking.usage(TODAY, TODAY + DAY, "1d") == []
    assert rows(asking.usage(TODAY, TODAY + DAY, "1h")) != []
