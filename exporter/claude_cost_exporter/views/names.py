"""Names for joins, and when a model was first seen (floor 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_cost_exporter.records import NO_API_KEY
from claude_cost_exporter.samples import Sample
from claude_cost_exporter.views.windows import usage_state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from claude_cost_exporter.snapshot import Snapshot


def workspaces(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield `llm_workspace_info`."""
    del now
    for one in snapshot.workspaces:
        who = (snapshot.provider_of(one.account), one.account)
        labels = (*who, one.workspace_id, one.name, one.status, one.team)
        yield Sample("llm_workspace_info", labels, 1)


def api_keys(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield `llm_api_key_info`; a key belongs to the team of its workspace."""
    del now
    teams = {(w.account, w.workspace_id): w.team for w in snapshot.workspaces}
    for one in snapshot.api_keys:
        who = (snapshot.provider_of(one.account), one.account)
        team = teams.get((one.account, one.workspace_id), "")
        labels = (*who, one.api_key_id, one.name, one.workspace_id, one.status, team)
        yield Sample("llm_api_key_info", labels, 1)
    for account in snapshot.accounts:
        who = (account.provider, account.account)
        labels = (*who, NO_API_KEY, "(no API key)", "", "active", "")
        yield Sample("llm_api_key_info", labels, 1)


def first_seen(snapshot: Snapshot, now: datetime) -> Iterator[Sample]:
    """Yield when each model was first used, once the whole history has been read."""
    del now
    for scope, hour in snapshot.first_seen.items():
        state = usage_state(snapshot, scope.account)
        if state is None or state.history_start is None or state.history_target is None:
            continue
        if state.history_start <= state.history_target:
            labels = (snapshot.provider_of(scope.account), scope.account, scope.member)
            yield Sample("llm_model_first_seen_timestamp_seconds", labels, hour.timestamp())
