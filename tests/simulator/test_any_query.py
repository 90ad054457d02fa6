"""Whatever is asked, the answer is an answer: never an exception."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
            "model",
            "speed",
            "true",
        ]
    ),
)
PATHS = st.sampled_from(["usage", "workspaces", "api_keys", "me"])


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(path=PATHS, query=st.lists(st.tuples(NAMES, VALUES), max_size=5))
def test_any_query_is_answered(steady, path, query):
    """Arbitrary parameters give 200 or 400, and always a JSON object."""
    response = steady.send(path, query)
    assert response.status in {200, 400}
    assert isinstance(json.loads(response.body), dict)
