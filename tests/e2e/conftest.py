"""Tests with real servers or whole quarters: marked e2e, and left out aloud or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.accuracy import TABLES
from tests.e2e.servers import MissingServerError, PrometheusTools

HERE = Path(__file__).parent
LEFT_OUT = pytest.StashKey[list[str]]()
VERSIONS = pytest.StashKey[set[str]]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Mark what is in this folder; leave it out when E2E=0, remembering what that was."""
    ours = [item for item in items if HERE in item.path.parents]
    for item in ours:
        item.add_marker("e2e")
    if os.environ.get("E2E") == "0":
        config.stash[LEFT_OUT] = [item.nodeid for item in ours]
        items[:] = [item for item in items if item not in ours]
        config.hook.pytest_deselected(items=ours)


def pytest_terminal_summary(terminalreporter, config):
    """Say which real servers were used, what they measured, and which tests were left out."""
    for line in config.stash.get(TABLES, []):
        terminalreporter.write_line(line)
    if versions := config.stash.get(VERSIONS, set()):
        terminalreporter.write_line(f"real servers used: {', '.join(sorted(versions))}")
    left_out = config.stash.get(LEFT_OUT, [])
    if left_out:
        terminalreporter.section("left out: E2E=0 was given, and these need servers or minutes")
        for name in left_out:
            terminalreporter.write_line(f"  {name}")


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
