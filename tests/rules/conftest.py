"""Without promtool the rules are still held to their tests and runbooks, and that is said."""

from __future__ import annotations

import os

import pytest

from tests.e2e.servers import MissingServerError, PrometheusTools


def pytest_terminal_summary(terminalreporter):
    """Say why promtool was not asked, when it was not."""
    if os.environ.get("E2E") == "0":
        terminalreporter.write_line(
            "left out: E2E=0 was given, so rules were not run by promtool of Prometheus 2 and 3"
        )


@pytest.fixture(scope="module", params=[2, 3], ids=["2.x", "3.x"])
def tools(request):
    """Prometheus and promtool of one major version; a sentence when they are missing."""
    try:
        return PrometheusTools.find(request.param)
    except MissingServerError as error:
        pytest.fail(str(error), pytrace=False)
