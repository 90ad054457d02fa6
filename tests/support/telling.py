"""Lines for the end of pytest's output, also from tests that run in another process."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Collection

SAID = "said"
_LINES = pytest.StashKey[dict[str, None]]()


def say(config: pytest.Config, line: str) -> None:
    """Have a line, or several as one, printed at the end, once however often it is said."""
    sent = getattr(config, "workeroutput", None)  # what xdist sends to the process that prints
    if sent is None:
        config.stash.setdefault(_LINES, {})[line] = None
    elif line not in sent.setdefault(SAID, []):
        sent[SAID].append(line)


def said(config: pytest.Config) -> Collection[str]:
    """Return the lines that this process was told, in their order."""
    return config.stash.get(_LINES, {})


def report(config: pytest.Config, line: str) -> None:
    """Print a line at once, past the capture of output: what takes minutes says how far it is."""
    with config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
        os.write(sys.__stderr__.fileno(), f"{line}\n".encode())
