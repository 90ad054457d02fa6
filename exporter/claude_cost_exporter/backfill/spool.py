"""Lines of many families at once: OpenMetrics wants each family's samples in one piece (floor 4).

Time passes once over the ledger and moves every family; each has a file of its own until the end.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.catalogue import CATALOGUE, Kind
from claude_cost_exporter.errors import BackfillError
from claude_cost_exporter.metrics.exposition import escape

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self, TextIO

    from claude_cost_exporter.catalogue import Metric

BUFFER_BYTES = 1 << 18
END = b"# EOF\n"


class Target(NamedTuple):
    """The labels that a scrape puts on every series."""

    job: str
    instance: str


class Spool:
    """A folder beside the output, which takes the output's place only when it is whole."""

    def __init__(self, output: Path, target: Target) -> None:
        self._output = output
        self._target = "".join(
            f',{name}="{escape(value)}"' for name, value in target._asdict().items()
        )
        self._open = ExitStack()
        self._files: dict[str, TextIO] = {}
        self.samples = 0
        """How many samples were written; writers count them."""

    def __enter__(self) -> Self:
        """Make the folder."""
        try:
            made = tempfile.mkdtemp(prefix=f".{self._output.name}-", dir=self._output.parent)
        except OSError as error:
            raise _unwritable(self._output, error) from error
        self._folder = Path(made)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write the output when all went well; leave nothing else behind."""
        try:
            self._open.close()
            if error is None:
                self._join()
        except OSError as failure:
            raise _unwritable(self._output, failure) from failure
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
        if isinstance(error, OSError):
            raise _unwritable(self._output, error) from error

    def file(self, family: str) -> TextIO:
        """Return where the lines of a family go."""
        if (known := self._files.get(family)) is None:
            path = self._folder / family
            opened = path.open("w", BUFFER_BYTES, encoding="utf-8", newline="\n")
            known = self._files[family] = self._open.enter_context(opened)
        return known

    def start_of_line(self, metric: Metric, labels: tuple[str, ...]) -> str:
        """Return everything of a sample's line up to its value."""
        pairs = zip(metric.labels, labels, strict=True)
        own = ",".join([f'{name}="{escape(value)}"' for name, value in pairs])
        return f"{metric.name}{{{own}{self._target}}} ".replace("{,", "{")

    def _join(self) -> None:
        whole = self._folder / "whole"
        with whole.open("wb") as output:
            for metric in CATALOGUE:
                if metric.name in self._files:
                    output.write(_head(metric))
                    part = self._folder / metric.name
                    with part.open("rb") as lines:
                        shutil.copyfileobj(lines, output, 1 << 20)
                    part.unlink()
            output.write(END)
        whole.chmod(0o644)
        whole.replace(self._output)


def _head(metric: Metric) -> bytes:
    name = metric.name.removesuffix("_total") if metric.kind is Kind.COUNTER else metric.name
    return f"# HELP {name} {escape(metric.help)}\n# TYPE {name} {metric.kind}\n".encode()


def _unwritable(output: Path, error: OSError) -> BackfillError:
    return BackfillError(f"cannot write {output}: {error.strerror or error}")
