"""Whatever is asked, the answer is an answer: never an exception."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claude_cost_exporter.simulator.pages import next_token
from tests.simulator.conftest import PATHS

NAMES = st.sampled_from(
    [
        "starting_at",
        "ending_at",
        "bucket_width",
        "limit",
        "page",
        "group_by[]",
        "models[]",
        "workspace_ids[]",
        "speeds[]",
        "after_id",
        "include_default",
        "status",
        "time_bucket_width",
        "order_by",
        "order",
        "api_key_ids[]",
        "scope_type[]",
        "include_inherited",
        "x",
    ]
)
VALUES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "2026-11-24T00:00:00Z",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "1h",
            "1m",
            "9" * 5000,
            "24",
            "page_",
            "page_MjAyNS0wNS0xNFQwMDowMDowMFo=",
            "page_MjAyNi0xMS0yM1QwMDowMDowMFogMDA=",
            "2026-11-23",
            "9999-12-31",
            "1d",
            "",
            "model",
            "actor",
            "cost_type",
            "time",
            "asc",
            "speed",
            "true",
        ]
    ),
)
WORKSPACE_LIMITS = "/v1/organizations/workspaces/wrkspc_01Rsch2MxTq6WpDzRu5YhBv/rate_limits"


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    path=st.sampled_from([*PATHS, WORKSPACE_LIMITS]),
    query=st.lists(st.tuples(NAMES, VALUES), max_size=5),
)
def test_any_query_is_answered(steady, path, query):
    """Arbitrary parameters give 200, 400 or 404, and always a JSON object."""
    response = steady.send(path, query)
    assert response.status in {200, 400, 404}
    assert isinstance(json.loads(response.body), dict)


TOKENS = ["2/3", "2026/0/0/0", "-1/0/0", "\u00b2/0/0", "9" * 5000, "1/999999/0", "0/0/0", "x", ""]


@pytest.mark.parametrize("position", TOKENS)
@pytest.mark.parametrize("path", ["usage", "cost", "analytics_cost", "claude_code", "rate_limits"])
def test_forged_tokens(steady, path, position):
    """A token with nonsense inside is a 400, or a page beyond the end: never an exception."""
    start = "2026-11-23" if path == "claude_code" else "2026-11-23T00:00:00Z"
    query = [] if path == "rate_limits" else [("starting_at", start)]
    token = next_token(position, query)
    response = steady.send(path, [*query, ("page", token)])
    assert response.status in {200, 400}
    assert isinstance(json.loads(response.body), dict)
