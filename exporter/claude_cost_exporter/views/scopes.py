"""Which sums of a snapshot a configured scope is about (floor 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.snapshot import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claude_cost_exporter.plans import Budget
    from claude_cost_exporter.snapshot import Snapshot

ALL = "all"
OF_ACCOUNTS = (ALL, "provider", "account")
CAP_PERIODS = {"day": "daily", "week": "weekly", "month": "monthly"}
"""What providers call the periods of their caps on spend."""


class Found(NamedTuple):
    """A budget's scope: the value of the label scope, and the sums that make it up."""

    label: str
    scopes: tuple[Scope, ...]
    """Empty when nothing of that id or name is known yet."""


def scope_of(budget: Budget, snapshot: Snapshot) -> Found:
    """Return what a budget is about, in the accounts that are configured.

    An id comes before a name; one name may have several ids.
    """
    if budget.scope_type in OF_ACCOUNTS:
        return Found(budget.scope, _accounts(budget, snapshot))
    kind, read = budget.scope_type, {a.account for a in snapshot.polled}
    if budget.account:
        read &= {budget.account}
    names = {one: name for one, name in _names(kind, snapshot).items() if one.account in read}
    spending = {one for one in snapshot.days if one.kind == kind and one.account in read}
    members = [one for one in spending | names.keys() if one.member == budget.scope]
    members = members or [one for one, name in names.items() if name == budget.scope]
    ids = {one.member for one in members}
    return Found(ids.pop() if len(ids) == 1 else budget.scope, tuple(sorted(members)))


def limit_of(budget: Budget, found: Found, snapshot: Snapshot) -> int | None:
    """Return a budget's limit in nano-USD, None when the provider shall cap it and does not."""
    if budget.limit is not None or len(found.scopes) != 1:
        return budget.limit
    (scope,) = found.scopes
    wanted = budget.scope_type, "" if scope.kind == ALL else scope.member
    caps = snapshot.spend_limits.get(scope.account, ())
    period = CAP_PERIODS[budget.period]
    return next(
        (c.amount for c in caps if (c.scope_type, c.scope) == wanted and c.period == period), None
    )


def _accounts(budget: Budget, snapshot: Snapshot) -> tuple[Scope, ...]:
    """Return the totals of the accounts that a budget is about."""
    return tuple(
        Scope(one.account, ALL, ALL)
        for one in snapshot.polled
        if budget.scope
        == {ALL: ALL, "provider": one.provider, "account": one.account}[budget.scope_type]
    )


def _names(kind: str, snapshot: Snapshot) -> Mapping[Scope, str]:
    """Return the names of all that is of a kind, where that kind has names."""
    if kind == "workspace":
        return {Scope(w.account, kind, w.workspace_id): w.name for w in snapshot.workspaces}
    if kind == "api_key":
        return {Scope(k.account, kind, k.api_key_id): k.name for k in snapshot.api_keys}
    return {}
