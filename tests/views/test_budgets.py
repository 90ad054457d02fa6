"""Budgets from a snapshot: what is spent, where it will end, what the last hours burnt."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date
from zoneinfo import ZoneInfo

import pytest

from claude_cost_exporter.calendars import WorkingDays
from claude_cost_exporter.clock import DAY
from claude_cost_exporter.plans import Budget, Plans, Subscription
from claude_cost_exporter.records import NANO, SpendLimit
from claude_cost_exporter.snapshot import WorkspaceName
from claude_cost_exporter.views.budgets import budgets
from tests.support.months import at, days_before, flat, snapshot, values

NOW = at(2026, 11, 11)  # ten of thirty days are over
LEVELS = {"soft": 0.7, "warn": 0.8, "hard": 1.0}


def budget(usd, period="month", scope_type="all", scope="all", **more):
    days = more.pop("working_days", WorkingDays(UTC))
    limit = None if usd is None else usd * NANO
    return Budget("b", limit, period, scope_type, scope, LEVELS, days, **more)


def seen(one, now=NOW, *, since=None, per_hour=flat, fees=(), **rest):
    plans = Plans(subscriptions=fees, budgets=(one,))
    snap = snapshot(now, per_hour, since=since or days_before(now, 60), plans=plans, **rest)
    return list(budgets(snap, now))


def stale(one, read_at, now):
    snap = snapshot(read_at, flat, since=days_before(now, 60), plans=Plans(budgets=(one,)))
    return list(budgets(snap, now))


def value(samples, metric, *last):
    (found,) = [v for labels, v in values(samples, metric).items() if labels[-len(last) :] == last]
    return found


def test_a_month_s_budget():
    """$240 of $720 are spent after a third of the month, at its pace, and it lasts to the end."""
    samples = seen(budget(721))
    assert value(samples, "llm_budget_limit_usd", "month") == 721
    assert value(samples, "llm_budget_spent_usd", "month") == pytest.approx(240)
    assert value(samples, "llm_budget_used_ratio", "month") == pytest.approx(240 / 721)
    assert value(samples, "llm_budget_elapsed_ratio", "month") == pytest.approx(1 / 3)
    assert value(samples, "llm_budget_pace_ratio", "month") == pytest.approx(720 / 721)
    assert value(samples, "llm_budget_daily_allowance_usd", "month") == pytest.approx(721 / 30)
    assert value(samples, "llm_budget_forecast_usd", "month", "p50") == pytest.approx(720)
    assert values(samples, "llm_budget_exhaustion_timestamp_seconds") == {}


def test_a_budget_that_will_not_hold_has_a_date():
    """At $24 a day $480 are spent when the 20th is over."""
    samples = seen(budget(480))
    ends = value(samples, "llm_budget_exhaustion_timestamp_seconds", "month")
    assert ends == pytest.approx(at(2026, 11, 21).timestamp(), abs=2)


def test_data_that_end_yesterday_do_not_move_the_date():
    """Unread since 18:00 on the 9th, $24 a day still make $480 by the end of the 20th."""
    samples = stale(budget(480), at(2026, 11, 9, 18), at(2026, 11, 11, 6))
    ends = value(samples, "llm_budget_exhaustion_timestamp_seconds", "month")
    assert ends == pytest.approx(at(2026, 11, 21).timestamp(), abs=2)


@pytest.mark.parametrize(("period", "spent"), [("day", 12), ("week", 2 * 24 + 12)])
def test_days_and_weeks_have_budgets_too(period, spent):
    """On Wednesday noon a day has spent $12, and the week since Monday $60."""
    samples = seen(budget(100, period), at(2026, 11, 11, 12))
    assert value(samples, "llm_budget_spent_usd", period) == pytest.approx(spent)
    assert values(samples, "llm_budget_window_spend_ratio") == {}


def test_a_week_s_budget_stays_over_the_end_of_a_month():
    """On Tuesday 1 December data that end on Monday noon are data of this week."""
    samples = stale(budget(200, "week"), at(2026, 11, 30, 12), at(2026, 12, 1, 6))
    assert value(samples, "llm_budget_spent_usd", "week") == pytest.approx(12)
    assert value(samples, "llm_budget_forecast_usd", "week", "p50") == pytest.approx(168)


@pytest.mark.parametrize(("period", "shown"), [("day", False), ("week", True), ("month", True)])
def test_before_anything_of_a_period_was_read_it_has_no_spend(period, shown):
    """Just after midnight, with data until 23:50, nobody knows yet that today has cost nothing."""
    samples = stale(budget(200, period), at(2026, 11, 10, 23, 50), at(2026, 11, 11, 0, 5))
    assert bool(values(samples, "llm_budget_spent_usd")) == shown


def test_today_and_the_week_before_it_stand_beside_the_allowance():
    """By noon a dollar an hour has made $12 today, and $168 in seven days; a fee adds its share."""
    noon = at(2026, 11, 11, 12)
    fees = (Subscription("anthropic", "acme", "max", 30 * NANO),)
    samples = seen(budget(721, scope_type="account", scope="acme"), noon, fees=fees)
    assert value(samples, "llm_budget_recent_spend_usd", "today") == pytest.approx(12.5)
    assert value(samples, "llm_budget_recent_spend_usd", "last_7_days") == pytest.approx(175)


def test_days_that_were_not_read_are_no_days_without_spend():
    """Data that end yesterday, or a history of two days, leave the days' spend out."""
    metric = "llm_budget_recent_spend_usd"
    assert values(stale(budget(200), at(2026, 11, 9, 18), at(2026, 11, 11, 6)), metric) == {}
    samples = seen(budget(200, "week"), since=at(2026, 11, 9))
    assert {labels[-1] for labels in values(samples, metric)} == {"today"}


