"""The program as a process of its own, with its output, its web pages and its exit code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from functools import cached_property

DEADLINE = 60.0
"""Long enough for a busy machine; nothing is measured with it."""


class Program:
    """`claude-cost-exporter` with some arguments; a context manager that ends what it started."""

    def __init__(self, folder, *arguments, **environment) -> None:
        self.arguments = [sys.executable, "-m", "claude_cost_exporter", *map(str, arguments)]
        self.environment = {
            "HOME": str(folder),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            **environment,
        }
        self._files = [folder / f"{id(self)}.out", folder / f"{id(self)}.err"]

    def __enter__(self):
        out, err = (path.open("wb") for path in self._files)
        with out, err:
            self.process = subprocess.Popen(
                self.arguments, stdout=out, stderr=err, env=self.environment
            )
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    @property
    def out(self):
        return self._files[0].read_text(encoding="utf-8")

    @property
    def err(self):
        return self._files[1].read_text(encoding="utf-8")

    def finish(self):
        """Return the exit code of a program that ends by itself."""
        return self.process.wait(DEADLINE)

    def wait_for(self, what, wanted, deadline=DEADLINE):
        """Return the first truthy answer of `wanted`; fail when the program ends before."""
        until = time.monotonic() + deadline
        while time.monotonic() < until:
            if answer := wanted():
                return answer
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"no {what}; it printed:\n{self.out}\n{self.err}")

    @cached_property
    def url(self):
        """The first URL on which it says that it listens."""
        lines = r"(?:url=|status page +|taking )(http://\S+?)/?(?:\s|$)"
        match = self.wait_for("URL", lambda: re.search(lines, self.out + self.err))
        return match[1]

    def get(self, path):
        """Return the body of a page, or nothing while there is none."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=10) as answer:
                return answer.read().decode()
        except (urllib.error.URLError, ConnectionError):
            return ""


def samples(text, family):
    """Return the samples of a family as (labels, value)."""
    found = re.findall(rf"^{family}{{(.*)}} (\S+)$", text, re.MULTILINE)
    return [(labels, float(value)) for labels, value in found]
