"""What gauges say of the past, beside what they said then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from claude_cost_exporter.assemble import Fits, as_configured
from claude_cost_exporter.backfill.gauges import REPLAYED
from claude_cost_exporter.calendars import WorkingDays
from claude_cost_exporter.catalogue import BY_NAME, Kind
from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.ledger.base import Settings
from claude_cost_exporter.plans import Budget, Plans
from claude_cost_exporter.records import NANO, Window
from claude_cost_exporter.snapshot import LATE
from tests.support.backfilled import TARGET, series_of, write
from tests.support.ledger import MODEL, Account, used

FIRST = datetime(2026, 10, 20, tzinfo=UTC)
DAYS = 16
LIVE = FIRST + DAYS * DAY + timedelta(hours=9, minutes=30)
OTHER = MODEL._replace(model="claude-y-1")
LEVELS = {"soft": 0.7, "warn": 0.8, "hard": 1.0}
PLANS = Plans(
    budgets=(
        Budget("all", 40 * NANO, "month", "all", "all", LEVELS, WorkingDays()),
        Budget("a", 2 * NANO, "day", "workspace", "wrkspc_a", LEVELS, WorkingDays()),
    )
)
SETTINGS = Settings(time_zone="Europe/Berlin", budgeted=frozenset({"all", "workspace"}))


def spent(hour):
    """Return what is used in an hour: more by day, and a second model on some days."""
    tokens = 20_000 + 1000 * (hour.hour % 12) + 100 * hour.day
    rows = used(hour, tokens)
    if hour.day % 3:
        rows += used(hour, tokens // 2, dims=OTHER, ws="wrkspc_b", key="apikey_b")
    return rows


def usage(start, end):
    return [row for n in range((end - start) // HOUR) for row in spent(start + n * HOUR)]


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """What gauges said twice a day while it was lived, by time and series."""
    account = Account(f"sqlite:///{tmp_path_factory.mktemp('lived')}/ledger.db", SETTINGS, FIRST)
    said, fits = {}, Fits()
    account.ledger.aim_history("acme", "usage", FIRST)
    read_to = FIRST
    for half in range(1, 2 * DAYS):
        hour = FIRST + half * 12 * HOUR
        account.wait_until(hour + LATE)
        account.poll(hour + LATE, *usage(read_to, hour), back=(hour - read_to) // HOUR)
        read_to = hour
        snapshot = as_configured(account.snapshot(hour + LATE), {"acme"}, PLANS)
        snapshot = fits.fill(snapshot)
        said[hour] = {
            one[:2]: one.value for view in REPLAYED for one in view(snapshot, hour + LATE)
        }
    account.ledger.close()
    return said


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    """The past of a ledger that loaded the same usage later on."""
    folder = tmp_path_factory.mktemp("replayed")
    url = f"sqlite:///{folder}/ledger.db"
    account = Account(url, SETTINGS, LIVE)
    account.ledger.aim_history("acme", "usage", FIRST)
    begun = LIVE.replace(minute=0) - HOUR
    account.poll(LIVE, *usage(begun, begun + HOUR), back=1)
    account.load(LIVE, Window(FIRST, begun), *usage(FIRST, begun))
    account.ledger.close()
    return series_of(write(url, folder / "past.om", "acme", settings=SETTINGS, plans=PLANS))


def sample(name, values):
    """Return a sample's name and its labels as the exposition has them, in no order."""
    return name, frozenset(zip(BY_NAME[name].labels, values, strict=True))


def test_gauges_say_what_they_said_then(lived, replayed):
    """Twice a day the past has every gauge that the day itself had, and no other."""
    scraped = set(TARGET._asdict().items())
    for hour, said in lived.items():
        at = int(hour.timestamp())
        shown = {
            (name, labels - scraped): dict(points)[at]
            for (name, labels), points in replayed.items()
            if BY_NAME[name].kind is Kind.GAUGE and at in dict(points)
        }
        assert shown == pytest.approx({sample(*of): value for of, value in said.items()}, rel=1e-9)
    assert {name for name, _ in said} >= {
        "llm_spend_usd", "llm_model_spend_usd", "llm_burn_rate_usd_per_day", "llm_budget_spent_usd",
        "llm_forecast_spend_usd", "llm_window_spend_upper_usd", "llm_budget_forecast_usd",
        "llm_budget_window_spend_ratio", "llm_unattributed_spend_usd",
    }  # fmt: skip


def test_a_gauge_stands_for_its_hour(replayed):
    """A value stands at every step of an hour; at midnight of the time zone a day begins at 0."""
    (today,) = [
        dict(points)
        for (name, labels), points in replayed.items()
        if name == "llm_spend_usd" and {("window", "today"), ("kind", "metered")} <= labels
    ]
    midnight = int(datetime(2026, 10, 28, 23, tzinfo=UTC).timestamp())
    before, after = today[midnight - 300], today[midnight]
    assert before > 1
    assert after == 0
    first = {today[midnight + 3600 + 300 * step] for step in range(12)}
    assert len(first) == 1
    assert 0 < first.pop() < before
