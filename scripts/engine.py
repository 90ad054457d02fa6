"""A Docker engine of our own: unpacked into .tools, started as root, stopped by its process.

Nothing is installed, no other engine is touched, and what it changes in the machine's network is
put back. It is for `make compose-test` on Debian.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.mirror import MirrorError, Suite
from scripts.servers import TOOLS, machine_suites

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

FOLDER = TOOLS / "engine"
UNPACKED = FOLDER / "unpacked"
FILTERS = ("libip4tc2", "libip6tc2", "libxtables12", "libnftnl11", "libnetfilter-conntrack3")
PACKAGES = (
    *("docker.io", "containerd", "runc", "iptables", *FILTERS, "libnfnetlink0"),
    *("debootstrap", "busybox-static"),
)
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
LIBRARIES = f"usr/lib/{platform.machine()}-linux-gnu"
START_SECONDS = 60.0
STOP_SECONDS = 60.0


class EngineError(Exception):
    """There can be no engine here; the message says why."""


def bring() -> Suite:
    """Unpack what an engine needs from the machine's own release, once; return the release."""
    if os.geteuid() != 0:
        raise EngineError("an engine of its own needs root")
    suites = machine_suites()
    if not suites:
        raise EngineError("packages of an engine are known for Debian and Ubuntu only")
    suite = next(iter(suites.values()))
    if not (UNPACKED / "complete").exists():
        UNPACKED.mkdir(parents=True, exist_ok=True)
        try:
            for package in PACKAGES:
                if suite.candidate(package):
                    suite.unpack([package], UNPACKED)
        except MirrorError as error:
            raise EngineError(str(error)) from error
        (UNPACKED / "complete").touch()
    return suite


class Engine:
    """A running dockerd; a context manager that ends it."""

    def __init__(self) -> None:
        self.socket = FOLDER / "run" / "docker.sock"
        self._log = FOLDER / "dockerd.log"
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        """Start it and wait until it answers."""
        (FOLDER / "run").mkdir(parents=True, exist_ok=True)
        try:
            self._remember_network()
            self._start()
        except BaseException:
            self._undo.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it and put the network's filters back."""
        self._undo.close()

    @property
    def environment(self) -> dict[str, str]:
        """What programs of the engine need to find each other."""
        programs = [FOLDER / "bin", UNPACKED / "usr/sbin", UNPACKED / "usr/bin", UNPACKED / "bin"]
        return {
            "PATH": os.pathsep.join([*map(str, programs), os.environ.get("PATH", os.defpath)]),
            "LD_LIBRARY_PATH": str(UNPACKED / LIBRARIES),
            "XTABLES_LIBDIR": str(UNPACKED / LIBRARIES / "xtables"),
            "DOCKER_HOST": f"unix://{self.socket}",
            "DOCKER_BUILDKIT": "0",
            "HOME": str(FOLDER),
        }

    def run(self, *command: str | Path, stdin: bytes | None = None) -> bytes:
        """Run a program beside the engine; an error ends with what it said."""
        done = subprocess.run(
            command, input=stdin, env=self.environment, capture_output=True, check=False
        )
        if done.returncode:
            said = (done.stderr or done.stdout).decode(errors="replace").strip()
            raise EngineError(f"{' '.join(map(str, command))}: {said[-2000:]}")
        return done.stdout

    def docker(self, *arguments: str | Path, stdin: bytes | None = None) -> str:
        """Run the client."""
        return self.run(UNPACKED / "usr/bin/docker", *arguments, stdin=stdin).decode()

    def _remember_network(self) -> None:
        """Keep what the engine changes for all programs of the machine."""
        folder = FOLDER / "bin"
        folder.mkdir(exist_ok=True)
        for name in ("iptables", "ip6tables"):
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to(UNPACKED / "usr/sbin/xtables-legacy-multi")
        for table in ("nat", "filter"):
            self.run("iptables", "-t", table, "-S")
        filters = self.run("iptables-legacy-save")
        forwarding = FORWARDING.read_text(encoding="ascii")
        self._undo.callback(FORWARDING.write_text, forwarding, encoding="ascii")
        self._undo.callback(self.run, "iptables-legacy-restore", stdin=filters)

    def _start(self) -> None:
        with self._log.open("wb") as log:
            process = subprocess.Popen(
                [
                    UNPACKED / "usr/sbin/dockerd",
                    *("--data-root", FOLDER / "data", "--exec-root", FOLDER / "run" / "exec"),
                    *("--pidfile", FOLDER / "run" / "docker.pid", "--bridge=none"),
                    *("--host", f"unix://{self.socket}"),
                ],
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        self._undo.callback(_end, process)
        give_up = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up and process.poll() is None:
            try:
                self.docker("version")
            except EngineError:
                time.sleep(0.5)
            else:
                return
        last = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
        raise EngineError("dockerd does not start: " + " ".join(last))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End dockerd, and with it the containerd that it started."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    namespaces = sorted((FOLDER / "run").glob("exec/netns/*"))  # it leaves one mounted
    if namespaces:
        subprocess.run(["/bin/umount", *namespaces], check=False)
    shutil.rmtree(FOLDER / "run", ignore_errors=True)
