"""Bring the real servers that the tests use into .tools, without installing anything.

On Debian and Ubuntu the packages come through apt, from the mirror that the machine itself uses,
with lists and caches of our own; root is not needed. Elsewhere, and for what apt does not have,
fitting programs on PATH are linked. What is there already is kept. `E2E=0` brings nothing.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scripts.mirror import MirrorError, Suite, machine_mirror

TOOLS = Path(__file__).parent.parent / ".tools"

OLDER = ("bookworm", "noble")
NEWER = ("testing", "unstable", "devel")
"""Releases to look into after the machine's own."""
SUITES = {"debian": ("bookworm", "testing", "unstable"), "ubuntu": ("noble", "devel")}
"""The releases that a distribution's mirror has."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server in a version that some tests need."""

    folder: str
    wanted: str
    """What it is, in words."""
    version: str
    """A pattern that fitting versions begin with."""
    packages: tuple[str, ...]
    """Newer releases pack promtool apart from prometheus."""
    programs: tuple[str, ...]
    suites: tuple[str, ...]

    def places(self) -> dict[str, Path]:
        """Return where each program belongs."""
        return {name: TOOLS / self.folder / name for name in self.programs}

    def accepts(self, version: str) -> bool:
        """Tell whether a version, of a package or a program, is one that is wanted."""
        return re.match(self.version, version) is not None


PROMETHEUS = ("prometheus", "promtool")
ALERTMANAGER = ("alertmanager", "amtool")
PACKAGE = ("prometheus-alertmanager",)
COMPOSE = ("docker-compose",)
OLD, NEW = r"0\.(2[5-9]|3[01])\.", r"0\.(3[2-9]|[4-9]\d)\."
"""Alertmanager 0.32 brought changes that matter to templates."""
SERVERS = (
    Server("prometheus-2", "Prometheus 2", r"2\.", PROMETHEUS, PROMETHEUS, OLDER),
    Server("prometheus-3", "Prometheus 3", r"3\.", PROMETHEUS, PROMETHEUS, NEWER),
    Server("alertmanager-old", "Alertmanager 0.25 to 0.31", OLD, PACKAGE, ALERTMANAGER, OLDER),
    Server("alertmanager-new", "Alertmanager 0.32 or later", NEW, PACKAGE, ALERTMANAGER, NEWER),
    Server(
        "compose",
        "Docker Compose 2.24 or later",
        r"2\.(2[4-9]|[3-9]\d)\.|[5-9]\.",
        COMPOSE,
        COMPOSE,
        NEWER,
    ),
)
PLUGINS = (
    "usr/libexec/docker/cli-plugins",
    "usr/lib/docker/cli-plugins",
    "usr/local/lib/docker/cli-plugins",
)
"""Where Docker's plugins are, which are programs like others."""


def find(program: str, path: str | None = None) -> Path | None:
    """Find a program in a search path, also under the name that Debian gives it."""
    found = shutil.which(program, path=path) or shutil.which(f"prometheus-{program}", path=path)
    return Path(found) if found else None


def search_path(root: Path) -> str:
    """Return where programs and plugins are below a folder."""
    return os.pathsep.join(str(root / folder) for folder in ("usr/bin", *PLUGINS))


def program_version(program: Path) -> str:
    """Return the version that a program prints, "" when it does not run."""
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=60, check=False
        )
        if found := re.search(r"version v?(\d\S*)", done.stdout + done.stderr):
            return found[1]
    return ""


def versions(programs: dict[str, Path]) -> dict[str, str]:
    """Return the version of each program."""
    return {name: program_version(path) for name, path in programs.items()}


def complete(server: Server) -> bool:
    """Tell whether the server's folder holds programs that run and fit."""
    return all(server.accepts(version) for version in versions(server.places()).values())


def from_apt(server: Server, suite: Suite) -> str:
    """Unpack a suite's packages when they fit; return "" or why they are not used."""
    target = TOOLS / server.folder / "unpacked"
    try:
        version = suite.candidate(server.packages[0])
        if not server.accepts(version):
            return f"{suite.name} has {version or 'none'}"
        for package in server.packages:
            if suite.candidate(package):
                suite.unpack([package], target)
    except MirrorError as error:
        return f"{suite.name}: {error}"
    for name, place in server.places().items():
        if program := find(name, search_path(target)):
            place.symlink_to(program.relative_to(place.parent))
    return "" if complete(server) else f"{suite.name}: what it has does not run here"


def from_path(server: Server) -> str:
    """Link the programs on PATH when they fit; return "" or why they are not used."""
    everywhere = os.pathsep.join((os.environ.get("PATH", os.defpath), search_path(Path("/"))))
    found = {name: path for name in server.programs if (path := find(name, everywhere))}
    for name, path in found.items():
        server.places()[name].symlink_to(path)
    if complete(server):
        return ""
    named = [f"{name} {version or 'that fails'}" for name, version in versions(found).items()]
    return f"PATH has {' and '.join(named) or 'none'}"


def bring(server: Server, suites: list[Suite]) -> str:
    """Make the server's folder complete; return "" or a sentence about what is missing."""
    if complete(server):
        return ""
    folder = TOOLS / server.folder
    reasons = []
    for way in (*suites, None):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        reason = from_apt(server, way) if way else from_path(server)
        if not reason:
            return ""
        reasons.append(reason)
    shutil.rmtree(folder)
    return (
        f"error: {server.wanted} is missing ({'; '.join(reasons)}): put "
        f"{' and '.join(server.programs)} on PATH or into .tools/{server.folder}, "
        "or leave out the tests that need real servers with E2E=0"
    )


def machine_suites() -> dict[str, Suite]:
    """Return the suites on this machine's mirror by name, the machine's own release first."""
    try:
        system = platform.freedesktop_os_release()
    except OSError:
        return {}
    distribution, release = system.get("ID", ""), system.get("VERSION_CODENAME", "")
    if distribution not in SUITES or not shutil.which("apt-get"):
        return {}
    mirror = machine_mirror(distribution, release)
    if mirror is None:
        sys.stderr.write(f"note: apt's sources name no mirror of {distribution} {release}\n")
        return {}
    names = (release, *SUITES[distribution])
    return {name: Suite(name, mirror, TOOLS / "apt" / name) for name in names}


def candidates(server: Server, suites: dict[str, Suite]) -> list[Suite]:
    """Return the suites to look into for a server, in order."""
    names = dict.fromkeys([*list(suites)[:1], *server.suites])
    return [suites[name] for name in names if name in suites]


def main() -> int:
    """Bring every server; exit 1 when one is missing."""
    if os.environ.get("E2E") == "0":
        sys.stdout.write("E2E=0: no real servers are brought\n")
        return 0
    suites = machine_suites()
    missing = 0
    for server in SERVERS:
        problem = bring(server, candidates(server, suites))
        if problem:
            missing += 1
            sys.stderr.write(problem + "\n")
            continue
        named = [f"{name} {version}" for name, version in versions(server.places()).items()]
        sys.stdout.write(f".tools/{server.folder}: {', '.join(named)}\n")
        sys.stdout.flush()
    shutil.rmtree(TOOLS / "apt", ignore_errors=True)
    return int(missing > 0)


if __name__ == "__main__":
    sys.exit(main())
