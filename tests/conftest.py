"""What all tests share: the same examples on every run, no settings from outside, E2E=0."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

# Derandomized: a red run stays red until the code changes, on every machine.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")

HERE = Path(__file__).parent
E2E = (HERE / "e2e", HERE / "alerting")
LEFT_OUT = pytest.StashKey[list[str]]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Mark the tests with real servers; leave them out when E2E=0, remembering what they were."""
    ours = [item for item in items if any(folder in item.path.parents for folder in E2E)]
    for item in ours:
        item.add_marker("e2e")
    if os.environ.get("E2E") == "0":
        config.stash[LEFT_OUT] = [item.nodeid for item in ours]
        items[:] = [item for item in items if item not in ours]
        config.hook.pytest_deselected(items=ours)


def pytest_terminal_summary(terminalreporter, config):
    """Say which tests were left out."""
    if left_out := config.stash.get(LEFT_OUT, []):
        terminalreporter.section("left out: E2E=0 was given, and these need servers or minutes")
        for name in left_out:
            terminalreporter.write_line(f"  {name}")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    """Keep a developer's real key and proxies away from the tests."""
    for name in ("ANTHROPIC_ADMIN_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(autouse=True)
def _logs_as_before():
    """Take back what a command in this process has set: its log lines go to its own output."""
    yield
    structlog.reset_defaults()
