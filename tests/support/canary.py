"""The canary, a key that can be recognised in pieces, and ears for where it may be said."""

from __future__ import annotations

import logging
from contextlib import redirect_stderr
from io import StringIO

import structlog

from claude_cost_exporter.cli import logs

SECRET = "Wq7Zt3RkVb9XnYp2LcMd8Fs-canary-JhGu5Ae_Tx4Oi6Ks1Dv0Bz-QmWn"
KEY = f"sk-ant-admin01-{SECRET}"
PIECES = tuple(SECRET[start : start + 12] for start in range(len(SECRET) - 11))
ESCAPED = "".join(f"\\u{ord(character):04x}" for character in KEY).encode()
CONFIG = """
sources: [{{type: anthropic, account: acme, {key}, base_url: "{url}", poll_interval: 100ms,
           history: 0d}}]
ledger: {{url: "sqlite:///{folder}/ledger.db"}}
"""


def leaks(text):
    """Return the pieces of the key that a text or file holds."""
    data = text.encode() if isinstance(text, str) else text
    return [piece for piece in (KEY, *PIECES) if piece.encode() in data]


class Ears:
    """Everything that the program says: both outputs, and every logger of every library."""

    def __init__(self, capfd, style) -> None:
        self._capfd = capfd
        self._log = StringIO()
        self._handler = logging.StreamHandler(self._log)
        self._root = logging.getLogger()
        self._level = self._root.level
        self._root.addHandler(self._handler)
        self._root.setLevel(logging.DEBUG)
        with redirect_stderr(self._log):
            logs.configure("debug", style)

    def heard(self):
        return "".join(self._capfd.readouterr()) + self._log.getvalue()

    def close(self):
        self._root.removeHandler(self._handler)
        self._root.setLevel(self._level)
        structlog.reset_defaults()
