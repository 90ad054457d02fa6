"""The provider's own caps: money by scope, rates by group of models."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from claude_cost_exporter.records import NANO
from claude_cost_exporter.simulator import Availability, Switches
from tests.simulator.conftest import HEADERS, NO_BETA

RESEARCH = "wrkspc_01Rsch2MxTq6WpDzRu5YhBv"
PRODUCTION = "wrkspc_01Prod7HsNf3VbGmKe9XcJa"
OF_RESEARCH = f"/v1/organizations/workspaces/{RESEARCH}/rate_limits"


def test_spend_limits(steady):
    """A limit has a scope, a period and whole cents as text, or no amount at all."""
    page = steady.get("spend_limits")
    assert set(page) == {"data", "next_page"}
    limits = {(limit["scope"]["type"], limit["period"]): limit for limit in page["data"]}
    assert limits["organization", "monthly"] == {
        "type": "spend_limit",
        "id": "spl_01OrgMonth5KvBz7LmPc",
        "created_at": "2026-05-11T10:02:44Z",
        "updated_at": "2026-05-11T10:02:44Z",
        "scope": {"type": "organization"},
        "amount": "1500000",
        "currency": "USD",
        "period": "monthly",
        "is_enabled": True,
    }
    daily = limits["organization", "daily"]
    assert (daily["amount"], daily["is_enabled"]) == (None, False)
    assert limits["usage_tier", "monthly"]["amount"] == "20000000"


def test_spend_stays_below_its_limits(steady):
    """The month of a week like the last one is less than each cap: a provider would have cut it."""
    end = datetime(2026, 11, 24, tzinfo=UTC)
    spent = Counter()
    for series, spend in steady.simulator.truth(end - timedelta(days=7), end).by_series.items():
        spent["organization"] += spend.cost
        spent[series.workspace_id] += spend.cost
    for limit in steady.get("spend_limits")["data"]:
        scope = limit["scope"]
        month = spent[scope.get("workspace_id", "organization")] * 31 // 7
        assert limit["amount"] is None or 0 < month < int(limit["amount"]) * NANO // 100


def test_spend_limit_filters(steady):
    """Limits can be filtered by scope type and by workspace."""
    query = (("scope_type[]", "workspace"), ("workspace_id", PRODUCTION))
    (limit,) = steady.get("spend_limits", *query)["data"]
    assert limit["scope"] == {"type": "workspace", "workspace_id": PRODUCTION}
    assert limit["amount"] == "1000000"
    steady.refused("spend_limits", ("scope_type[]", "galaxy"))


@pytest.mark.parametrize("path", ["spend_limits", "rate_limits"])
def test_pages(steady, path):
    """Pages follow by token alone: there is no has_more."""
    whole = steady.get(path)["data"]
    found, page = [], None
    while not found or page:
        document = steady.get(path, ("limit", 2), *([("page", page)] if page else []))
        assert len(document["data"]) <= 2
        found += document["data"]
        page = document["next_page"]
    assert found == whole
    assert len(whole) > 3


def test_spend_limits_need_their_beta(steady):
    """Without the beta header the listing is refused; rate limits need none."""
    steady.refused("spend_limits", headers=NO_BETA)
    assert steady.get("rate_limits", headers=NO_BETA)["data"]


REFUSALS = [
    (Availability.FORBIDDEN, 403, "permission_error"),
    (Availability.NOT_FOUND, 404, "not_found_error"),
    (Availability.UNSUPPORTED, 400, "invalid_request_error"),
]


@pytest.mark.parametrize(("availability", "status", "kind"), REFUSALS)
@pytest.mark.parametrize("name", ["spend_limits", "rate_limits"])
def test_availability(asker, name, availability, status, kind):
    """Whether the key may read limits is a switch, with three ways to say no."""
    asking = asker(switches=Switches(**{name: availability}))
    error = asking.refused(name, status=status)
    assert error["type"] == kind
    if availability is Availability.UNSUPPORTED:
        assert error["details"] == {"error_code": "organization_type_not_supported"}


def test_rate_limits(steady):
    """An entry has models and limits; the models of a batch limit are null."""
    page = steady.get("rate_limits")
    assert set(page) == {"data", "next_page"}
    by_id = {entry["id"]: entry for entry in page["data"]}
    assert by_id["rl_01Batch"] == {
        "type": "rate_limit",
        "id": "rl_01Batch",
        "models": None,
        "limits": [{"type": "enqueued_batch_requests", "value": 500000}],
        "group_type": "batch",
    }
    assert by_id["rl_01OpusCurrent"]["models"] == ["claude-opus-5-5"]


def test_rate_limits_by_version(steady):
    """The newer version has a group instead of a group_type."""
    new = steady.get("rate_limits", headers=HEADERS | {"anthropic-version": "2026-10-21"})
    assert new["data"][0]["group"]["type"] == "model_group"
    assert "group_type" not in new["data"][0]


def test_rate_limit_filters(steady):
    """Limits can be filtered by group type and model; an unknown model is 404."""
    (batch,) = steady.get("rate_limits", ("group_type", "batch"))["data"]
    assert batch["models"] is None
    (opus,) = steady.get("rate_limits", ("model", "claude-opus-5-5"))["data"]
    assert opus["limits"][0] == {"type": "requests_per_minute", "value": 4000}
    steady.refused("rate_limits", ("model", "claude-nova-1"), status=404)


def test_rate_limits_of_a_workspace(steady):
    """A workspace has its overrides, and on request also what it inherits."""
    (own,) = steady.get(OF_RESEARCH)["data"]
    assert own["limits"][0] == {"type": "requests_per_minute", "value": 500}
    every = steady.get(OF_RESEARCH, ("include_inherited", "true"))["data"]
    assert [entry["id"] for entry in every] == [
        "rl_01OpusResearch",
        "rl_01SonnetCurrent",
        "rl_01HaikuCurrent",
        "rl_01Batch",
    ]
    assert steady.get(OF_RESEARCH.replace(RESEARCH, PRODUCTION))["data"] == []
    steady.refused(OF_RESEARCH.replace(RESEARCH, "wrkspc_nobody"), status=404)
