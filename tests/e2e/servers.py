"""Real Prometheus servers for tests: on loopback, asked over HTTP, stopped by process id."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.e2e.asking import Series, free_port, point_of, series_of, unix

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from types import TracebackType

TOOLS = Path(__file__).parent.parent.parent / ".tools"
START_SECONDS = 60.0
STOP_SECONDS = 30.0
COMMAND_SECONDS = 300.0
TAKEN = "address already in use"


class MissingServerError(Exception):
    """A real server that a test needs is not in .tools."""


class ServerError(Exception):
    """A server or a tool did not do what was asked; the message ends with what it printed."""


def folder_of(name: str, called: str, programs: tuple[str, ...]) -> Path:
    """Return a folder of .tools with its programs; a sentence when one is missing."""
    folder = TOOLS / name
    for program in programs:
        if not (folder / program).is_file():
            raise MissingServerError(
                f"{called} is missing (no {program} in .tools/{name}): run `make servers`, or "
                "leave out the tests that need real servers with E2E=0"
            )
    return folder


def version_in(said: str) -> str:
    """Return the version in what a program says with --version."""
    words = said.split()
    return words[words.index("version") + 1]


@dataclass(frozen=True)
class PrometheusTools:
    """The folder of one Prometheus version: the server and promtool."""

    folder: Path

    @classmethod
    def find(cls, major: int) -> PrometheusTools:
        """Return the tools of a major version; a sentence when they are missing."""
        programs = ("prometheus", "promtool")
        return cls(folder_of(f"prometheus-{major}", f"Prometheus {major}", programs))

    @cached_property
    def version(self) -> str:
        """What the server calls its own version."""
        return version_in(self._run("prometheus", "--version"))

    def load(self, openmetrics: Path, data: Path) -> None:
        """Write an OpenMetrics file with timestamps as blocks into a data folder.

        The hidden flag lets a month be one block; without it promtool reads the whole file once
        for every two hours in it.
        """
        longest = "--max-block-duration=744h"
        command = ("tsdb", "create-blocks-from", "openmetrics", longest)
        self._run("promtool", *command, str(openmetrics), str(data))

    def check_metrics(self, exposition: str) -> list[str]:
        """Return the complaints of `promtool check metrics` about a text exposition."""
        done = subprocess.run(
            [self.folder / "promtool", "check", "metrics"],
            input=exposition,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        complaints = (done.stdout + done.stderr).splitlines()
        if done.returncode and not complaints:
            return [f"promtool check metrics failed with {done.returncode} and printed nothing"]
        return complaints

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [self.folder / program, *arguments],
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        said = done.stdout + done.stderr
        if done.returncode:
            asked = " ".join((program, *arguments))
            raise ServerError(f"`{asked}` failed with {done.returncode}:\n{said}")
        return said


class Prometheus:
    """A running Prometheus with a folder of its own; a context manager.

    `targets` are scraped as job "exporter"; without targets it only answers queries about what
    `PrometheusTools.load` put into `data`.
    """

    def __init__(
        self,
        tools: PrometheusTools,
        folder: Path,
        *,
        targets: Sequence[str] = (),
        scrape_interval: str = "1s",
        retention: str = "10y",
        rules: Sequence[Path] = (),
        flags: Sequence[str] = (),
    ) -> None:
        self.tools = tools
        self.folder = folder
        self.data = folder / "data"
        self._targets = list(targets)
        self._scrape_interval = scrape_interval
        self._rules = [str(path) for path in rules]
        self._flags = [f"--storage.tsdb.retention.time={retention}", *flags]
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if error is not None:
            error.add_note(f"the end of Prometheus' log:\n{self.log_end()}")

    def start(self) -> None:
        """Start and wait until it answers; another port when somebody was quicker."""
        self.data.mkdir(parents=True, exist_ok=True)
        self._write_configuration()
        for _ in range(3):
            try:
                self._start_once(free_port())
            except ServerError as error:
                if TAKEN not in str(error):
                    raise
            else:
                return
        raise ServerError(f"Prometheus found no free port three times:\n{self.log_end()}")

    def stop(self) -> None:
        """Stop it by its process id, at the latest by force."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def query(self, expression: str, at: datetime | float) -> list[Series]:
        """Evaluate a PromQL expression at a time."""
        return self._ask("query", query=expression, time=unix(at))

    def value(self, expression: str, at: datetime | float) -> float:
        """Evaluate an expression that must answer with exactly one series."""
        found = self.query(expression, at)
        if len(found) != 1:
            raise ServerError(f"`{expression}` answered {len(found)} series, not 1: {found}")
        return found[0].value

    def query_range(
        self, expression: str, start: datetime | float, end: datetime | float, step: float
    ) -> list[Series]:
        """Evaluate an expression at every step of a stretch of time."""
        return self._ask(
            "query_range", query=expression, start=unix(start), end=unix(end), step=step
        )

    def raw(self, selector: str, start: datetime | float, end: datetime | float) -> list[Series]:
        """Return the stored samples of a stretch of time, both ends included.

        Ranges are open on the left since 3.0 and were closed before, so one millisecond more is
        asked for, and what it may bring is dropped.
        """
        first, last = unix(start), unix(end)
        window = round((last - first) * 1000) + 1
        found = self._ask("query", query=f"{selector}[{window}ms]", time=last)
        kept = [
            Series(series.labels, tuple(point for point in series.points if point[0] >= first))
            for series in found
        ]
        return [series for series in kept if series.points]

    def wait_for(self, expression: str, seconds: float = 60.0) -> list[Series]:
        """Wait until an expression answers with something now, and return it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := self.query(expression, time.time()):
                return found
            time.sleep(0.1)
        raise ServerError(f"`{expression}` was empty for {seconds:.0f} s:\n{self.log_end()}")

    def log_end(self, lines: int = 20) -> str:
        """Return the last lines of the server's log."""
        log = (self.folder / "prometheus.log").read_text(encoding="utf-8", errors="replace")
        return "\n".join(log.splitlines()[-lines:])

    def _write_configuration(self) -> None:
        scrapes = [{"job_name": "exporter", "static_configs": [{"targets": self._targets}]}]
        # JSON is YAML, and needs no library to be written right.
        configuration = {
            "global": {
                "scrape_interval": self._scrape_interval,
                "scrape_timeout": self._scrape_interval,
                "evaluation_interval": self._scrape_interval,
            },
            "rule_files": self._rules,
            "scrape_configs": scrapes if self._targets else [],
        }
        (self.folder / "prometheus.yml").write_text(json.dumps(configuration), encoding="utf-8")

    def _start_once(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        with (self.folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    self.tools.folder / "prometheus",
                    f"--config.file={self.folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self.data}",
                    f"--web.listen-address=127.0.0.1:{port}",
                    *self._flags,
                ],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.stop()
            raise

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise ServerError(
                    f"Prometheus {self.tools.version} ended with {process.returncode} instead of "
                    f"starting:\n{self.log_end()}"
                )
            try:
                with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5):
                    return
            except OSError:  # refused, or 503 while it replays its data
                time.sleep(0.05)
        raise ServerError(
            f"Prometheus was not ready within {START_SECONDS:.0f} s:\n{self.log_end()}"
        )

    def _ask(self, endpoint: str, **form: str | float) -> list[Series]:
        body = urllib.parse.urlencode(form).encode()
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{endpoint}", body, 120) as answer:
                data = json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            raise ServerError(f"`{form['query']}` was refused: {said}") from error
        if data["resultType"] == "scalar":
            return [Series({}, (point_of(data["result"]),))]
        return [series_of(row) for row in data["result"]]