def test_working_days_make_pace_and_allowance():
    """November 2026 has 21 workdays, of which the first week and two days are 7."""
    workdays = WorkingDays(UTC, frozenset(range(5)))
    samples = seen(budget(2100, working_days=workdays))
    assert value(samples, "llm_budget_daily_allowance_usd", "month") == pytest.approx(100)
    assert value(samples, "llm_budget_elapsed_ratio", "month") == pytest.approx(7 / 21)


def test_fees_are_part_of_an_account_s_budget():
    """A plan of $30 a month adds a dollar a day; another account's does not."""
    fees = (
        Subscription("anthropic", "acme", "max", 30 * NANO),
        Subscription("anthropic", "other", "max", 3000 * NANO),
    )
    samples = seen(budget(1000, scope_type="account", scope="acme"), fees=fees)
    assert value(samples, "llm_budget_spent_usd", "month") == pytest.approx(250)
    assert value(samples, "llm_budget_forecast_usd", "month", "p50") == pytest.approx(750)


def test_burn_is_the_share_of_the_month_that_the_last_hours_took():
    """An open hour of $36 by half past burns 5 % of $720 in "1h", and a day adds up."""

    def burst(hour):
        return 72.0 if hour == at(2026, 11, 11) else 1.0

    samples = seen(budget(720), at(2026, 11, 11, 0, 30), per_hour=burst)
    assert value(samples, "llm_budget_window_spend_ratio", "1h") == pytest.approx(36 / 720)
    assert value(samples, "llm_budget_window_spend_ratio", "24h") == pytest.approx(59 / 720)


def test_what_the_last_month_burnt_is_no_part_of_this_one():
    """At $1 an hour, with the last one open, a day or three hold the ten hours of November."""
    samples = seen(budget(720), at(2026, 11, 1, 10))
    assert value(samples, "llm_budget_window_spend_ratio", "6h") == pytest.approx(5 / 720)
    assert value(samples, "llm_budget_window_spend_ratio", "24h") == pytest.approx(10 / 720)
    assert value(samples, "llm_budget_window_spend_ratio", "72h") == pytest.approx(10 / 720)


def windows(samples):
    return {labels[-1] for labels in values(samples, "llm_budget_window_spend_ratio")}


def test_a_window_of_burn_is_absent_until_its_hours_were_read():
    """Ten hours after the first of the month, where the history begins, no day has been read."""
    now = at(2026, 11, 1, 10)
    assert windows(seen(budget(720), now, since=at(2026, 11, 1))) == {"1h", "6h"}
    assert windows(seen(budget(720), now, since=at(2026, 10, 20))) == {"1h", "6h", "24h", "72h"}


def test_a_window_of_burn_is_absent_where_its_hours_are_not_shown():
    """Of a workspace four days of hours are shown: of old data they hold no 72 hours."""
    one = budget(720, scope_type="workspace", scope="w")
    plans, members = Plans(budgets=(one,)), [("workspace", "w")]
    snap = snapshot(at(2026, 11, 9, 6), flat, since=at(2026, 10, 1), members=members, plans=plans)
    assert windows(budgets(snap, at(2026, 11, 11))) == {"1h", "6h", "24h"}


