"""The status page: what it says, and that nothing from outside becomes markup."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from claude_cost_exporter.calendars import WorkingDays
from claude_cost_exporter.plans import Budget, Plans, Subscription
from claude_cost_exporter.records import NANO
from claude_cost_exporter.snapshot import AccountState, Scope, Snapshot, SourceState
from tests.support.page import NOW, Page
from tests.support.simulated import Simulated

LONG_AGO = datetime(2026, 8, 1, tzinfo=UTC)
TODAY = NOW.date()
MINUTE = timedelta(minutes=1)


def source(name="usage", account="acme", **state):
    return SourceState("anthropic", account, name, **state)


def polled(**more):
    state = {
        "up": True,
        "last_attempt": NOW - MINUTE,
        "last_success": NOW - MINUTE,
        "watermark": NOW - 2 * MINUTE,
        "history_start": LONG_AGO,
        "history_target": LONG_AGO,
    }
    return source(**(state | more))


def spending(models, first=date(2026, 10, 1), last=TODAY, account="acme"):
    """Return the sums of days on which each model costs the same."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    sums = {
        Scope(account, "model", model): dict.fromkeys(days, dollars * NANO)
        for model, dollars in models.items()
    }
    sums[Scope(account, "all", "all")] = dict.fromkeys(days, sum(models.values()) * NANO)
    return sums


def snapshot(*sources, days=None, account="acme", **more):
    accounts = (AccountState("anthropic", account, "org", more.pop("organization", "Acme")),)
    return Snapshot(taken_at=NOW, accounts=accounts, sources=sources, days=days or {}, **more)


def test_spend_is_shown_in_total_and_by_model():
    """Today, yesterday, this and last month; each model with its share of this month."""
    page = Page(snapshot(polled(), days=spending({"claude-opus-5": 30, "claude-haiku-5": 10})))
    assert (
        "acme Acme Metered today $40.00 Metered yesterday $40.00 Metered this month $960.00"
        in page.text
    )
    assert "Metered last month $1,240.00" in page.text
    assert "claude-opus-5 $30.00 $720.00 75% claude-haiku-5 $10.00 $240.00 25%" in page.text
    assert "all sources up" in page.text


def test_fixed_fees_are_not_usage():
    """The figures are what was metered, whatever fees are configured for the account."""
    plans = Plans(subscriptions=(Subscription("anthropic", "acme", "team", 310 * NANO),))
    days = spending({"claude-opus-5": 30})

    page = Page(snapshot(polled(), days=days, plans=plans))

    assert page.text == Page(snapshot(polled(), days=days)).text


def test_a_window_that_was_not_read_is_not_a_number():
    """While history loads, what is incomplete is a dash with its reason, never a partial sum."""
    loading = polled(history_start=datetime(2026, 11, 20, tzinfo=UTC))
    page = Page(snapshot(loading, days=spending({"m": 5}, first=date(2026, 11, 20))))
    assert "Metered today $5.00 Metered yesterday $5.00 Metered this month" in page.text
    assert "this month – history is loading" in page.text  # noqa: RUF001 - a dash
    assert "m $5.00 – –" in page.text  # noqa: RUF001 - dashes
    assert "2026-11-20 loading back to 2026-08-01" in page.text


def test_a_window_that_cannot_be_read_says_so():
    """Where usage is refused, no history is loading; one line below stands why."""
    refused = source(up=False, last_attempt=NOW, last_error="HTTP 403")
    page = Page(snapshot(refused, source("cost", up=True, last_attempt=NOW)))
    assert "Metered today – cannot be read" in page.text  # noqa: RUF001 - a dash
    assert "history is loading" not in page.text


