"""What all tests share: the same examples on every run, no settings from outside, E2E=0.

Tests may run in several processes (pytest-xdist). What the slowest ones take decides how long all
of them take, so those come first; what a test has to tell goes through `say`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from tests.support.telling import SAID, said, say

# Derandomized: a red run stays red until the code changes, on every machine.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")

# Prometheus and promtool collect garbage less often: it is a sixth of their work here.
os.environ.setdefault("GOGC", "300")

HERE = Path(__file__).parent
E2E = (HERE / "e2e", HERE / "alerting", HERE / "compose")
SLOWEST_FIRST = (
    *("test_quiet.py", "test_dashboards.py", "test_five_days.py", "test_live_spend.py"),
    *("test_live_old_data.py", "test_huge_history.py", "test_quarter.py"),
)


def _turn(item):
    name = item.path.name
    return SLOWEST_FIRST.index(name) if name in SLOWEST_FIRST else len(SLOWEST_FIRST)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Mark the tests with real servers; leave them out when E2E=0, and say what they were."""
    items.sort(key=_turn)
    ours = [item for item in items if any(folder in item.path.parents for folder in E2E)]
    for item in ours:
        item.add_marker("e2e")
    if os.environ.get("E2E") == "0":
        say(config, "left out: E2E=0 was given, and these need servers or minutes:")
        for item in ours:
            say(config, f"  {item.nodeid}")
        items[:] = [item for item in items if item not in ours]
        config.hook.pytest_deselected(items=ours)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """One process more than there are cores: there are tests that wait for servers."""
    if wanted := os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return int(wanted)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (cores or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Take over what the tests of another process had to say."""
    for line in getattr(node, "workeroutput", {}).get(SAID, ()):
        say(node.config, line)


def pytest_terminal_summary(terminalreporter, config):
    """Print what the tests had to say."""
    for line in said(config):
        terminalreporter.write_line(line)


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
