"""Fixtures with real Alertmanagers of both kinds of template handling."""

from __future__ import annotations

import pytest

from tests.alerting.servers import AlertmanagerTools
from tests.e2e.servers import MissingServerError
from tests.support.telling import say


@pytest.fixture(scope="session", params=["old", "new"])
def tools(request):
    """Alertmanager and amtool, before and since 0.32; a sentence when they are missing."""
    try:
        found = AlertmanagerTools.find(request.param)
    except MissingServerError as error:
        pytest.fail(str(error), pytrace=False)
    say(request.config, f"real server used: Alertmanager {found.version}")
    return found