def test_a_workspace_is_found_by_its_name():
    """The name of the configuration becomes the id of the label."""
    one = budget(100, scope_type="workspace", scope="Research")
    plans = Plans(budgets=(one,))
    snap = snapshot(
        NOW, flat, since=days_before(NOW, 60), members=[("workspace", "wrkspc_1")], plans=plans
    )
    snap = replace(snap, workspaces=(WorkspaceName("acme", "wrkspc_1", "Research", "active"),))
    labels = set(values(budgets(snap, NOW), "llm_budget_spent_usd"))
    assert labels == {("b", "workspace", "wrkspc_1", "month")}


def test_the_provider_s_cap_is_a_limit():
    """`from: provider_limit` takes the account's monthly cap, and is absent without one."""
    one = budget(None, scope_type="account", scope="acme")
    assert seen(one) == []
    snap = snapshot(NOW, flat, since=days_before(NOW, 60), plans=Plans(budgets=(one,)))
    cap = SpendLimit("account", "", "monthly", 500 * NANO)
    samples = list(budgets(replace(snap, spend_limits={"acme": (cap,)}), NOW))
    assert value(samples, "llm_budget_limit_usd", "month") == 500


def test_before_its_period_was_read_a_budget_shows_its_limit_only():
    """A missing number is better than one that is too small."""
    families = {sample.metric for sample in seen(budget(720), since=at(2026, 11, 5))}
    assert families == {
        "llm_budget_info",
        "llm_budget_limit_usd",
        "llm_budget_threshold_ratio",
    }


def test_levels_and_team_are_shown():
    """Rules read thresholds and teams from gauges."""
    samples = seen(budget(720, team="research"))
    assert values(samples, "llm_budget_threshold_ratio") == {
        ("b", "soft"): 0.7,
        ("b", "warn"): 0.8,
        ("b", "hard"): 1.0,
    }
    assert set(values(samples, "llm_budget_info")) == {("b", "all", "all", "month", "research")}


def test_a_budget_of_nothing_has_no_ratio():
    """A limit of 0 divides nothing, and is exhausted at once."""
    samples = seen(budget(0))
    assert values(samples, "llm_budget_used_ratio") == {}
    assert values(samples, "llm_budget_window_spend_ratio") == {}
    ends = value(samples, "llm_budget_exhaustion_timestamp_seconds", "month")
    assert ends == at(2026, 11, 1).timestamp()


def test_an_end_customer_has_a_budget_by_day():
    """What was billed by the day feeds the budget of a customer, up to the last billed day."""
    one = budget(1000, scope_type="end_customer", scope="cust_1")
    samples = seen(one, members=[("end_customer", "cust_1")])
    assert value(samples, "llm_budget_spent_usd", "month") == pytest.approx(240)
    assert values(samples, "llm_budget_window_spend_ratio") == {}


@pytest.mark.parametrize(
    ("zone", "now"),
    [
        ("Pacific/Kiritimati", at(2026, 11, 30, 15)),  # where it is 1 December
        ("America/New_York", at(2026, 12, 1, 3)),  # where it is 30 November
    ],
)
def test_an_end_customer_s_days_are_utc_days(zone, now):
    """Bills have UTC days: a month's budget holds those of the UTC month, and no local ones."""
    plans = Plans(budgets=(budget(1000, scope_type="end_customer", scope="cust_1"),))
    billed_to = now.replace(hour=0)
    snap = snapshot(
        billed_to, flat, since=at(2026, 10, 1), members=[("end_customer", "cust_1")], plans=plans
    )
    samples = list(budgets(replace(snap, time_zone=ZoneInfo(zone)), now))
    whole_days = (now.day - 1) * 24
    assert value(samples, "llm_budget_spent_usd", "month") == pytest.approx(whole_days)


@pytest.mark.parametrize("late", [0, 1, 2])
def test_an_end_customer_s_week_waits_for_no_bill(late):
    """On Wednesday 2 December the week has a budget, be its last bill of November or December."""
    plans = Plans(budgets=(budget(1000, "week", "end_customer", "cust_1"),))
    snap = snapshot(
        at(2026, 12, 2) - late * DAY,
        flat,
        since=at(2026, 10, 1),
        members=[("end_customer", "cust_1")],
        plans=plans,
    )
    samples = list(budgets(snap, at(2026, 12, 2, 10)))
    assert value(samples, "llm_budget_spent_usd", "week") == pytest.approx((2 - late) * 24)


def test_a_new_year_begins_a_new_period():
    """On 1 January nothing of December is spent."""
    now = at(2027, 1, 1, 6)
    assert value(seen(budget(720), now), "llm_budget_spent_usd", "month") == pytest.approx(6)
    assert date(2027, 1, 1) == now.date()
