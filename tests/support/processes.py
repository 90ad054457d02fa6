"""The exporter as its own process, started and ended as an operator or a crash would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.simulated import KEY

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

STOP_SECONDS = 5
"""What SIGTERM may take."""
KILLED = -signal.SIGKILL


class ExporterProcess:
    """`claude-cost-exporter serve` on a loopback port; it can be started again and again."""

    def __init__(self, config: Path, address: str) -> None:
        self.url = f"http://{address}"
        self.log = config.with_suffix(".log")
        self._command = [
            Path(sys.executable).with_name("claude-cost-exporter"),
            "serve",
            f"--config.file={config}",
            f"--web.listen-address={address}",
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | {"KEY": KEY},
            )

    def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit code."""
        self._process.send_signal(number)
        code = self._process.wait(STOP_SECONDS)
        self._process = None
        return code

    def get(self, path: str, accept: str = "*/*") -> str:
        request = urllib.request.Request(self.url + path, headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if error is not None:
            error.add_note(f"the exporter's log:\n{self.log.read_text(errors='replace')[-3000:]}")
