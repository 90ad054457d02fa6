"""Fixtures with real Alertmanagers of both kinds of template handling."""

from __future__ import annotations

import pytest

from tests.alerting.servers import AlertmanagerTools
from tests.e2e.servers import MissingServerError

VERSIONS = pytest.StashKey[set[str]]()


@pytest.fixture(scope="session", params=["old", "new"])
def tools(request):
    """Alertmanager and amtool, before and since 0.32; a sentence when they are missing."""
    try:
        found = AlertmanagerTools.find(request.param)
    except MissingServerError as error:
        pytest.fail(str(error), pytrace=False)
    request.config.stash.setdefault(VERSIONS, set()).add(found.version)
    return found


def pytest_terminal_summary(terminalreporter, config):
    """Say which versions were used."""
    if versions := config.stash.get(VERSIONS, set()):
        terminalreporter.write_line(f"Alertmanager used: {', '.join(sorted(versions))}")
