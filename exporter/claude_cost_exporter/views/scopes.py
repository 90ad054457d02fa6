"""Which sums of a snapshot a configured scope is about (floor 3)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple, Self

from claude_cost_exporter.catalogue import OTHER
from claude_cost_exporter.snapshot import Scope

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
    """Empty when nothing of that id or name is known yet, or not by itself."""


class Members(NamedTuple):
    """The members of polled accounts by kind and id or name: read once, for every budget."""

    by_id: Mapping[tuple[str, str], set[Scope]]
    by_name: Mapping[tuple[str, str], set[Scope]]
    hidden: frozenset[Scope]
    """Those with a name whose spend, if they have any, is part of `other`."""

    @classmethod
    def of(cls, snapshot: Snapshot) -> Self:
        """Return what a snapshot knows."""
        read = {one.account for one in snapshot.polled}
        by_id: dict[tuple[str, str], set[Scope]] = defaultdict(set)
        by_name: dict[tuple[str, str], set[Scope]] = defaultdict(set)
        names = {one: name for one, name in _names(snapshot) if one.account in read}
        for one in {one for one in snapshot.days if one.account in read} | names.keys():
            by_id[one.kind, one.member].add(one)
        for one, name in names.items():
            by_name[one.kind, name].add(one)
        hidden = (one for one in names if one not in snapshot.days and _rest(one) in snapshot.days)
        return cls(by_id, by_name, frozenset(hidden))


def scope_of(budget: Budget, snapshot: Snapshot, members: Members) -> Found:
    """Return what a budget is about, in the accounts that are configured.

    An id comes before a name; one name may have several ids.
    """
    if budget.scope_type in OF_ACCOUNTS:
        return Found(budget.scope, _accounts(budget, snapshot))
    key = budget.scope_type, budget.scope
    found = _in_account(budget, members.by_id, key) or _in_account(budget, members.by_name, key)
    ids = {one.member for one in found}
    label = ids.pop() if len(ids) == 1 else budget.scope
    return Found(label, () if found & members.hidden else tuple(sorted(found)))


def unknown_scopes(snapshot: Snapshot) -> Iterator[str]:
    """Yield a sentence for each budget of something that is not known, once all was asked for."""
    if not all(source.last_attempt for source in snapshot.sources):
        return
    members = Members.of(snapshot)
    for one in snapshot.plans.budgets:
        if one.scope_type not in OF_ACCOUNTS and not scope_of(one, snapshot, members).scopes:
            what = f"{one.scope_type} {one.scope}"
            yield f"Budget {one.name}: no {what} has been seen, or it is counted in other."


def _in_account(
    budget: Budget, members: Mapping[tuple[str, str], set[Scope]], key: tuple[str, str]
) -> set[Scope]:
    wanted = budget.account
    return {one for one in members.get(key, ()) if not wanted or one.account == wanted}


def _rest(scope: Scope) -> Scope:
    """Return the scope of what is beyond the cap of a kind."""
    return scope._replace(member=OTHER)


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


def covers(budget: Budget, provider: str, account: str) -> bool:
    """Return whether a budget of everything, a provider or an account is about an account."""
    about = {ALL: ALL, "provider": provider, "account": account}
    return budget.scope == about.get(budget.scope_type)


def _accounts(budget: Budget, snapshot: Snapshot) -> tuple[Scope, ...]:
    """Return the totals of the accounts that a budget is about."""
    return tuple(
        Scope(one.account, ALL, ALL)
        for one in snapshot.polled
        if covers(budget, one.provider, one.account)
    )


def _names(snapshot: Snapshot) -> Iterator[tuple[Scope, str]]:
    """Yield all that has a name besides its id."""
    for space in snapshot.workspaces:
        yield Scope(space.account, "workspace", space.workspace_id), space.name
    for key in snapshot.api_keys:
        yield Scope(key.account, "api_key", key.api_key_id), key.name
