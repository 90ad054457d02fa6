# ruff: noqa: RUF001 - the dashes are meant
"""Budgets on the status page: how far each one is, and until when it lasts."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from claude_cost_exporter.samples import Sample
from claude_cost_exporter.web.budgets import budgets

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def budget(name, used, *, limit=1000.0, expected=None, reached=None):
    """Yield what the views tell of a monthly budget with the usual levels."""
    labels = (name, "all", "all", "month")
    yield Sample("llm_budget_limit_usd", labels, limit)
    yield Sample("llm_budget_spent_usd", labels, used * limit)
    yield Sample("llm_budget_used_ratio", labels, used)
    for level, share in (("soft", 0.7), ("warn", 0.8), ("hard", 1.0)):
        yield Sample("llm_budget_threshold_ratio", (name, level), share)
    if expected is not None:
        yield Sample("llm_budget_forecast_usd", (*labels, "p50"), expected)
    if reached is not None:
        yield Sample("llm_budget_exhaustion_timestamp_seconds", labels, reached.timestamp())


def shown(*samples):
    return "".join(budgets(samples, BERLIN))


def rows(html):
    """Return the words of each row, and what its bar looks like."""
    found = []
    for row in html.split("<tr>")[2:]:
        words = " ".join(re.sub(r"<[^>]*>", " ", row).split())
        found.append((words, *re.findall(r'class="used ?(\w*)"><i style="width:(\d+)%', row)))
    return found


def test_a_row_tells_what_is_spent_and_until_when_it_lasts():
    """Times are in the zone of the configuration; what is used the most comes first."""
    calm = budget("calm", 0.25)
    tight = budget("tight", 0.85, expected=1234.5, reached=NOON)

    assert rows(shown(*calm, *tight)) == [
        ("tight a month $850 $1,000 85% $1,234 2026-11-30 13:00", ("nearly", "85")),
        ("calm a month $250 $1,000 25% – –", ("", "25")),
    ]


def test_a_bar_is_full_when_the_limit_is_reached():
    """It grows no further, and the figure beside it does; just below neither says all."""
    assert rows(shown(*budget("b", 0.9996))) == [
        ("b a month $1,000 $1,000 99% – –", ("nearly", "99"))
    ]
    assert rows(shown(*budget("b", 2.5))) == [
        ("b a month $2,500 $1,000 250% – –", ("spent", "100"))
    ]


def test_a_soft_level_is_as_usual():
    """Most of an allowance used is no news on a page that is looked at."""
    assert rows(shown(*budget("b", 0.75)))[0][1] == ("", "75")


def test_what_was_refunded_is_not_less_than_nothing():
    """No bar grows to the left."""
    assert rows(shown(*budget("b", -0.001)))[0][1] == ("", "0")


def test_a_limit_of_nothing_has_no_share():
    """What is used of $0 is no number."""
    labels = ("b", "all", "all", "month")
    assert rows(shown(Sample("llm_budget_limit_usd", labels, 0.0))) == [
        ("b a month – $0.00 – – –",)
    ]


def test_without_budgets_there_is_no_heading():
    """A page about nothing that was configured is shorter."""
    assert shown(Sample("llm_spend_usd", ("anthropic", "a", "metered", "today"), 1.0)) == ""


def test_hostile_names_stay_text():
    """A budget can be called anything."""
    assert "&lt;script&gt;" in shown(*budget("<script>", 0.5))
    assert "<script>" not in shown(*budget("<script>", 0.5))
