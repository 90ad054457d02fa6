"""Gauges of Claude Code and of the provider's limits, from a snapshot written by hand."""

from __future__ import annotations

from datetime import UTC, datetime

from claude_cost_exporter.metrics.exposition import Renderer
from claude_cost_exporter.metrics.self_metrics import SelfMetrics
from claude_cost_exporter.records import NANO, CodingCounts, CodingUse, RateLimit, SpendLimit
from claude_cost_exporter.snapshot import AccountState, CodingWindow, Snapshot
from claude_cost_exporter.views import claude_code, limits, view_all

NOW = datetime(2026, 11, 10, 15, 0, tzinfo=UTC)
WINDOW = CodingWindow(
    "acme",
    "today",
    activity={"u1": CodingCounts(5, 1543, 892, 12, 2, 55, 6)},
    user_cost={("u1", "api"): 3 * NANO // 2, ("u1", "subscription"): 4 * NANO},
    models={("claude-x", "api"): CodingUse(100, 20, 3, 4, 3 * NANO // 2)},
)
SNAPSHOT = Snapshot(
    taken_at=NOW,
    accounts=(AccountState("anthropic", "acme"), AccountState("anthropic", "beta")),
    coding=(WINDOW,),
    spend_limits={
        "acme": (
            SpendLimit("account", "", "monthly", 9000 * NANO),
            SpendLimit("workspace", "wrkspc_a", "daily", NANO // 100),
        )
    },
    rate_limits={"acme": (RateLimit("", "batch", "enqueued_batch_requests", 500_000),)},
)
WHO = ("anthropic", "acme")


def samples(view, snapshot=SNAPSHOT):
    return [(sample.metric, *sample.labels, sample.value) for sample in view(snapshot, NOW)]


def test_every_number_has_its_series():
    """What a user did is one sample each, with the labels that the catalogue names."""
    assert samples(claude_code.users) == [
        ("llm_claude_code_user_cost_usd", *WHO, "u1", "api", "today", 1.5),
        ("llm_claude_code_user_cost_usd", *WHO, "u1", "subscription", "today", 4),
        ("llm_claude_code_sessions", *WHO, "u1", "today", 5),
        ("llm_claude_code_lines", *WHO, "u1", "added", "today", 1543),
        ("llm_claude_code_lines", *WHO, "u1", "removed", "today", 892),
        ("llm_claude_code_commits", *WHO, "u1", "today", 12),
        ("llm_claude_code_pull_requests", *WHO, "u1", "today", 2),
        ("llm_claude_code_edits", *WHO, "u1", "accepted", "today", 55),
        ("llm_claude_code_edits", *WHO, "u1", "rejected", "today", 6),
    ]


def test_models_have_tokens_and_cost():
    """The four kinds of tokens of a model, and its cost, are one sample each."""
    assert samples(claude_code.models) == [
        ("llm_claude_code_model_cost_usd", *WHO, "claude-x", "api", "today", 1.5),
        ("llm_claude_code_model_tokens", *WHO, "claude-x", "api", "input", "today", 100),
        ("llm_claude_code_model_tokens", *WHO, "claude-x", "api", "output", "today", 20),
        ("llm_claude_code_model_tokens", *WHO, "claude-x", "api", "cache_read", "today", 3),
        ("llm_claude_code_model_tokens", *WHO, "claude-x", "api", "cache_write", "today", 4),
    ]


def test_limits_name_their_scope():
    """A limit on the account has the account's name; an empty workspace is the organisation."""
    assert samples(limits.spend_limits) == [
        ("llm_provider_spend_limit_usd", *WHO, "account", "acme", "monthly", 9000),
        ("llm_provider_spend_limit_usd", *WHO, "workspace", "wrkspc_a", "daily", 0.01),
    ]
    assert samples(limits.rate_limits) == [
        ("llm_provider_rate_limit", *WHO, "", "batch", "enqueued_batch_requests", 500_000)
    ]


def test_nothing_read_is_nothing_shown():
    """Without data there is no sample, not a 0."""
    empty = Snapshot(taken_at=NOW, accounts=SNAPSHOT.accounts)
    for view in (claude_code.users, claude_code.models, limits.spend_limits, limits.rate_limits):
        assert samples(view, empty) == []


def test_spend_does_not_know_claude_code():
    """Claude Code's estimates are a family of their own: no other metric has them in it."""
    metrics = {sample.metric for sample in view_all(SNAPSHOT, NOW)}
    assert not {name for name in metrics if "spend_usd" in name or "cost_usd_total" in name}


def test_hostile_labels_are_rendered(tmp_path):
    """Quotes, backslashes and braces in a name stay inside of their label."""
    name = 'a"b\\c{d}'
    window = CodingWindow("acme", "today", {name: CodingCounts(1)}, {}, {})
    snapshot = Snapshot(taken_at=NOW, accounts=SNAPSHOT.accounts, coding=(window,))
    text = Renderer(SelfMetrics().registry).render(view_all(snapshot, NOW)).text.plain.decode()
    assert (
        'llm_claude_code_sessions{account="acme",provider="anthropic",'
        'user="a\\"b\\\\c{d}",window="today"} 1.0'
    ) in text
