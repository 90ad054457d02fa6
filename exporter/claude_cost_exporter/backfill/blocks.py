"""OpenMetrics text to blocks in a data folder of Prometheus, by its own promtool (floor 4).

Blocks are made in a folder beside the others, and moved when all of them are whole.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE
from typing import TYPE_CHECKING

from claude_cost_exporter.errors import BackfillError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from claude_cost_exporter.backfill.spool import Target

LONGEST_BLOCK = "744h"
"""A month. With its usual two hours promtool reads the whole file once for each of them."""


class Blocks:
    """A data folder, and the promtool that knows its form."""

    def __init__(self, promtool: Path, data: Path) -> None:
        self._promtool, self._data = promtool, data
        if not data.is_dir():
            raise BackfillError(f"there is no folder {data} with data of Prometheus")
        self._run("--version")

    def refuse(self, target: Target, first_live: int, end: int) -> None:
        """Refuse a folder that has this past already, or cannot take it yet.

        Times are epoch seconds: when the first live counters begin, and the last ones.
        """
        ours = (
            f'{{__name__=~"llm_.+_total",job={json.dumps(target.job)},'
            f"instance={json.dumps(target.instance)}}}"
        )
        newest, has_log = self._newest(), (self._data / "wal").is_dir()
        if not has_log and newest is None:
            return
        # Without a log promtool must not be asked about the time after the newest block.
        known = first_live * 1000 if has_log or newest is None else newest - 1
        if self._holds(ours, 0, min(first_live * 1000, known)):
            raise BackfillError(
                f"{self._data} already has counters of job {target.job} and instance "
                f"{target.instance} from before the live ones began: nothing was added"
            )
        # What Prometheus has in its log only, and not in blocks, it forgets at its next start
        # when there are blocks of later times.
        if has_log and self._holds('{__name__=~".+"}', newest or 0, end * 1000):
            raise BackfillError(
                f"{self._data} has samples from before the live counters began that are in no "
                "block yet, and would be lost: try again three hours after the first poll"
            )

    @contextmanager
    def workshop(self) -> Iterator[Path]:
        """Lend a folder that Prometheus does not look at, and remove it."""
        try:
            folder = Path(tempfile.mkdtemp(prefix="backfill-", suffix=".tmp", dir=self._data))
        except OSError as error:
            raise BackfillError(f"cannot write to {self._data}: {error.strerror}") from error
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def add(self, openmetrics: Path) -> int:
        """Add what a file says; return how many blocks it became."""
        with self.workshop() as made:
            longest = f"--max-block-duration={LONGEST_BLOCK}"
            command = ("tsdb", "create-blocks-from", "openmetrics", "-q", longest)
            self._run(*command, str(openmetrics), str(made))
            blocks = sorted(meta.parent for meta in made.glob("*/meta.json"))
            try:
                self._move(blocks)
            except OSError as error:
                raise BackfillError(
                    f"cannot move blocks to {self._data}: {error.strerror}"
                ) from error
        return len(blocks)

    def _move(self, blocks: Sequence[Path]) -> None:
        try:
            for block in blocks:
                block.rename(self._data / block.name)
        except OSError:
            for block in blocks:  # whose names no others have
                shutil.rmtree(self._data / block.name, ignore_errors=True)
            raise

    def _newest(self) -> int | None:
        """Return where the newest block ends, in milliseconds."""
        metas = self._data.glob("*/meta.json")
        return max((json.loads(meta.read_bytes())["maxTime"] for meta in metas), default=None)

    def _holds(self, selector: str, first: int, last: int) -> bool:
        """Return whether there is a sample of a selector between two times in milliseconds."""
        span = (f"--min-time={first}", f"--max-time={last}")
        command = (str(self._promtool), "tsdb", "dump", f"--match={selector}", *span)
        with subprocess.Popen(  # noqa: S603 - the program that the user named
            [*command, str(self._data)], stdout=PIPE, stderr=PIPE, text=True
        ) as dump:
            if dump.stdout is not None and dump.stdout.readline():
                dump.kill()
                return True
            said = dump.stderr.read() if dump.stderr is not None else ""
        if dump.returncode:
            raise self._failed(said)
        return False

    def _run(self, *arguments: str) -> None:
        try:
            done = subprocess.run(  # noqa: S603 - the program that the user named
                [self._promtool, *arguments], capture_output=True, text=True, check=False
            )
        except OSError as error:
            raise BackfillError(f"cannot run {self._promtool}: {error.strerror}") from error
        if done.returncode:
            raise self._failed(done.stderr or done.stdout)

    def _failed(self, said: str) -> BackfillError:
        lines = said.strip().splitlines() or ["it says nothing"]
        return BackfillError(f"{self._promtool} failed: {lines[-1]}")