def test_each_day_is_a_bar_of_its_models():
    """31 days are bars; heights are relative to the highest day, a colour is a model."""
    days = spending({"claude-opus-5": 30, "claude-haiku-5": 10})
    days[Scope("acme", "model", "claude-opus-5")][date(2026, 11, 10)] = 70 * NANO
    page = Page(snapshot(polled(), days=days))
    bars = re.findall(r'<div(?: class="open")? title="([^"]*)">(.*?)</div>', page.html)
    assert len(bars) == 31
    assert bars[0][0] == "Sun 25 Oct: $40.00"
    assert bars[-1][0] == "Tue 24 Nov: $40.00"
    highest = dict(bars)["Tue 10 Nov: $80.00"]
    assert re.findall(r'class="c(\d)" style="height:([\d.]+)%"', highest) == [
        ("0", "87.50"),
        ("1", "12.50"),
    ]
    assert "highest $80.00 on 10 November" in page.text
    assert page.html.count('class="open"') == 1


def test_days_that_were_not_read_have_no_bar():
    """A bar is shown only for days that were read as a whole, and for today."""
    loading = polled(history_start=datetime(2026, 11, 20, 5, tzinfo=UTC))
    page = Page(snapshot(loading, days=spending({"m": 5}, first=date(2026, 11, 20))))
    days = re.findall(r'title="\w+ (\d+) Nov: \$5.00"', page.html)
    assert days == ["21", "22", "23", "24"]


def test_at_the_start_of_march_there_are_fewer_bars():
    """The ledger's sums reach back to the first of last month: on 1 March that is 29 days."""
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    started = datetime(2025, 12, 1, tzinfo=UTC)
    days = spending({"m": 5}, first=date(2026, 2, 1), last=now.date())
    state = polled(last_attempt=now, last_success=now, watermark=now, history_start=started)
    page = Page(snapshot(state, days=days), now=now)
    assert page.html.count(": $5.00") == 29


def test_beyond_five_models_the_rest_share_a_colour():
    """However many models there are, each day is at most six pieces, and nothing is left out."""
    page = Page(snapshot(polled(), days=spending({f"m{n}": 100 - n for n in range(40)})))
    today = re.search(r'<div class="open" title="[^"]*">(.*?)</div>', page.html)[1]
    heights = [float(height) for height in re.findall(r"height:([\d.]+)%", today)]
    assert len(heights) == 6
    assert sum(heights) == pytest.approx(100, abs=0.1)
    assert all(f"m{n} " in page.text for n in range(40))


def test_a_source_says_what_it_did_last():
    """State, ages and the whole error of a source that is down, beside one that is up."""
    error = "401 from /v1/organizations/usage_report/messages: the key is wrong or expired"
    down = polled(
        up=False, last_success=NOW - timedelta(hours=7), last_error=error, notes=("a note",)
    )
    up = source("entities", up=True, last_attempt=NOW, last_success=NOW - timedelta(minutes=40))
    page = Page(snapshot(down, up, source("cost")))
    assert "1 of 3 sources down" in page.text
    assert f"usage down , 1 min ago catching up 7 h ago 2 min ago 2026-08-01 {error}" in page.text
    assert "a note" in page.text
    assert "entities up , 0 s ago 40 min ago – –" in page.text  # noqa: RUF001 - dashes
    assert "cost none yet – – –" in page.text  # noqa: RUF001 - dashes


def test_before_the_first_poll_it_waits():
    """A page without any attempt says so instead of looking healthy."""
    page = Page(snapshot(source()))
    assert "waiting for the first poll" in page.text
    assert "Metered today – history is loading" in page.text  # noqa: RUF001 - a dash
    assert "Spend by day" not in page.text


def test_what_makes_figures_wrong_is_said_first():
    """Tokens without a price and a lost ledger stand above the figures they concern."""
    counters = {"llm_unpriced_tokens_total": {("anthropic", "acme", "m"): 1_234_567}}
    lost = NOW - timedelta(hours=3)
    page = Page(snapshot(polled(), counters=counters, state_lost_at=lost))
    assert "counters began anew at 2026-11-24 12:30 UTC" in page.text
    assert "1,234,567 tokens have no price" in page.text
    assert page.text.index("no price") < page.text.index("Metered today")
    later = Page(snapshot(polled(), state_lost_at=NOW - timedelta(days=2)))
    assert "began anew" not in later.text


