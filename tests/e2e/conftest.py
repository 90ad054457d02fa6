"""What tests with real servers or whole quarters share."""

from __future__ import annotations

import pytest

from tests.e2e.servers import MissingServerError, PrometheusTools
from tests.support.telling import say


def _find(config, major):
    """Return the tools of a major version, and say which they are."""
    try:
        tools = PrometheusTools.find(major)
    except MissingServerError as error:
        pytest.fail(str(error), pytrace=False)
    say(config, f"real server used: Prometheus {tools.version}")
    return tools


@pytest.fixture(scope="session", params=[2, 3], ids=["2.x", "3.x"])
def prometheus_tools(request):
    """Prometheus and promtool, once for each major version; a sentence when it is missing."""
    return _find(request.config, request.param)


@pytest.fixture(scope="session")
def both_prometheus_tools(request):
    """The tools of every major version, for tests that run them side by side."""
    return [_find(request.config, major) for major in (2, 3)]
