"""A day of Claude Code's own metrics, as Prometheus would have received them by OpenTelemetry."""

from __future__ import annotations

from itertools import product

from tests.support.promql_labels import ALSO_CALLED, TELEMETRY

HOURS = 26
STEP = 60
USERS = ("ada@example.com", "grace@example.com")
VALUES = {
    "model": ("claude-opus-5-5", "claude-haiku-5"),
    "query_source": ("main", "subagent"),
    "type": ("input", "cacheRead"),
    "start_type": ("fresh",),
    "tool_name": ("Edit",),
    "decision": ("accept", "reject"),
    "source": ("config",),
    "language": ("Python",),
}


def _series(name, labels):
    names = ("user_email", *labels)
    for values in product(USERS, *(VALUES[one] for one in labels)):
        pairs = (f'{label}="{value}"' for label, value in zip(names, values, strict=True))
        yield f"{name}{{{','.join(pairs)}}}"


def write(path, now):
    """Write every counter by each of its names, all of which grow by 1 a minute, up to now."""
    called = {name: name for name in TELEMETRY} | ALSO_CALLED
    with path.open("w", encoding="utf-8") as file:
        for name, meant in sorted(called.items()):
            file.write(f"# TYPE {name.removesuffix('_total')} counter\n")
            for series in _series(name, TELEMETRY[meant]):
                file.writelines(
                    f"{series} {count} {int(now) - HOURS * 3600 + count * STEP}\n"
                    for count in range(HOURS * 3600 // STEP)
                )
        file.write("# EOF\n")
