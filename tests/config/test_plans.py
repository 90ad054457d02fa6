"""What subscriptions, budgets, credit, models to compare and thresholds become for the views."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from claude_cost_exporter.calendars import ALL_WEEKDAYS, WorkingDays
from claude_cost_exporter.cli.wiring import SOURCE_TYPES, load_config
from claude_cost_exporter.config.load import load
from claude_cost_exporter.errors import ConfigError
from claude_cost_exporter.plans import GATES, Budget, Gate, ModelPair, Plans, Subscription, TopUp
from claude_cost_exporter.pricing.overrides import Override
from claude_cost_exporter.records import NANO
from tests.config.bad import GOOD, budget, source

EVERYTHING = f"""{GOOD}
time_zone: Europe/Berlin
subscriptions:
  - {{provider: anthropic, account: acme, plan: team, seats: 25, price_usd: 30, end: 2026-12-31}}
  - {{provider: anthropic, plan: max, price_usd: 1200.5, interval: yearly, start: 2026-11-05}}
budgets:
  - {{name: everything, amount_usd: 2000}}
  - name: research
    from: provider_limit
    period: month
    scope_type: workspace
    scope: Research
    account: acme
    levels: {{hard: 0.95}}
    team: research
    working_days: {{holidays: [2026-12-25], time_zone: America/New_York}}
  - {{name: opus, amount_usd: 0.5, period: day, scope_type: model, scope: claude-opus-5,
     working_days: {{weekdays: [sunday]}}}}
credits: [{{account: acme, date: 2026-11-01, amount_usd: 500.25}}]
routing_whatif: [{{from_model: claude-opus-4-1-20250805, to_model: claude-sonnet-5}}]
anomalies: {{24h: {{sigma: 4}}}}
"""


def plans(text):
    return load(text, SOURCE_TYPES, Override).config.plans()


def test_views_are_given_what_the_file_says():
    """Amounts are nano-USD, a last day becomes the day after, gaps are filled with defaults."""
    found = plans(EVERYTHING)

    assert found.subscriptions == (
        Subscription("anthropic", "acme", "team", 750 * NANO, end=date(2027, 1, 1)),
        Subscription("anthropic", "none", "max", 1_200_500_000_000, 12, date(2026, 11, 5)),
    )
    assert found.top_ups == (TopUp("acme", date(2026, 11, 1), 500_250_000_000),)
    assert found.model_pairs == (ModelPair("claude-opus-4-1", "claude-sonnet-5"),)
    assert found.gates == {
        "1h": Gate(8, 3, 0.25),
        "24h": Gate(4, 1.5, 0.25),
        "7d": Gate(2.5, 1.4, 0.15),
    }


def test_budgets_are_given_with_their_calendars():
    """Without working days every day counts; with them their zone is the file's unless given."""
    berlin, levels = ZoneInfo("Europe/Berlin"), {"soft": 0.7, "warn": 0.8, "hard": 1.0}
    weekdays, christmas = frozenset(range(5)), frozenset({date(2026, 12, 25)})

    assert plans(EVERYTHING).budgets == (
        Budget(
            "everything",
            2000 * NANO,
            "month",
            "all",
            "all",
            levels,
            WorkingDays(berlin, ALL_WEEKDAYS),
        ),
        Budget(
            "research",
            None,
            "month",
            "workspace",
            "Research",
            levels | {"hard": 0.95},
            WorkingDays(ZoneInfo("America/New_York"), weekdays, christmas),
            "research",
            "acme",
        ),
        Budget(
            "opus",
            NANO // 2,
            "day",
            "model",
            "claude-opus-5",
            levels,
            WorkingDays(berlin, frozenset({6})),
        ),
    )


def test_without_any_only_thresholds_are_given():
    """A file with nothing but sources plans nothing, and anomalies have their defaults."""
    found = plans(GOOD)

    assert found == Plans(gates=GATES)


CUSTOMER = "scope_type: end_customer, scope: big-corp"
TWO = """sources:
  - {type: anthropic, account: old, admin_key_env: KEY, api: legacy}
  - {type: anthropic, account: new, admin_key_env: KEY, api: analytics}
"""


@pytest.mark.parametrize(
    "text",
    [
        budget(CUSTOMER),
        budget(CUSTOMER, sources=source("api: analytics")),
        budget(CUSTOMER, sources=TWO),
        budget("scope_type: api_key, scope: ci", sources=source("api: legacy")),
        budget("scope_type: workspace, scope: default, account: acme"),
        budget("scope_type: provider, scope: anthropic"),
        budget("scope_type: provider, scope: openai")
        + "subscriptions: [{provider: openai, plan: team, price_usd: 25}]",
        budget("levels: {soft: 0.5, hard: 1.5}, scope: all"),
        f"{GOOD}subscriptions: [{{provider: openai, plan: team, price_usd: 25, seats: 3}}]",
    ],
)
def test_what_some_source_can_tell_is_accepted(text):
    """End customers need one account that may have the analytics API, the rest needs any."""
    assert plans(text) != plans(GOOD)


def test_one_mistake_does_not_cause_complaints_elsewhere(tmp_path):
    """An account that cannot be read is an account all the same, for the blocks that name it."""
    path = tmp_path / "config.yml"
    path.write_text(
        "sources: [{type: antropic, account: acme, admin_key_env: KEY}]\n"
        "credits: [{account: acme, date: 2026-11-01, amount_usd: 5}]\n"
        "subscriptions: [{provider: anthropic, account: acme, plan: x, price_usd: 5}]\n"
        "budgets:\n"
        "  - {name: a, amount_usd: 5, scope_type: account, scope: acme}\n"
        "  - {name: b, amount_usd: 5, scope_type: end_customer, scope: x}\n"
        "  - {name: c, amount: 5}\n"
        "  - {name: c, period: monthly, scope_type: workspace, levels: {soft: x}}\n",
        encoding="utf-8",
    )

    with pytest.raises(ConfigError) as raised:
        load_config(path, {"KEY": "sk-ant-admin01-of-a-test"})

    assert [problem.partition(": ")[0] for problem in raised.value.problems] == [
        "sources[0].type",
        "budgets[2].amount",
        "budgets[2].amount_usd",
        "budgets[3].period",
        "budgets[3].levels.soft",
        "budgets[3].amount_usd",
        "budgets[3].scope",
        "budgets[3].name",
    ]
