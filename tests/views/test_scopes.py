"""A budget's scope: ids, names, and what is not known yet."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from claude_cost_exporter.calendars import WorkingDays
from claude_cost_exporter.plans import Budget, Plans
from claude_cost_exporter.records import SpendLimit
from claude_cost_exporter.snapshot import (
    AccountState,
    ApiKeyName,
    Scope,
    Snapshot,
    SourceState,
    WorkspaceName,
)
from claude_cost_exporter.views.scopes import Found, Members, limit_of, scope_of, unknown_scopes

SNAPSHOT = Snapshot(
    datetime(2026, 11, 25, tzinfo=UTC),
    accounts=tuple(
        AccountState(provider, account)
        for provider, account in (("anthropic", "a"), ("anthropic", "b"), ("openai", "c"))
    ),
    workspaces=(
        WorkspaceName("a", "wrkspc_1", "Research", "active"),
        WorkspaceName("b", "wrkspc_2", "Research", "active"),
        WorkspaceName("b", "wrkspc_3", "wrkspc_1", "active"),
        WorkspaceName("b", "wrkspc_4", "Production", "archived"),
    ),
    api_keys=(ApiKeyName("a", "apikey_1", "ci", "wrkspc_1", "active"),),
    spend_limits={
        "a": (
            SpendLimit("workspace", "wrkspc_1", "monthly", 30),
            SpendLimit("usage_tier", "", "monthly", 500),
            SpendLimit("account", "", "monthly", 400),
            SpendLimit("account", "", "daily", 20),
        )
    },
    days={
        Scope("a", "model", "claude-opus-5"): {},
        Scope("b", "model", "claude-opus-5"): {},
        Scope("b", "workspace", "wrkspc_gone"): {},
        Scope("a", "workspace", "other"): {},
        Scope("a", "workspace", "wrkspc_1"): {},
    },
)


def found(scope_type, scope):
    budget = Budget("b", 1, "month", scope_type, scope, {}, WorkingDays())
    label, scopes = scope_of(budget, SNAPSHOT, Members.of(SNAPSHOT))
    return label, [f"{one.account}:{one.member}" for one in scopes]


@pytest.mark.parametrize(
    ("scope_type", "scope", "label", "members"),
    [
        ("all", "all", "all", ["a:all", "b:all", "c:all"]),
        ("provider", "anthropic", "anthropic", ["a:all", "b:all"]),
        ("account", "c", "c", ["c:all"]),
        ("workspace", "wrkspc_4", "wrkspc_4", ["b:wrkspc_4"]),
        ("workspace", "wrkspc_gone", "wrkspc_gone", ["b:wrkspc_gone"]),
        ("workspace", "Production", "wrkspc_4", ["b:wrkspc_4"]),
        ("api_key", "ci", "apikey_1", ["a:apikey_1"]),
        ("model", "claude-opus-5", "claude-opus-5", ["a:claude-opus-5", "b:claude-opus-5"]),
    ],
)
def test_ids_and_names_are_found(scope_type, scope, label, members):
    """The label is the id also where the configuration has the name."""
    assert found(scope_type, scope) == (label, members)


def test_accounts_that_are_not_read_any_more_have_no_part():
    """What was taken out of the configuration keeps its rows, but spends from no budget."""
    kept, gone, other = SNAPSHOT.accounts
    snapshot = replace(SNAPSHOT, accounts=(kept, replace(gone, configured=False), other))

    def accounts(scope_type, scope):
        budget = Budget("b", 1, "month", scope_type, scope, {}, WorkingDays())
        return [one.account for one in scope_of(budget, snapshot, Members.of(snapshot)).scopes]

    assert accounts("all", "all") == ["a", "c"]
    assert accounts("model", "claude-opus-5") == ["a"]
    assert accounts("workspace", "Production") == []


@pytest.mark.parametrize(
    ("scope_type", "scope"), [("model", "claude-opus-5"), ("workspace", "Research")]
)
def test_a_budget_may_be_of_one_account_s_member(scope_type, scope):
    """What two accounts have under one name is one account's, where the budget names it."""
    budget = Budget("b", 1, "month", scope_type, scope, {}, WorkingDays(), account="b")
    assert [one.account for one in scope_of(budget, SNAPSHOT, Members.of(SNAPSHOT)).scopes] == ["b"]


