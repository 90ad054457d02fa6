"""Without promtool the rules are still held to their tests and runbooks, and that is said."""

from __future__ import annotations

import os


def pytest_terminal_summary(terminalreporter):
    """Say why promtool was not asked, when it was not."""
    if os.environ.get("E2E") == "0":
        terminalreporter.write_line(
            "left out: E2E=0 was given, so rules were not run by promtool of Prometheus 2 and 3"
        )
