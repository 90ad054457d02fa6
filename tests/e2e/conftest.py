"""What tests with real servers or whole quarters share."""

from __future__ import annotations

import pytest

from tests.e2e.accuracy import TABLES
from tests.e2e.servers import MissingServerError, PrometheusTools

VERSIONS = pytest.StashKey[set[str]]()


def pytest_terminal_summary(terminalreporter, config):
    """Say which real servers were used, and what they measured."""
    for line in config.stash.get(TABLES, []):
        terminalreporter.write_line(line)
    if versions := config.stash.get(VERSIONS, set()):
        terminalreporter.write_line(f"real servers used: {', '.join(sorted(versions))}")


def _find(config, major):
    """Return the tools of a major version, and remember that they were used."""
    try:
        tools = PrometheusTools.find(major)
    except MissingServerError as error:
        pytest.fail(str(error), pytrace=False)
    config.stash.setdefault(VERSIONS, set()).add(f"Prometheus {tools.version}")
    return tools


@pytest.fixture(scope="session", params=[2, 3], ids=["2.x", "3.x"])
def prometheus_tools(request):
    """Prometheus and promtool, once for each major version; a sentence when it is missing."""
    return _find(request.config, request.param)


@pytest.fixture(scope="session")
def both_prometheus_tools(request):
    """The tools of every major version, for tests that run them side by side."""
    return [_find(request.config, major) for major in (2, 3)]
