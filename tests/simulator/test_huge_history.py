"""A thousand keys with ten models each: made hour by hour, the same every time, bounded."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from claude_cost_exporter.simulator import Switches
from claude_cost_exporter.simulator.money import FEMTO_PER_NANO
from claude_cost_exporter.simulator.row_cache import RowCache

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TODAY = datetime(2026, 11, 24, tzinfo=UTC)
KEYS = ("workspace_id", "api_key_id", "model", "service_tier", "inference_geo")


@pytest.fixture
def crowd(asker):
    """A huge organisation, asked on a Tuesday afternoon."""
    return asker("huge_history")


def test_each_key_is_active_in_3_percent_of_hours(crowd):
    """In an hour about thirty keys are active, each with all ten models; over time every key."""
    hours = crowd.usage(TODAY - 10 * DAY, TODAY, "1h", ("api_key_id", "model"))
    rows = [Counter(row["api_key_id"] for row in hour["results"]) for hour in hours]
    assert {count for hour in rows for count in hour.values()} == {10}
    assert 28 < sum(map(len, rows)) / len(rows) < 32
    assert len({key for hour in rows for key in hour}) > 990


def test_ten_priced_models(crowd):
    """All ten models have a price in each of the 90 days, and the crowd is all there is."""
    for days_back in (89, 45, 1):
        start = TODAY - days_back * DAY
        truth = crowd.simulator.truth(start, start + DAY)
        assert len(truth.cost_by_model()) == 10
        assert truth.unpriced_tokens == 0
        assert all(key.startswith("apikey_01Bulk") for _, key, _ in truth.cost_by_api_key())


def test_every_key_is_listed(crowd):
    """The keys and workspaces that appear in reports are in the organisation's lists."""
    first = crowd.get("api_keys", ("limit", 1000))
    second = crowd.get("api_keys", ("limit", 1000), ("after_id", first["last_id"]))
    ids = {key["id"] for page in (first, second) for key in page["data"]}
    assert (len(ids), first["has_more"], second["has_more"]) == (1009, True, False)
    (day,) = crowd.usage(TODAY - DAY, TODAY, "1d", ("api_key_id",))
    assert {row["api_key_id"] for row in day["results"]} <= ids


def test_same_sums_by_every_way(crowd):
    """Hours, days, legacy costs, analytics and the truth agree on a day."""
    start = TODAY - DAY
    truth = crowd.simulator.truth(start, TODAY)
    hours = crowd.usage(start, TODAY, "1h", KEYS)
    tokens = sum(row["output_tokens"] for hour in hours for row in hour["results"])
    assert tokens == sum(spend.counts[1] for spend in truth.by_series.values())
    invoice = crowd.simulator.invoice(date(2026, 11, 23), date(2026, 11, 24))
    assert invoice.amount == truth.cost * FEMTO_PER_NANO
    found = crowd.analytics("cost", start, TODAY, "1d", ("api_key_id",))
    assert len(found) == len({key for _, key, _ in truth.cost_by_api_key()}) > 400
    cents = sum(int(row["cost"]["amount"].replace(".", "")) for row in found)
    assert cents == truth.cost * 100


def test_independent_of_what_was_asked_before(asker):
    """An hour is the same whether it is the first one asked for or comes after many others."""
    one, two = asker("huge_history"), asker("huge_history")
    two.usage(TODAY - 3 * DAY, TODAY, "1h", KEYS)
    query = (TODAY - 50 * HOUR, TODAY - 48 * HOUR, "1h", KEYS)
    assert one.usage(*query) == two.usage(*query)


def test_dense_pages_shrink(asker):
    """With a cap on rows a week of hours is refused in one page, and a few hours are not."""
    asking = asker("huge_history", switches=Switches(max_rows_per_page=5_000))
    query = [("starting_at", (TODAY - 7 * DAY).isoformat()), ("bucket_width", "1h")]
    query += [("group_by[]", name) for name in KEYS]
    asking.refused("usage", *query, ("limit", 168))
    page = asking.get("usage", *query, ("limit", 12))
    assert sum(len(hour["results"]) for hour in page["data"]) > 3_000


def test_caches_are_bounded():
    """A cache forgets what was used longest ago, so that its rows stay below their number."""
    cache = RowCache(rows=100)
    computed = []

    def compute(key):
        computed.append(key)
        return [key] * 30

    for key in ("a", "b", "c", "a", "d"):
        assert cache.get(key, lambda key=key: compute(key)) == [key] * 30
    assert computed == ["a", "b", "c", "d"]
    cache.get("a", lambda: compute("a"))
    cache.get("b", lambda: compute("b"))
    assert computed == ["a", "b", "c", "d", "b"]
    assert sum(map(len, cache._kept.values())) <= 100
    huge = RowCache(rows=10)
    assert len(huge.get("all", lambda: [0] * 50)) == 50
    assert huge.get("all", list) == [0] * 50
