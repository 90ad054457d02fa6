"""promtool of both versions, and when it is not asked."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.e2e.servers import COMMAND_SECONDS

needs_promtool = pytest.mark.skipif(
    os.environ.get("E2E") == "0",
    reason="E2E=0 was given: rules are not checked with promtool of Prometheus 2 and 3",
)


def run(tools, *arguments):
    """Return what promtool made of a command: its exit code and all that it printed."""
    done = subprocess.run(
        [tools.folder / "promtool", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