def test_what_nothing_loads_any_more_says_since_when_it_is_known():
    """When all of a short history is there, a window that begins before it is not loading."""
    known = polled(history_start=datetime(2026, 11, 20, tzinfo=UTC))
    known = replace(known, history_target=known.history_start)
    page = Page(snapshot(known, days=spending({"m": 5}, first=date(2026, 11, 20))))
    assert "this month – known from 2026-11-20 on" in page.text  # noqa: RUF001 - a dash
    assert "loading" not in page.text


def test_an_account_that_is_gone_says_so():
    """What was taken out of the configuration shows no figures that never come, and stands last."""
    accounts = (
        AccountState("anthropic", "old", "org", "Old <Co>", configured=False),
        AccountState("anthropic", "acme", "org", "Acme"),
    )
    page = Page(Snapshot(NOW, accounts=accounts, sources=(polled(),)))
    assert page.text.count("Metered this month") == 1
    assert page.text.index("acme") < page.text.index("old Old <Co> No longer in the configuration")
    assert "history is loading" not in page.text.partition("old Old")[2]


def budget(name, dollars):
    return Budget(name, dollars * NANO, "month", "all", "all", {"warn": 0.8}, WorkingDays(UTC))


def test_budgets_stand_between_spend_and_sources():
    """Each with what it has used of its limit, in the zone that days are in."""
    plans = Plans(budgets=(budget("all of it", 1200),))
    page = Page(snapshot(polled(), days=spending({"m": 40}), plans=plans))
    assert page.open == []
    assert "Budgets Budget Spent Limit Used Expected Limit reached all of it a month" in page.text
    assert "all of it a month $960 $1,200 80%" in page.text
    assert page.text.index("Metered today") < page.text.index("Budgets")
    assert page.text.index("Budgets") < page.text.index("Sources")


def test_simulated_data_are_announced():
    """Simulated data have a banner; real data have none."""
    assert "SIMULATED DATA" in Page(snapshot(polled()), simulated=True).text
    assert "SIMULATED" not in Page(snapshot(polled()), simulated=False).text


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style></title><!--",
    "&lt;b&gt; &amp;#60;",
    "]]>",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(name):
    """Whatever accounts, models, organisations, errors and notes are called, it is only text."""
    states = (
        polled(account=name, last_error=name, notes=(name,)),
        source(name, account=name, up=False, last_attempt=NOW, last_error=name),
    )
    days, plans = spending({name: 5}, account=name), Plans(budgets=(budget(name, 900),))
    page = Page(snapshot(*states, days=days, account=name, organization=name, plans=plans))
    plain = Page(
        snapshot(
            polled(last_error="e", notes=("n",)),
            source("s", up=False, last_attempt=NOW, last_error="e"),
            days=spending({"m": 5}),
            plans=Plans(budgets=(budget("b", 900),)),
        )
    )
    assert page.tags == plain.tags
    assert [key for key, _ in page.attributes] == [key for key, _ in plain.attributes]
    assert page.text.count(name) == 10


def test_a_real_page_is_well_formed_and_small(tmp_path):
    """The page of a simulated organisation is closed properly, links on, and asks for nothing."""
    simulated = Simulated(tmp_path, history="40d")
    simulated.poll()
    while simulated.poller.load_history():
        pass
    simulated.exporter.publisher.publish()
    snapshot = simulated.snapshot()
    html = simulated.exporter.publisher.current.status_page
    page = Page(snapshot, now=simulated.clock.now(), simulated=True)
    assert page.open == []
    assert {value for key, value in page.attributes if key == "href"} == {
        *("/metrics", "/-/healthy", "/-/ready", "data:,"),
    }
    assert "src" not in dict(page.attributes)
    assert b"Acme Robotics" in html
    assert html.count(b'title="') > 31
    assert len(html) < 40_000
    simulated.close()
