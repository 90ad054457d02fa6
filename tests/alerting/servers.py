"""A real Alertmanager for tests: on loopback, asked over HTTP, stopped by process id."""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.asking import free_port
from tests.e2e.servers import ServerError, folder_of, version_in

ALERTING = Path(__file__).parents[2] / "alerting"
PATIENCE_SECONDS = 20.0
PACKAGED_TEMPLATES = "/usr/share/prometheus/alertmanager"
"""Where Debian's build reads its default templates, installed or not."""


@dataclass(frozen=True)
class AlertmanagerTools:
    """The folder of one Alertmanager version: the server and amtool."""

    folder: Path

    @classmethod
    def find(cls, age: str) -> AlertmanagerTools:
        """Return the tools of the old or the new version; a sentence when they are missing."""
        programs = ("alertmanager", "amtool")
        return cls(folder_of(f"alertmanager-{age}", "Alertmanager", programs))

    @property
    def version(self) -> str:
        """What the server calls its own version."""
        done = subprocess.run(
            [self.folder / "alertmanager", "--version"], capture_output=True, text=True, check=True
        )
        return version_in(done.stdout + done.stderr)

    def amtool(self, *arguments: str | Path) -> str:
        """Run amtool and return what it printed."""
        command = [str(argument) for argument in (self.folder / "amtool", *arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise ServerError(f"{command} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def runnable(self, folder: Path) -> tuple[Path, Path]:
        """Return the server and the folder to run it in.

        An unpacked package looks for its default templates where they would be installed: the
        copy looks into the folder that it runs in.
        """
        templates = self.folder / "unpacked" / PACKAGED_TEMPLATES[1:]
        if not templates.is_dir():
            return self.folder / "alertmanager", folder
        here = "./" * (len(PACKAGED_TEMPLATES) // 2)  # as long: the path is replaced in place
        program = (self.folder / "alertmanager").read_bytes()
        copy = folder / "alertmanager"
        copy.write_bytes(program.replace(PACKAGED_TEMPLATES.encode(), here.encode()))
        copy.chmod(0o755)
        return copy, templates


class Alertmanager:
    """A running Alertmanager with a configuration; a context manager."""

    def __init__(self, tools: AlertmanagerTools, folder: Path, configuration: Path) -> None:
        self._program, self._cwd = tools.runnable(folder)
        self._log = folder / "alertmanager.log"
        self.configuration = configuration
        self.url = f"http://127.0.0.1:{free_port()}"
        self._flags = [
            f"--config.file={configuration}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address={self.url.removeprefix('http://')}",
            "--web.external-url=http://alertmanager.test",
            "--web.route-prefix=/",
            "--data.retention=240h",
            "--cluster.listen-address=",
        ]

    def __enter__(self):
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [self._program, *self._flags],
                cwd=self._cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_until(self._is_ready, "Alertmanager is ready")
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, kind, error, trace):
        self._process.terminate()
        self._process.wait(PATIENCE_SECONDS)
        if error is not None:
            error.add_note(f"Alertmanager's log:\n{self.log[-3000:]}")

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def complaints(self) -> list[str]:
        """Return the warnings and errors of its log."""
        return re.findall(r".*level=(?:warn|error).*", self.log, re.IGNORECASE)

    def post(self, *alerts: dict) -> None:
        """Tell it alerts, as Prometheus does."""
        self._ask("/api/v2/alerts", json.dumps(alerts).encode())

    def reload(self) -> None:
        """Let it read its configuration again; what it remembers of messages stays."""
        self._ask("/-/reload", b"")

    def alerts(self) -> list[dict]:
        return json.loads(self._ask("/api/v2/alerts"))

    def _is_ready(self) -> bool:
        if self._process.poll() is not None:
            raise ServerError(f"Alertmanager ended with {self._process.returncode}")
        try:
            self._ask("/-/ready")
        except OSError:
            return False
        return True

    def _ask(self, path: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(
            self.url + path, body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()


def wait_until(condition, what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until something holds; it fails only when it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ServerError(f"it never came true that {what}")
        time.sleep(0.05)
