"""What all tests share: the same examples on every run, and no settings from outside."""

from __future__ import annotations

import pytest
import structlog
from hypothesis import settings

# Derandomized: a red run stays red until the code changes, on every machine.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")


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