def test_what_is_counted_in_other_is_no_sum_of_its_own():
    """A workspace with a name and no row, where there is an `other`, may have spent something."""
    gone = WorkspaceName("a", "wrkspc_5", "Small", "active")
    capped = replace(SNAPSHOT, workspaces=(*SNAPSHOT.workspaces, gone))
    budget = Budget("b", 1, "month", "workspace", "Small", {}, WorkingDays())
    assert scope_of(budget, capped, Members.of(capped)) == Found("wrkspc_5", ())
    whole = replace(capped, days={})
    found = scope_of(budget, whole, Members.of(whole))
    assert found == Found("wrkspc_5", (Scope("a", "workspace", "wrkspc_5"),))


def test_a_budget_of_nothing_known_is_told_once_all_was_asked_for():
    """A name with a typing error is no reason to be silent; an account not yet asked is."""
    names = {"typo": "Reserach", "fine": "Production"}
    plans = Plans(
        budgets=tuple(
            Budget(name, 1, "month", "workspace", scope, {}, WorkingDays())
            for name, scope in names.items()
        )
    )
    now = SNAPSHOT.taken_at
    usage = SourceState("anthropic", "a", "usage", last_attempt=now)
    asked = replace(SNAPSHOT, plans=plans, sources=(usage,))
    waiting = replace(asked, sources=(usage, SourceState("anthropic", "b", "usage")))
    (sentence,) = unknown_scopes(asked)
    assert sentence.startswith("Budget typo: no workspace Reserach has been seen")
    assert list(unknown_scopes(waiting)) == []


def test_a_name_that_several_have_is_all_of_them():
    """Two accounts may each have a workspace of that name; then the name is the label."""
    assert found("workspace", "Research") == ("Research", ["a:wrkspc_1", "b:wrkspc_2"])


def test_an_id_comes_before_a_name():
    """Somebody who calls a workspace like another one's id does not get its budget."""
    assert found("workspace", "wrkspc_1") == ("wrkspc_1", ["a:wrkspc_1"])


@pytest.mark.parametrize("scope_type", ["workspace", "api_key", "model", "end_customer"])
def test_what_is_not_known_yet_is_empty(scope_type):
    """No sum is 0 that was never made; a later snapshot may know it."""
    budget = Budget("b", 1, "month", scope_type, "new", {}, WorkingDays())

    assert scope_of(budget, SNAPSHOT, Members.of(SNAPSHOT)) == Found("new", ())


@pytest.mark.parametrize(
    ("scope_type", "scope", "period", "own", "limit"),
    [
        ("account", "a", "month", None, 400),
        ("account", "a", "day", None, 20),
        ("account", "a", "week", None, None),
        ("account", "b", "month", None, None),
        ("workspace", "wrkspc_1", "month", None, 30),
        ("workspace", "wrkspc_1", "day", None, None),
        ("workspace", "Research", "month", None, None),
        ("workspace", "unknown", "month", None, None),
        ("account", "a", "month", 7, 7),
        ("all", "all", "month", 7, 7),
    ],
)
def test_the_limit_is_the_user_s_or_the_provider_s(scope_type, scope, period, own, limit):
    """A provider's cap is for the same scope and period; two workspaces have none together."""
    budget = Budget("b", own, period, scope_type, scope, {}, WorkingDays())

    assert limit_of(budget, scope_of(budget, SNAPSHOT, Members.of(SNAPSHOT)), SNAPSHOT) == limit
