"""However usage is cut, it adds up: minutes, hours, pages, groups, filters, the truth."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from claude_cost_exporter.simulator import SCENARIOS, Switches
from claude_cost_exporter.simulator.switches import OpenBucket

HOUR = timedelta(hours=1)
DAY = datetime(2026, 11, 23, tzinfo=UTC)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
PRICING = ("model", "service_tier", "context_window", "inference_geo", "speed")
ATTRIBUTION = ("workspace_id", "api_key_id", "model", "service_tier", "inference_geo")


def quiet(name):
    """Return a scenario without its outages and storms."""
    return replace(SCENARIOS[name], disturbances=())


def totals(buckets):
    """Return the six sums over all rows."""
    sums = Counter()
    for bucket in buckets:
        for row in bucket["results"]:
            sums["input"] += row["uncached_input_tokens"]
            sums["output"] += row["output_tokens"]
            sums["cache_read"] += row["cache_read_input_tokens"]
            sums["cache_write_5m"] += row["cache_creation"]["ephemeral_5m_input_tokens"]
            sums["cache_write_1h"] += row["cache_creation"]["ephemeral_1h_input_tokens"]
            sums["web_searches"] += row["server_tool_use"]["web_search_requests"]
    return sums


def true_totals(truth):
    """Return the six sums of a truth."""
    sums = Counter()
    names = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h", "web_searches")
    for spend in truth.by_series.values():
        sums.update(dict(zip(names, spend.counts, strict=False)))
    return sums


@pytest.mark.parametrize("scenario", ["steady", "late_rows", "restatement", "all"])
def test_minutes_make_hours(asker, scenario):
    """The 60 minutes of closed and open hours add up to the hour, now and ten minutes later."""
    asking = asker(quiet(scenario), start=NOON)
    asking.clock.step_wall(timedelta(minutes=-3))
    for _ in range(2):
        minutes = asking.usage(NOON + HOUR, NOON + 3 * HOUR, "1m")
        hours = asking.usage(NOON + HOUR, NOON + 3 * HOUR, "1h")
        assert len(minutes) > 60
        assert totals(minutes) == totals(hours)
        asking.clock.advance(timedelta(minutes=10))


def test_hours_make_days(steady):
    """24 hours add up to their day, and every group of them."""
    hours = steady.usage(DAY, DAY + 24 * HOUR, "1h", PRICING)
    days = steady.usage(DAY, DAY + 24 * HOUR, "1d", PRICING)
    assert totals(hours) == totals(days)


@pytest.mark.parametrize("limit", [1, 5, 7, 48])
def test_pages_make_the_whole(steady, limit):
    """The page size changes nothing in the sum."""
    query = [
        ("starting_at", DAY.isoformat()),
        ("ending_at", (DAY + 30 * HOUR).isoformat()),
        ("bucket_width", "1h"),
        ("limit", limit),
    ]
    buckets, page = [], None
    while not buckets or page:
        document = steady.get("usage", *query, *([("page", page)] if page else []))
        buckets += document["data"]
        page = document["next_page"]
    assert totals(buckets) == totals(steady.usage(DAY, DAY + 30 * HOUR))


def test_probe_equals_attribution(steady):
    """Grouped by price or by owner, the sum of every bucket is the same."""
    probe = steady.usage(DAY, DAY + 40 * HOUR, "1h", PRICING)
    owners = steady.usage(DAY, DAY + 40 * HOUR, "1h", ATTRIBUTION)
    assert [totals([bucket]) for bucket in probe] == [totals([bucket]) for bucket in owners]


def test_filtered_attribution_equals_probe(steady):
    """One attribution query per combination of context window and speed explains everything."""
    combinations = [("0-200k", "standard"), ("0-200k", "fast"), ("200k-1M", "standard")]
    parts = [
        totals(
            steady.usage(
                DAY, DAY + 24 * HOUR, "1h", ATTRIBUTION, context_window=[window], speeds=[speed]
            )
        )
        for window, speed in combinations
    ]
    assert all(part["output"] for part in parts)
    assert sum(parts, Counter()) == totals(steady.usage(DAY, DAY + 24 * HOUR, "1h", PRICING))


def test_truth_equals_report(steady):
    """What the report shows of closed hours is the truth, series by series."""
    truth = steady.simulator.truth(DAY, DAY + 24 * HOUR)
    assert true_totals(truth) == totals(steady.usage(DAY, DAY + 24 * HOUR, "1h", PRICING))
    by_owner = Counter()
    for bucket in steady.usage(DAY, DAY + 24 * HOUR, "1d", ATTRIBUTION):
        for row in bucket["results"]:
            by_owner[tuple(row[name] for name in ATTRIBUTION)] += row["output_tokens"]
    expected = Counter()
    for series, spend in truth.by_series.items():
        expected[tuple(getattr(series, name) for name in ATTRIBUTION)] += spend.counts[1]
    assert by_owner == expected


@pytest.mark.parametrize("scenario", ["steady", "late_rows", "all"])
def test_visible_truth_equals_open_report(asker, scenario):
    """What the report shows of the open hour is the visible truth at that moment."""
    asking = asker(quiet(scenario), start=NOON)
    for _ in range(4):
        now = asking.clock.now()
        shown = asking.usage(NOON, NOON + 3 * HOUR)
        visible = asking.simulator.truth(NOON, NOON + 4 * HOUR, as_of=now, visible=True)
        assert totals(shown) == true_totals(visible)
        asking.clock.advance(timedelta(seconds=97))


def test_usage_is_visible_two_to_five_minutes_later(steady):
    """Nothing younger than 2 minutes is visible, everything older than 5 is, bit by bit."""
    simulator = steady.simulator
    minute = NOON + timedelta(minutes=7)
    end = minute + timedelta(minutes=1)
    final = simulator.truth(minute, end).tokens
    seen = [
        simulator.truth(minute, end, as_of=end + timedelta(seconds=s), visible=True).tokens
        for s in range(0, 330, 10)
    ]
    assert seen[0] == seen[11] == 0
    assert seen[30] == final
    assert len(set(seen)) > 3
    assert seen == sorted(seen)


def test_what_happened_does_not_wait(steady):
    """The truth of a moment knows all minutes that are over, visible or not."""
    simulator = steady.simulator
    end = NOON + timedelta(minutes=30)
    happened = simulator.truth(NOON, NOON + HOUR, as_of=end)
    assert happened == simulator.truth(NOON, end)
    assert happened.tokens > simulator.truth(NOON, end, as_of=end, visible=True).tokens


def test_truth_is_additive(steady):
    """A stretch cut anywhere has the same cost as the whole, to the nano-dollar."""
    simulator = steady.simulator
    start, end = DAY - 5 * HOUR, DAY + timedelta(hours=30, minutes=17)
    whole = simulator.truth(start, end)
    for minutes in (1, 59, 60, 61, 299, 300, 301, 1800):
        cut = start + timedelta(minutes=minutes)
        one, two = simulator.truth(start, cut), simulator.truth(cut, end)
        assert one.cost + two.cost == whole.cost
        assert one.tokens + two.tokens == whole.tokens


def test_truth_needs_full_minutes(steady):
    """A bound inside a minute is refused with its value."""
    with pytest.raises(ValueError, match="12:00:30"):
        steady.simulator.truth(NOON + timedelta(seconds=30), NOON + HOUR)


def test_same_seed_same_usage(asker):
    """The answer is a function of seed and time, not of what was asked before."""
    one, two = asker(seed=7), asker(seed=7)
    two.usage(DAY - 24 * HOUR, DAY + 24 * HOUR, "1m")
    query = (DAY, DAY + 40 * HOUR, "1h", ATTRIBUTION)
    assert one.usage(*query) == two.usage(*query) == one.usage(*query)
    assert one.usage(*query) != asker(seed=8).usage(*query)


def test_cached_hours_do_not_change_answers(asker):
    """A settled hour read twice, or after a correction of another hour, stays the same."""
    asking = asker("restatement", start=NOON)
    query = (DAY, DAY + 12 * HOUR, "1h", PRICING)
    before = asking.usage(*query)
    asking.clock.advance(timedelta(hours=1))
    assert asking.usage(*query) == before


def test_no_history_before_its_start(asker):
    """Usage begins `history_days` before the start."""
    asking = asker(history_days=2)
    first = DAY - timedelta(days=1) + 14 * HOUR
    assert asking.simulator.truth(first - 48 * HOUR, first).tokens == 0
    assert asking.simulator.truth(first, first + HOUR).tokens > 0


def test_weekdays_and_nights_differ(steady):
    """Weekends cost less than half of weekdays, and the office sleeps at night."""
    days = [steady.simulator.truth(DAY - n * 24 * HOUR, DAY - (n - 1) * 24 * HOUR) for n in (0, 1)]
    monday, sunday = (day.cost / 1e9 for day in days)
    assert 300 < monday < 600
    assert 120 < sunday < monday / 2
    night = steady.simulator.truth(DAY + 3 * HOUR, DAY + 4 * HOUR)
    owners = {series.api_key_id for series in night.by_series}
    assert "apikey_01NbkD3pVz8HsLm6RwQtYc4" not in owners


def test_partial_day_grows(asker):
    """A partial 1d bucket is the sum of the day's visible hours."""
    asking = asker(switches=Switches(open_day=OpenBucket.PARTIAL))
    midnight = NOON.replace(hour=0)
    day = asking.usage(midnight, midnight + 24 * HOUR, "1d")
    assert totals(day) == totals(asking.usage(midnight, midnight + 24 * HOUR, "1h"))
