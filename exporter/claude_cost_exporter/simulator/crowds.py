"""A thousand keys that are mostly idle: their flows exist only for the hours in which they run."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import shake_128
from typing import TYPE_CHECKING

from claude_cost_exporter.simulator.flows import FLAT, Flow
from claude_cost_exporter.simulator.streams import Stream

if TYPE_CHECKING:
    from claude_cost_exporter.simulator.organisation import Organisation
    from claude_cost_exporter.simulator.ratecard import Line


@dataclass(frozen=True, slots=True)
class Crowd:
    """Many keys (`bulk-<n>`), each of which uses every one of `lines` in its active hours."""

    keys: int
    workspaces: int
    lines: tuple[Line, ...]
    active_percent: int
    """Percent of hours in which a key is active."""

    def flow(self, key: int, line: int) -> Flow:
        """Return what one key does with one model while it is active."""
        team = f"team-{key % self.workspaces}"
        per_hour = (9_000 + key, 2_000 + key, 20_000 * line, 900, key % 50, key % 4)
        return Flow(f"bulk-{key}-{line}", team, f"bulk-{key}", self.lines[line], per_hour, FLAT)


class CrowdStreams:
    """The streams of a crowd, made when they first run."""

    def __init__(
        self, crowd: Crowd, organisation: Organisation, seed: int, start: int, history: int
    ) -> None:
        self._crowd = crowd
        self._of_simulation = (organisation, seed, start, history)
        self._seed = seed
        self._made: dict[int, list[Stream]] = {}

    def active(self, hour: int) -> list[Stream]:
        """Return the streams of the keys that are active in an hour."""
        keys = self._crowd.keys
        draws = memoryview(shake_128(f"{self._seed}/crowd/{hour}".encode()).digest(2 * keys))
        below = self._crowd.active_percent * 65_536 // 100
        chosen = [key for key, draw in enumerate(draws.cast("H")) if draw < below]
        return [stream for key in chosen for stream in self._streams(key)]

    def _streams(self, key: int) -> list[Stream]:
        streams = self._made.get(key)
        if streams is None:
            flows = [self._crowd.flow(key, line) for line in range(len(self._crowd.lines))]
            streams = [Stream(flow, *self._of_simulation) for flow in flows]
            self._made[key] = streams
        return streams
