"""Usage cut into rows, minutes, pages and slices in any way is priced once, to the same sums."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_cost_exporter.clock import HOUR, ManualClock
from claude_cost_exporter.ledger.base import Batch, PricedUsage, Settings
from claude_cost_exporter.ledger.sql import SqlLedger
from claude_cost_exporter.pricing.book import PriceBook
from claude_cost_exporter.records import ATTRIBUTION, PROBE, Window
from claude_cost_exporter.sources.anthropic_usage import AnthropicUsage
from tests.support.api import NOW, Bench
from tests.support.report import Report, hour, usage

WINDOW = Window(hour(7), hour(11))
BOOK = PriceBook.packaged()
COUNTS = st.tuples(*[st.integers(0, 50_000)] * 5, st.integers(0, 20))
DIMENSIONS = st.fixed_dictionaries(
    {
        "model": st.sampled_from(
            [
                "claude-sonnet-4-5",
                "claude-opus-4-6",
                "claude-haiku-4-5-20251001",
                "claude-unknown-9",
            ]
        ),
        "service_tier": st.sampled_from(["standard", "batch", "priority"]),
        "context_window": st.sampled_from(["0-200k", "200k-1M"]),
        "inference_geo": st.sampled_from(["global", "us", "not_available"]),
        "speed": st.sampled_from(["standard", "fast"]),
        "workspace_id": st.sampled_from([None, "wrkspc_a", "wrkspc_b"]),
        "api_key_id": st.sampled_from([None, "apikey_a", "apikey_b"]),
    }
)
MINUTES = st.integers(0, 3 * 60 + 29)  # up to the last full minute before NOW
USED = st.lists(st.tuples(MINUTES, COUNTS, DIMENSIONS), min_size=1, max_size=12)


@dataclass(frozen=True)
class Cut:
    """One way to serve the same usage."""

    buckets_per_page: int
    by_minute: bool
    parts: int
    """Every use is split into so many, in minutes of the same hour."""


CUTS = st.builds(Cut, st.integers(1, 200), st.booleans(), st.integers(1, 4))
WHOLE = Cut(200, by_minute=False, parts=1)


def split(used, parts):
    """Yield each use in parts that add up to it, spread over the minutes of its hour."""
    for minute, counts, dimensions in used:
        start = hour(7) + timedelta(minutes=minute)
        for part in range(parts):
            share = [(number + part) // parts for number in counts]
            moment = start.replace(minute=start.minute * (part + 1) // parts)
            yield usage(moment, share, **dimensions)


def read(used, cut):
    """Return the records of the window when it is served in this way."""
    bench = Bench(now=NOW)
    report = Report(*split(used, cut.parts))
    report.most_buckets = cut.buckets_per_page
    report.serves = lambda width, start: width == "1m" or not cut.by_minute or start < hour(10)
    bench.api.will(report)
    records = list(AnthropicUsage(bench.client, bench.clock, bench.observed).fetch(WINDOW))
    bench.client.close()
    return records


def priced(records):
    for record in records:
        who = record.dimensions._replace(workspace_id="", api_key_id="")
        yield PricedUsage(record, BOOK.rates("acme", who, record.hour.date()))


def cost(records, role):
    """Return nano-USD by component: five token types, searches."""
    totals = [0] * 6
    for record, rates in priced(records):
        if record.role == role:
            found = rates.cost(record.tokens, record.web_searches)
            for index, amount in enumerate((*(found.by_type or (0,) * 5), found.web_search)):
                totals[index] += amount
    return totals


@settings(max_examples=60)
@given(USED, CUTS)
def test_any_cut_gives_the_same_records(used, cut):
    """Pages, minutes and parts change nothing: the records are those of the uncut report."""
    assert sorted(read(used, cut)) == sorted(read(used, WHOLE))


@settings(max_examples=60)
@given(USED, CUTS)
def test_a_token_is_never_priced_twice(used, cut):
    """Each role holds exactly what was used, by type; slices neither overlap nor leave a gap."""
    records = read(used, cut)
    expected = [sum(counts[index] for _, counts, _ in used) for index in range(6)]
    for role in (PROBE, ATTRIBUTION):
        mine = [record for record in records if record.role == role]
        found = [sum(record.tokens[index] for record in mine) for index in range(5)]
        assert [*found, sum(record.web_searches for record in mine)] == expected
        assert len({(record.hour, record.dimensions) for record in mine}) == len(mine)


@settings(max_examples=60)
@given(USED)
def test_cost_is_additive_over_the_split_into_workspaces_and_keys(used):
    """What the attribution's rows cost adds up to what the probe's cost, within their rounding."""
    records = read(used, WHOLE)
    rows = len(records)
    for total, parts in zip(cost(records, PROBE), cost(records, ATTRIBUTION), strict=True):
        assert abs(total - parts) <= rows  # each row is rounded to one nano-dollar


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    """One ledger for all examples; each takes two accounts of its own."""
    folder = tmp_path_factory.mktemp("ledger")
    ledger = SqlLedger(
        f"sqlite:///{folder}/ledger.db", Settings(series_cap=1_000), ManualClock(NOW)
    )
    yield ledger
    ledger.close()


NUMBERS = count()


def sums(ledger, used, cuts):
    """Return all sums of a new account that reads the same usage in several ways, one by one."""
    name = f"account-{next(NUMBERS)}"
    ledger.register(name, "anthropic")
    for later, cut in enumerate(cuts):
        at = NOW + timedelta(seconds=later)
        ledger.upsert(Batch(name, "usage", WINDOW, at, list(priced(read(used, cut)))))
    days = ledger.snapshot(NOW + HOUR).days
    return {scope[1:]: by_day for scope, by_day in days.items() if scope.account == name}


@settings(max_examples=25)
@given(USED, st.lists(CUTS, min_size=1, max_size=3))
def test_any_cut_gives_the_same_ledger(ledger, used, cuts):
    """Read again in other cuts, the ledger's sums stay those of one plain read."""
    assert sums(ledger, used, cuts) == sums(ledger, used, [WHOLE])
