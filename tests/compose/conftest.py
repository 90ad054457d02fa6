"""What runs containers is for `make compose-test` only."""

from __future__ import annotations

import os

import pytest

from tests.support.telling import say

HOW = os.environ.get("COMPOSE_TEST", "")
collect_ignore = [] if HOW else ["test_stack.py"]


def pytest_collection_modifyitems(config):
    """Say what was left out."""
    if not HOW:
        say(config, "left out: tests/compose/test_stack.py; `make compose-test` runs containers")


@pytest.fixture(scope="session")
def no_engine():
    """Ends the tests where no engine can be: with a reason, red when one is required."""
    return pytest.fail if HOW == "required" else pytest.skip
